// The columns of the list of runs, and which of them this browser shows.

import type { ColumnDef } from "@tanstack/react-table";
import { useState } from "react";
import type { Run } from "~/api/shapes";
import { duration } from "~/format/time";
import { Ago, Badge, Lasting, Status } from "~/parts/text";
import { Way } from "~/parts/way";
import { WAITING } from "./run-timeline";

const none = <span className="faint">–</span>;

export const shortOf = (run: Run) => run.name ?? run.uuid.slice(0, 8);

export const COLUMNS: ColumnDef<Run>[] = [
  {
    id: "status",
    header: "Status",
    size: 140,
    enableSorting: false,
    cell: ({ row: { original } }) =>
      original.pending && original.status === "created" ? (
        <Badge tone="warn" title="It is created, and waits">
          needs {original.pending}
        </Badge>
      ) : (
        <Status status={original.status} />
      ),
  },
  {
    id: "name",
    header: "Run",
    size: 190,
    meta: { grows: true },
    accessorFn: shortOf,
    cell: ({ row: { original } }) => (
      <Way to="/runs/$uuid" params={{ uuid: original.uuid }} title={original.uuid}>
        {original.name ?? <code>{original.uuid.slice(0, 8)}</code>}
      </Way>
    ),
  },
  {
    id: "uuid",
    header: "UUID",
    size: 270,
    enableSorting: false,
    cell: ({ row: { original } }) => <code>{original.uuid}</code>,
  },
  {
    id: "project",
    header: "Project",
    size: 120,
    enableSorting: false,
    cell: ({ row: { original } }) =>
      original.project ? (
        <Way to="/projects/$project" params={{ project: original.project }}>
          {original.project}
        </Way>
      ) : (
        none
      ),
  },
  {
    id: "queue",
    header: "Queue",
    size: 150,
    enableSorting: false,
    cell: ({ row: { original } }) => {
      const { agent, queue } = original.settings;
      return agent && queue ? (
        <Way to="/queues/$agent/$queue" params={{ agent: agent.name, queue: queue.name }}>
          {agent.name}/{queue.name}
        </Way>
      ) : (
        none
      );
    },
  },
  {
    id: "agent",
    header: "Agent",
    size: 110,
    enableSorting: false,
    cell: ({ row: { original } }) => original.settings.agent?.name ?? none,
  },
  { id: "kind", header: "Kind", size: 80, enableSorting: false, accessorKey: "kind" },
  { id: "priority", header: "Prio", size: 62, accessorKey: "priority", meta: { align: "right", name: "Priority" } },
  {
    id: "attempt",
    header: "Attempt",
    size: 76,
    enableSorting: false,
    meta: { align: "right", title: "Numbered from 0" },
    cell: ({ row: { original } }) =>
      original.attempt > 0 ? original.attempt : <span className="faint">{original.attempt}</span>,
  },
  {
    id: "user",
    header: "User",
    size: 96,
    enableSorting: false,
    cell: ({ row: { original } }) => original.user ?? none,
  },
  {
    id: "tags",
    header: "Tags",
    size: 150,
    enableSorting: false,
    cell: ({ row: { original } }) => (original.tags?.length ? original.tags.join(", ") : none),
  },
  {
    id: "created_at",
    header: "Made",
    size: 124,
    accessorKey: "created_at",
    meta: { align: "right" },
    cell: ({ row: { original } }) => <Ago at={original.created_at} />,
  },
  {
    id: "waited",
    header: "Waited",
    size: 92,
    enableSorting: false,
    meta: { align: "right", title: "From when it was made until it started" },
    cell: ({ row: { original } }) =>
      original.wait_time !== null ? (
        duration(original.wait_time)
      ) : WAITING.has(original.status) || original.status === "scheduled" ? (
        <Lasting from={original.created_at} />
      ) : (
        none
      ),
  },
  {
    id: "ran",
    header: "Ran",
    size: 92,
    enableSorting: false,
    meta: { align: "right", title: "From its start until its end" },
    cell: ({ row: { original } }) =>
      original.started_at ? (
        original.duration !== null ? (
          duration(original.duration)
        ) : (
          <Lasting from={original.started_at} />
        )
      ) : (
        none
      ),
  },
  {
    id: "started_at",
    header: "Started",
    size: 124,
    accessorKey: "started_at",
    meta: { align: "right" },
    cell: ({ row: { original } }) => (original.started_at ? <Ago at={original.started_at} /> : none),
  },
  {
    id: "finished_at",
    header: "Ended",
    size: 124,
    accessorKey: "finished_at",
    meta: { align: "right" },
    cell: ({ row: { original } }) => (original.finished_at ? <Ago at={original.finished_at} /> : none),
  },
  {
    id: "updated_at",
    header: "Changed",
    size: 124,
    accessorKey: "updated_at",
    meta: { align: "right" },
    cell: ({ row: { original } }) => <Ago at={original.updated_at} />,
  },
];

export const CHOICES = COLUMNS.map(({ id, header, meta }) => ({
  id: id ?? "",
  name: meta?.name ?? String(header),
})).filter(({ id }) => id !== "name");

const KEY = "berth.runs.hidden";
const HIDDEN = ["uuid", "agent", "kind", "tags", "started_at", "finished_at", "updated_at"];
/** Where there is little room, what one needs to tell runs apart. */
const HIDDEN_NARROW = [...HIDDEN, "project", "queue", "priority", "attempt", "user", "waited"];

/** The columns that aren't shown; kept in this browser. */
export function useHidden(): [string[], (hidden: string[]) => void] {
  const [hidden, setHidden] = useState<string[]>(() => {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
      if (Array.isArray(kept)) return kept.filter((id) => typeof id === "string");
    } catch {
      // What can't be read is as if it weren't there.
    }
    return window.matchMedia("(max-width: 760px)").matches ? HIDDEN_NARROW : HIDDEN;
  });
  const change = (next: string[]) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setHidden(next);
  };
  return [hidden, change];
}
