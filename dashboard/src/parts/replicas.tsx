// The replicas of an agent: which are here, what they hold, how fast they may create.

import type { ColumnDef } from "@tanstack/react-table";
import type { Replica } from "~/api/shapes";
import { useNow } from "~/app/now";
import { count } from "~/format/number";
import { between, duration, wholeSeconds } from "~/format/time";
import { DataTable } from "./table";
import { Badge } from "./text";

export function replicaName(replica: Replica): string {
  return replica.host ?? replica.name ?? replica.id ?? "?";
}

/** Whether its lease holds. */
export function isHere(replica: Replica): boolean {
  return replica.is_live ?? (replica.heartbeat_seconds !== undefined && replica.heartbeat_seconds < 20);
}

/** Seconds since it was heard: told, or counted from when it was seen last. */
function Heartbeat({ replica }: { replica: Replica }) {
  const now = useNow();
  const seconds = replica.heartbeat_seconds ?? between(replica.last_seen, now);
  return <>{seconds === null ? "–" : wholeSeconds(Math.max(0, seconds))}</>;
}

const orNone = (value: number | null | undefined, show: (value: number) => string) =>
  value === null || value === undefined ? <span className="faint">–</span> : show(value);

const COLUMNS: ColumnDef<Replica>[] = [
  {
    id: "name",
    header: "Replica",
    size: 220,
    meta: { grows: true },
    accessorFn: replicaName,
    cell: ({ row }) => <code title={row.original.id}>{replicaName(row.original)}</code>,
  },
  {
    id: "state",
    header: "State",
    size: 96,
    accessorFn: (replica) => (isHere(replica) ? 0 : 1),
    cell: ({ row }) => (
      <Badge tone={isHere(row.original) ? "good" : "quiet"}>{isHere(row.original) ? "here" : "gone"}</Badge>
    ),
  },
  {
    id: "place",
    header: "Cluster / namespace",
    size: 190,
    accessorFn: ({ cluster, namespace }) => [cluster, namespace].filter(Boolean).join(" / ") || "–",
  },
  { id: "version", header: "Version", size: 90, accessorFn: (replica) => replica.version ?? "–" },
  {
    id: "heartbeat",
    header: "Heard",
    size: 90,
    meta: { align: "right", title: "How long ago it was heard" },
    cell: ({ row }) => <Heartbeat replica={row.original} />,
  },
  {
    id: "held",
    header: "Holds",
    size: 76,
    meta: { align: "right", title: "Runs that it holds" },
    accessorFn: (replica) => replica.held ?? replica.live ?? -1,
    cell: ({ row: { original } }) => orNone(original.held ?? original.live, count),
  },
  {
    id: "creates",
    header: "Creates / limit",
    size: 130,
    meta: { align: "right", title: "Creates per second, of what it may at this pace" },
    accessorFn: (replica) => replica.creates_per_second ?? -1,
    cell: ({ row: { original } }) => (
      <>
        {orNone(original.creates_per_second, (value) => value.toFixed(1))} <span className="faint">/</span>{" "}
        {orNone(original.create_limit, (value) => value.toFixed(1))}
      </>
    ),
  },
  {
    id: "pushbacks",
    header: "429s",
    size: 70,
    meta: { align: "right", title: "How often the API server pushed back" },
    accessorFn: (replica) => replica.pushbacks ?? -1,
    cell: ({ row }) => orNone(row.original.pushbacks, count),
  },
  {
    id: "watch",
    header: "Watch lag",
    size: 92,
    meta: { align: "right" },
    accessorFn: (replica) => replica.watch_lag_seconds ?? -1,
    cell: ({ row }) => orNone(row.original.watch_lag_seconds, duration),
  },
  {
    id: "skew",
    header: "Clock",
    size: 84,
    meta: { align: "right", title: "How far its clock is from the server's" },
    accessorFn: (replica) => replica.clock_skew_seconds ?? 0,
    cell: ({ row }) => orNone(row.original.clock_skew_seconds, duration),
  },
];

export function Replicas({ of }: { of: Replica[] }) {
  return (
    <DataTable
      label="Replicas"
      columns={COLUMNS}
      rows={of}
      idOf={replicaName}
      empty="No replica was seen yet."
      isShort
    />
  );
}
