// Views of the list by name: some that everybody needs, and those that were saved in this browser. What a view is is in the
// address, so that a link to it works for others, too.

import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "~/parts/dialog";
import { ActionMenu } from "~/parts/menu";
import { type RunsSearch, runsSearch } from "./runs-search";

const KEY = "berth.runs.views";

export interface SavedView {
  name: string;
  search: RunsSearch;
}

const OWN: SavedView[] = [
  { name: "All", search: {} },
  { name: "Waiting, by queue", search: { query: "status:created|on_schedule|queued|retrying", by: "queue" } },
  {
    name: "Running, longest first",
    search: { query: "status:starting|running|processing|stopping", sort: "started_at" },
  },
  { name: "Failed, latest first", search: { query: "status:failed", sort: "-finished_at" } },
  { name: "Failed, by reason", search: { query: "status:failed", by: "reason" } },
  { name: "Waiting for an approval", search: { query: "pending:approval" } },
];

/** What was kept, as far as it can be read. */
export function readViews(kept: string | null): SavedView[] {
  try {
    const all: unknown = JSON.parse(kept ?? "[]");
    if (!Array.isArray(all)) return [];
    return all.flatMap((one: unknown) => {
      const { name, search } = (one ?? {}) as Partial<SavedView>;
      return typeof name === "string" && typeof search === "object" && search !== null
        ? [{ name, search: runsSearch(search as Record<string, unknown>) }]
        : [];
    });
  } catch {
    return [];
  }
}

export function SavedViews({ search }: { search: RunsSearch }) {
  const navigate = useNavigate({ from: "/runs" });
  const [views, setViews] = useState(() => readViews(localStorage.getItem(KEY)));
  const [isOpen, setIsOpen] = useState(false);
  const [name, setName] = useState("");
  const keep = (next: SavedView[]) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setViews(next);
  };
  const show = (view: SavedView) =>
    void navigate({
      search: ({ owner }) => ({ owner, ...view.search }),
    });
  const save = () => {
    const { query, project, sort, by } = search;
    keep([
      ...views.filter((view) => view.name !== name.trim()),
      { name: name.trim(), search: { query, project, sort, by } },
    ]);
    setName("");
    setIsOpen(false);
  };
  return (
    <>
      <ActionMenu
        label="Views"
        items={[
          ...OWN.map((view) => ({ label: view.name, onSelect: () => show(view) })),
          ...views.map((view) => ({ label: `★ ${view.name}`, onSelect: () => show(view) })),
          { label: "Save or forget views…", onSelect: () => setIsOpen(true) },
        ]}
      >
        Views ▾
      </ActionMenu>
      {isOpen && (
        <Dialog
          title="Saved views"
          onClose={() => setIsOpen(false)}
          footer={
            <button type="submit" form="view-form" className="button button-main" disabled={!name.trim()}>
              Save
            </button>
          }
        >
          <form
            id="view-form"
            className="form"
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim()) save();
            }}
          >
            <div className="field">
              <label htmlFor="view-name">Save what is shown as</label>
              <input id="view-name" value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
              <small>Kept in this browser. A link to it is the address of the page.</small>
            </div>
            {views.length > 0 && (
              <ul className="plain saved" aria-label="Saved views">
                {views.map((view) => (
                  <li key={view.name}>
                    <span>{view.name}</span>
                    <code className="faint">{view.search.query ?? "all"}</code>
                    <button
                      type="button"
                      className="button button-small"
                      aria-label={`Forget ${view.name}`}
                      onClick={() => keep(views.filter((one) => one !== view))}
                    >
                      Forget
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </form>
        </Dialog>
      )}
    </>
  );
}
