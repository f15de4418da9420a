// Keys that work in every view, and the dialog that lists them.

import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { Dialog } from "~/parts/dialog";
import { PLACES } from "./places";

/** How long the second key of two may take, in milliseconds. */
const SECOND = 1_200;

export function useShortcuts({ palette, help }: { palette: () => void; help: () => void }): void {
  const navigate = useNavigate();
  useEffect(() => {
    let went = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        palette();
        return;
      }
      const at = event.target as HTMLElement;
      const isTyping = at.matches("input:not([type=checkbox]), select, textarea") || at.isContentEditable;
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (event.key === "?") {
        event.preventDefault();
        help();
      } else if (event.key === "/") {
        const search = document.querySelector<HTMLElement>("[data-search]");
        if (search) {
          event.preventDefault();
          search.focus();
        }
      } else if (event.key === "g") {
        went = event.timeStamp;
      } else if (went > 0 && event.timeStamp - went < SECOND) {
        went = 0;
        const place = PLACES.find(({ key }) => key === event.key);
        if (place) {
          event.preventDefault();
          void navigate({ to: place.to }).then(() => document.getElementById("main")?.focus());
        }
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [navigate, palette, help]);
}

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "Go to a view, queue, agent, project or run, or do something (on a Mac: ⌘ K)"],
  [["/"], "Search in this view"],
  [["?"], "These keys"],
  [["j"], "Next row of a table (or ↓)"],
  [["k"], "Row before (or ↑)"],
  [["x"], "Select a run, with Shift all up to it (or click)"],
  [["n"], "In a log: the next match, with Shift the one before; f follows, w wraps"],
  [["Esc"], "Close a dialog"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <table className="keys">
        <tbody>
          {KEYS.map(([keys, what]) => (
            <Key key={what} keys={keys} what={what} />
          ))}
          {PLACES.map(({ key, name }) => (
            <Key key={name} keys={["g", key]} what={name} />
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

function Key({ keys, what }: { keys: string[]; what: string }) {
  return (
    <tr>
      <th scope="row">
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </th>
      <td>{what}</td>
    </tr>
  );
}
