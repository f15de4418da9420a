// The head of a queue: the runs that come next, in their order, and what holds each back.

import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import * as ask from "~/api/queries";
import type { HeadRun } from "~/api/shapes";
import { Answer } from "./states";
import { DataTable } from "./table";
import { Badge, Lasting, Message } from "./text";
import { Way } from "./way";

const COLUMNS: ColumnDef<HeadRun>[] = [
  { id: "position", header: "#", size: 52, accessorKey: "position", meta: { align: "right" } },
  {
    id: "name",
    header: "Run",
    size: 200,
    accessorFn: (run) => run.name ?? run.uuid,
    cell: ({ row: { original } }) => (
      <Way to="/runs/$uuid" params={{ uuid: original.uuid }} title={original.uuid}>
        {original.name ?? original.uuid.slice(0, 8)}
      </Way>
    ),
  },
  { id: "project", header: "Project", size: 140, accessorKey: "project" },
  { id: "priority", header: "Priority", size: 82, accessorKey: "priority", meta: { align: "right" } },
  {
    id: "waits",
    header: "Waits",
    size: 100,
    accessorKey: "queued_at",
    meta: { align: "right" },
    cell: ({ row }) => <Lasting from={row.original.queued_at} />,
  },
  {
    id: "why",
    header: "Held back by",
    size: 380,
    enableSorting: false,
    meta: { grows: true },
    cell: ({ row: { original } }) => {
      const [first, ...others] = original.blocked_by;
      if (!first) return <Badge tone="good">may start</Badge>;
      const all = original.blocked_by.map((block) => block.message).join("\n");
      return (
        <span title={all}>
          <Badge tone="warn">{first.rule.replaceAll("_", " ")}</Badge> <Message text={first.message} />
          {others.length > 0 && <span className="faint"> and {others.length} more</span>}
        </span>
      );
    },
  },
];

export function HeadOfQueue({ owner, agent, queue }: { owner: string; agent: string; queue: string }) {
  const head = useQuery(ask.queueHead(owner, agent, queue));
  return (
    <Answer of={head}>
      {({ results }) => (
        <DataTable
          label="Next runs"
          columns={COLUMNS}
          rows={results}
          idOf={(run) => run.uuid}
          empty="Nothing waits."
          isShort
        />
      )}
    </Answer>
  );
}
