// Counts by status that are filters.

import { useQuery } from "@tanstack/react-query";
import * as ask from "~/api/run-queries";
import { count, short } from "~/format/number";
import { fieldOf, withField } from "~/format/query";
import { Status } from "~/parts/text";
import { STATUSES, statusesOf, toggled } from "./runs-suggest";

/** What goes on first, then what ended. */
export function inOrder(statuses: Record<string, number>): [string, number][] {
  const known = STATUSES.filter((status) => statuses[status]).map((status): [string, number] => [
    status,
    statuses[status] ?? 0,
  ]);
  const others = Object.entries(statuses).filter(([status]) => !STATUSES.includes(status));
  return [...known, ...others];
}

export function StatusChips({
  owner,
  project,
  query,
  onQuery,
}: {
  owner: string;
  project?: string;
  query: string;
  onQuery: (query: string) => void;
}) {
  // Counted over all statuses, also while some are chosen.
  const groups = useQuery(ask.groups({ owner, project, query: withField(query, "status", null) }, "status"));
  const value = fieldOf(query, "status");
  const chosen = statusesOf(value) ?? [];
  const counts: Record<string, number> = Object.fromEntries(chosen.map((status) => [status, 0]));
  for (const { key, count: number } of groups.data?.results ?? []) if (key) counts[key] = number;
  const all = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const shown = STATUSES.filter((status) => status in counts);
  return (
    <fieldset className="state-chips" aria-label="By status">
      <button
        type="button"
        className={value === null ? "state-chip state-on" : "state-chip"}
        aria-pressed={value === null}
        onClick={() => onQuery(withField(query, "status", null))}
      >
        All <b className="number">{groups.data ? count(all) : "…"}</b>
      </button>
      {shown.map((status) => (
        <button
          key={status}
          type="button"
          className={chosen.includes(status) ? "state-chip state-on" : "state-chip"}
          aria-pressed={chosen.includes(status)}
          title={`${count(counts[status])} ${status.replaceAll("_", " ")}`}
          onClick={() => onQuery(withField(query, "status", toggled(value, status)))}
        >
          <Status status={status} /> <b className="number">{short(counts[status] ?? 0)}</b>
        </button>
      ))}
    </fieldset>
  );
}
