// What can be done from a view: as buttons at its head, and in the palette.

import { useCommands } from "~/app/commands";
import { type Action, useAction } from "./action";
import { ActionMenu } from "./menu";

export interface Deed {
  label: string;
  action: () => Action;
  isDangerous?: boolean;
}

/** What can be done to one thing: the first, which is meant most often, is a button; the others are in a menu. */
export function Deeds({ to, of: [first, ...rest] }: { to: string; of: Deed[] }) {
  const open = useAction();
  const all = first ? [first, ...rest] : [];
  useCommands(all.map(({ label, action }) => ({ name: `${label}: ${to}`, run: () => open(action()) })));
  if (!first) return null;
  return (
    <>
      <button
        type="button"
        className={first.isDangerous ? "button button-danger" : "button"}
        onClick={() => open(first.action())}
      >
        {first.label}
      </button>
      <ActionMenu
        label="More actions"
        items={rest.map(({ label, action, isDangerous }) => ({ label, isDangerous, onSelect: () => open(action()) }))}
      >
        More ▾
      </ActionMenu>
    </>
  );
}
