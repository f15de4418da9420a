// Entries of the audit log: who changed what, when and why.

import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import * as ask from "~/api/queries";
import type { AuditEntry } from "~/api/shapes";
import { Answer } from "./states";
import { DataTable } from "./table";
import { Moment } from "./text";

const COLUMNS: ColumnDef<AuditEntry>[] = [
  { id: "at", header: "When", size: 160, accessorKey: "at", cell: ({ row }) => <Moment at={row.original.at} /> },
  { id: "actor", header: "Who", size: 150, accessorKey: "actor" },
  {
    id: "action",
    header: "What",
    size: 190,
    accessorKey: "action",
    cell: ({ row }) => <code>{row.original.action}</code>,
  },
  {
    id: "object",
    header: "On",
    size: 220,
    accessorFn: (entry) => `${entry.object.kind} ${entry.object.name ?? entry.object.uuid ?? ""}`,
    cell: ({ row: { original } }) => (
      <span title={original.object.uuid ?? undefined}>
        <span className="faint">{original.object.kind}</span> {original.object.name ?? original.object.uuid}
      </span>
    ),
  },
  {
    id: "reason",
    header: "Why",
    size: 240,
    meta: { grows: true },
    accessorFn: (entry) => entry.reason ?? "",
    cell: ({ row: { original } }) =>
      original.reason ? <span title={original.reason}>{original.reason}</span> : <span className="faint">–</span>,
  },
  {
    id: "details",
    header: "Details",
    size: 220,
    enableSorting: false,
    cell: ({ row: { original } }) => {
      const text = original.details === null ? "" : JSON.stringify(original.details);
      return text ? <code title={text}>{text}</code> : <span className="faint">–</span>;
    },
  },
];

export function AuditList({
  owner,
  asked,
  isShort = false,
}: {
  owner: string;
  asked: ask.AuditQuery;
  isShort?: boolean;
}) {
  const entries = useQuery(ask.audit(owner, asked, isShort ? 100 : 1_000));
  return (
    <Answer of={entries}>
      {({ results }) => (
        <DataTable
          label="Audit trail"
          columns={COLUMNS}
          rows={results}
          idOf={(entry) => String(entry.id)}
          empty="Nothing was changed."
          isShort={isShort}
        />
      )}
    </Answer>
  );
}
