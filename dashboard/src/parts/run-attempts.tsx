// The attempts of a run: when each began, how long it took, how it ended.

import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import { useNow } from "~/app/now";
import { duration } from "~/format/time";
import { type Attempt, sums } from "~/views/run-timeline";
import { DataTable } from "./table";
import { Moment, Status } from "./text";

/** How an attempt ended: one that is followed by another has failed, or made room. */
function endOf({ phases }: Attempt): string {
  const last = phases.at(-1);
  if (last?.status !== "retrying") return last?.status ?? "unknown";
  return last.reason === "Preempted" ? "preempted" : "failed";
}

export function RunAttempts({ attempts, onLogs }: { attempts: Attempt[]; onLogs: (attempt: number) => void }) {
  const now = useNow();
  const columns = useMemo<ColumnDef<Attempt>[]>(
    () => [
      { id: "number", header: "#", size: 48, accessorKey: "number", meta: { align: "right" } },
      {
        id: "status",
        header: "Status",
        size: 124,
        enableSorting: false,
        cell: ({ row: { original } }) => <Status status={endOf(original)} />,
      },
      {
        id: "message",
        header: "How",
        size: 260,
        enableSorting: false,
        meta: { grows: true },
        cell: ({ row: { original } }) => {
          const end = original.end;
          if (!end) return <span className="faint">goes on</span>;
          return (
            <span title={end.message ?? undefined}>
              {end.message} <span className="faint">{end.reason}</span>
            </span>
          );
        },
      },
      {
        id: "from",
        header: "Began",
        size: 172,
        accessorKey: "from",
        cell: ({ row: { original } }) => <Moment at={new Date(original.from).toISOString()} />,
      },
      ...(["waited", "started", "ran"] as const).map(
        (what): ColumnDef<Attempt> => ({
          id: what,
          header: { waited: "Waited", started: "Started in", ran: "Ran" }[what],
          size: 92,
          accessorFn: (attempt) => sums(attempt, now)[what],
          meta: { align: "right" },
          cell: ({ getValue }) => duration(getValue<number>()),
        }),
      ),
      {
        id: "logs",
        header: () => <span className="visually-hidden">Log</span>,
        size: 64,
        enableSorting: false,
        meta: { name: "Log" },
        cell: ({ row: { original } }) => (
          <button
            type="button"
            className="link"
            aria-label={`Log of attempt ${original.number}`}
            onClick={() => onLogs(original.number)}
          >
            Log
          </button>
        ),
      },
    ],
    [now, onLogs],
  );
  return (
    <DataTable
      label="Attempts"
      columns={columns}
      rows={attempts}
      idOf={(attempt) => String(attempt.number)}
      empty="None has begun."
      isShort
    />
  );
}
