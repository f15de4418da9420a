// Runs counted by what they have in common; each count opens the list of what it counts.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import * as ask from "~/api/run-queries";
import { count, short } from "~/format/number";
import { withField } from "~/format/query";
import { Answer, Note } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Status } from "~/parts/text";
import { inOrder } from "./runs-chips";
import type { Grouping, RunsSearch } from "./runs-search";

/** The list of what a group counts; null for those that have nothing to be counted by, which no query names. */
export function listOf(
  by: Grouping,
  key: string | null,
  { query = "", project }: Pick<RunsSearch, "query" | "project">,
): { query?: string; project?: string } | null {
  if (key === null) return null;
  if (by === "project") return { query: query || undefined, project: key };
  return { query: withField(query, by, key), project };
}

export const GROUP_NAMES: Record<Grouping, string> = {
  queue: "Queue",
  agent: "Agent",
  project: "Project",
  status: "Status",
  user: "User",
  kind: "Kind",
  reason: "Reason of the end",
};

const NONE: Record<Grouping, string> = {
  queue: "in no queue",
  agent: "at no agent",
  project: "in no project",
  status: "–",
  user: "nobody's",
  kind: "–",
  reason: "no attempt ended yet",
};

export function RunGroupsTable({
  owner,
  by,
  search,
}: {
  owner: string;
  by: Grouping;
  search: Pick<RunsSearch, "query" | "project">;
}) {
  const { query = "", project } = search;
  const groups = useQuery(ask.groups({ owner, project, query }, by));
  const columns = useMemo<ColumnDef<ask.RunGroup>[]>(
    () => [
      {
        id: "key",
        header: GROUP_NAMES[by],
        size: 190,
        accessorFn: (group) => group.key ?? "",
        cell: ({ row: { original } }) => {
          const list = listOf(by, original.key, { query, project });
          const name = by === "status" && original.key ? <Status status={original.key} /> : (original.key ?? NONE[by]);
          return list ? (
            <Link to="/runs" search={list}>
              {name}
            </Link>
          ) : (
            <span className={original.key === null ? "faint" : undefined}>{name}</span>
          );
        },
      },
      {
        id: "count",
        header: "Runs",
        size: 92,
        accessorKey: "count",
        meta: { align: "right" },
        cell: ({ row }) => count(row.original.count),
      },
      {
        id: "statuses",
        header: "By status",
        size: 420,
        enableSorting: false,
        meta: { grows: true },
        cell: ({ row: { original } }) => {
          const list = listOf(by, original.key, { query, project });
          return (
            <span className="group-chips">
              {inOrder(original.statuses).map(([status, number]) => {
                const label = `${count(number)} ${status.replaceAll("_", " ")}`;
                const chip = (
                  <>
                    <Status status={status} /> <b className="number">{short(number)}</b>
                  </>
                );
                return list ? (
                  <Link
                    key={status}
                    to="/runs"
                    search={{ ...list, query: withField(list.query ?? "", "status", status) }}
                    className="group-chip"
                    title={label}
                    aria-label={label}
                  >
                    {chip}
                  </Link>
                ) : (
                  <span key={status} className="group-chip" title={label}>
                    {chip}
                  </span>
                );
              })}
            </span>
          );
        },
      },
    ],
    [by, query, project],
  );
  if (groups.error && !groups.data) return null;
  return (
    <Answer of={groups}>
      {({ results, is_cut, count: all }) => (
        <>
          {is_cut && (
            <Note tone="warn">There are more runs than were counted; name fewer by the query to count them all.</Note>
          )}
          <DataTable
            label={`Runs by ${GROUP_NAMES[by].toLowerCase()}`}
            columns={columns}
            rows={results}
            idOf={(group) => group.key ?? ""}
            empty="No run is like that."
          />
          <p className="faint number">
            {count(all)} {all === 1 ? "group" : "groups"}
          </p>
        </>
      )}
    </Answer>
  );
}
