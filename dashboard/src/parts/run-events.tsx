// What was noted of a run, in order: each status that it took, and what was told beside them.

import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import type { Condition } from "~/api/run-queries";
import { DataTable } from "./table";
import { Ago, Moment, Status } from "./text";

interface Noted extends Condition {
  at: number;
}

const COLUMNS: ColumnDef<Noted>[] = [
  {
    id: "when",
    header: "When",
    size: 172,
    accessorKey: "last_transition_time",
    cell: ({ row }) => <Moment at={row.original.last_transition_time} />,
  },
  {
    id: "age",
    header: "Age",
    size: 120,
    enableSorting: false,
    meta: { align: "right" },
    cell: ({ row }) => <Ago at={row.original.last_transition_time} />,
  },
  {
    id: "attempt",
    header: "Attempt",
    size: 80,
    accessorFn: (condition) => condition.meta_info?.attempt ?? 0,
    meta: { align: "right" },
  },
  {
    id: "status",
    header: "Status",
    size: 124,
    accessorKey: "type",
    cell: ({ row }) => <Status status={row.original.type} />,
  },
  { id: "reason", header: "Reason", size: 140, accessorFn: (condition) => condition.reason ?? "–" },
  {
    id: "message",
    header: "What happened",
    size: 360,
    enableSorting: false,
    meta: { grows: true },
    cell: ({ row }) => <span title={row.original.message ?? undefined}>{row.original.message ?? "–"}</span>,
  },
];

export function RunEvents({ conditions }: { conditions: Condition[] }) {
  // The latest first: that is what one looks for.
  const rows = useMemo(() => conditions.map((condition, at) => ({ ...condition, at })).reverse(), [conditions]);
  return (
    <DataTable
      label="Events"
      columns={COLUMNS}
      rows={rows}
      idOf={(row) => String(row.at)}
      empty="Nothing was noted."
      isShort
    />
  );
}
