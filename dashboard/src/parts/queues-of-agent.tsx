// The queues of one agent, in short.

import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import * as ask from "~/api/queries";
import type { Queue } from "~/api/shapes";
import { count, limit } from "~/format/number";
import { duration } from "~/format/time";
import { QueueState } from "./queue-state";
import { Answer } from "./states";
import { DataTable } from "./table";
import { Way } from "./way";

const COLUMNS: ColumnDef<Queue>[] = [
  {
    id: "name",
    header: "Queue",
    size: 200,
    meta: { grows: true },
    accessorKey: "name",
    cell: ({ row: { original } }) => (
      <Way to="/queues/$agent/$queue" params={{ agent: original.agent, queue: original.name }}>
        {original.name}
      </Way>
    ),
  },
  { id: "state", header: "State", size: 120, cell: ({ row }) => <QueueState queue={row.original} /> },
  { id: "priority", header: "Priority", size: 84, accessorKey: "priority", meta: { align: "right" } },
  {
    id: "ready",
    header: "Ready",
    size: 84,
    meta: { align: "right" },
    accessorFn: (queue) => queue.stats.backlog ?? -1,
    cell: ({ row }) => count(row.original.stats.backlog),
  },
  {
    id: "used",
    header: "In flight",
    size: 90,
    meta: { align: "right" },
    accessorFn: (queue) => queue.stats.in_flight ?? -1,
    cell: ({ row }) => count(row.original.stats.in_flight),
  },
  {
    id: "limit",
    header: "Limit",
    size: 80,
    meta: { align: "right" },
    accessorKey: "concurrency",
    cell: ({ row }) => limit(row.original.concurrency),
  },
  {
    id: "oldest",
    header: "Oldest",
    size: 100,
    meta: { align: "right" },
    accessorFn: (queue) => queue.stats.oldest_seconds ?? -1,
    cell: ({ row }) => duration(row.original.stats.oldest_seconds),
  },
];

export function QueuesOfAgent({ owner, agent }: { owner: string; agent: string }) {
  const queues = useQuery(ask.queues(owner));
  return (
    <Answer of={queues}>
      {(all) => (
        <DataTable
          label={`Queues of ${agent}`}
          columns={COLUMNS}
          rows={all.filter((queue) => queue.agent === agent)}
          idOf={(queue) => queue.uuid}
          empty="It has no queue."
          isShort
        />
      )}
    </Answer>
  );
}
