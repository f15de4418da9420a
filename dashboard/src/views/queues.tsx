// All queues: as a tree below their agents with what each agent's have together, or as one table to sort.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import type { ColumnDef, Row } from "@tanstack/react-table";
import { useMemo } from "react";
import * as act from "~/actions/queue";
import * as ask from "~/api/queries";
import type { Queue } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { count, plural, rate } from "~/format/number";
import { duration } from "~/format/time";
import { Priorities, Spark, Usage } from "~/parts/figures";
import { Choice, Find } from "~/parts/filters";
import { Make } from "~/parts/make";
import { ColumnMenu } from "~/parts/menu";
import { Page } from "~/parts/page";
import { QueueState } from "~/parts/queue-state";
import { Answer } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Way } from "~/parts/way";
import { filtered, type QueueRow, tree } from "./queue-rows";

const route = getRouteApi("/queues");

const FILTERS = [
  { id: undefined, name: "All" },
  { id: "waiting", name: "Waiting" },
  { id: "paused", name: "Paused" },
  { id: "unserved", name: "Not served" },
  { id: "dead", name: "Dead letters" },
] as const;

const LOOKS = [
  { id: undefined, name: "Tree" },
  { id: "table", name: "Table" },
] as const;

export function Queues() {
  const owner = useOwner();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/queues" });
  const queues = useQuery(ask.queues(owner));
  const agents = useQuery(ask.agents(owner));
  const create = () =>
    act.createQueue(
      owner,
      (agents.data ?? []).map((agent) => agent.name),
      (made) => navigate({ to: "/queues/$agent/$queue", params: { agent: made.agent, queue: made.name } }),
    );
  const hidden = useMemo(() => (search.hide ?? "").split(",").filter(Boolean), [search.hide]);
  const sorting = useMemo(() => {
    if (!search.sort) return [];
    return [{ id: search.sort.replace(/^-/, ""), desc: search.sort.startsWith("-") }];
  }, [search.sort]);
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });

  return (
    <Page title="Queues" fills actions={<Make what="Make a queue" action={create} isDisabled={!agents.data?.length} />}>
      <div className="filters">
        <Find label="Find queues by name" hint="Find by name" value={search.find} onFind={(find) => change({ find })} />
        <Choice label="Which queues" of={FILTERS} chosen={search.only} onChoose={(only) => change({ only })} />
        <Choice label="How they are shown" of={LOOKS} chosen={search.view} onChoose={(view) => change({ view })} />
        <ColumnMenu
          columns={COLUMNS.filter(({ id }) => id !== "name").map((column) => ({
            id: column.id ?? "",
            name: column.meta?.name ?? String(column.header),
          }))}
          hidden={hidden}
          onHidden={(next) => change({ hide: next.join(",") || undefined })}
        />
      </div>
      <Answer of={queues}>
        {(all) => {
          const shown = filtered(all, search);
          const rows = search.view === "table" ? shown.map((queue) => ({ queue })) : tree(shown);
          return (
            <>
              <DataTable<QueueRow>
                label="Queues"
                columns={COLUMNS}
                rows={rows}
                idOf={(row) => (row.queue ? row.queue.uuid : `agent ${row.sum.agent}`)}
                childrenOf={(row) => row.children}
                sorting={sorting}
                onSorting={([first]) => change({ sort: first ? `${first.desc ? "-" : ""}${first.id}` : undefined })}
                visible={Object.fromEntries(hidden.map((id) => [id, false]))}
                empty={all.length === 0 ? "There is no queue yet." : "No queue is like that."}
              />
              <p className="faint number">
                {plural(shown.length, "queue")}
                {shown.length < all.length && ` of ${count(all.length)}`}
              </p>
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

/** A number of the queue, or the sum of its agent's. */
function figure(row: QueueRow, read: (queue: Queue) => number | null | undefined): number | null {
  const value = row.queue ? read(row.queue) : row.sum.of(read);
  return value ?? null;
}

function numbers(
  id: string,
  header: string,
  read: (queue: Queue) => number | null | undefined,
  show: (value: number | null) => React.ReactNode,
  size: number,
  title?: string,
): ColumnDef<QueueRow> {
  return {
    id,
    header,
    size,
    meta: { align: "right", title },
    accessorFn: (row) => figure(row, read) ?? -1,
    cell: ({ row }) => show(figure(row.original, read)),
  };
}

function Name({ row }: { row: Row<QueueRow> }) {
  const { queue, sum } = row.original;
  if (queue) {
    return (
      <span className={row.depth > 0 ? "tree-cell tree-leaf" : "tree-cell"}>
        <Way to="/queues/$agent/$queue" params={{ agent: queue.agent, queue: queue.name }}>
          {row.depth > 0 ? queue.name : `${queue.agent}/${queue.name}`}
        </Way>
      </span>
    );
  }
  const isOpen = row.getIsExpanded();
  return (
    <span className="tree-cell">
      <button
        type="button"
        className="tree-toggle"
        aria-expanded={isOpen}
        aria-label={`Queues of ${sum.agent}`}
        onClick={row.getToggleExpandedHandler()}
      >
        <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span>
      </button>
      <Way to="/agents/$agent" params={{ agent: sum.agent }}>
        {sum.agent}
      </Way>
      <span className="faint number tree-count">&nbsp;{plural(sum.queues.length, "queue")}</span>
    </span>
  );
}

const COLUMNS: ColumnDef<QueueRow>[] = [
  {
    id: "name",
    header: "Queue",
    size: 190,
    meta: { grows: true },
    accessorFn: (row) => (row.queue ? `${row.queue.agent}/${row.queue.name}` : row.sum.agent),
    cell: ({ row }) => <Name row={row} />,
  },
  {
    id: "state",
    header: "State",
    size: 116,
    accessorFn: (row) => (row.queue?.paused ? 1 : 0),
    cell: ({ row }) => row.original.queue && <QueueState queue={row.original.queue} />,
  },
  numbers("ready", "Ready", (queue) => queue.stats.backlog, count, 76, "Runs that wait"),
  {
    id: "series",
    header: "Last hour",
    size: 84,
    enableSorting: false,
    cell: ({ row }) =>
      row.original.queue && (
        <Spark
          values={row.original.queue.stats.series}
          label={`Backlog of ${row.original.queue.name} in the last hour`}
        />
      ),
  },
  {
    id: "used",
    header: "In flight",
    size: 92,
    meta: { title: "Runs alive, of its limit" },
    accessorFn: (row) => figure(row, (queue) => queue.stats.in_flight) ?? -1,
    cell: ({ row }) => {
      const used = figure(row.original, (queue) => queue.stats.in_flight);
      if (used === null) return <span className="faint">–</span>;
      const { queue } = row.original;
      if (!queue) return <span className="number">{count(used)}</span>;
      return (
        <Usage
          used={used}
          limit={queue.concurrency < 0 ? null : queue.concurrency}
          label={`In flight in ${queue.name}`}
        />
      );
    },
  },
  {
    ...numbers(
      "oldest",
      "Oldest",
      (queue) => queue.stats.oldest_seconds,
      duration,
      96,
      "How long the oldest run waits",
    ),
    accessorFn: (row) => oldest(row) ?? -1,
    cell: ({ row }) => duration(oldest(row.original)),
  },
  {
    id: "wait",
    header: "Wait p50 / p95",
    size: 138,
    meta: { align: "right", title: "How long runs waited that began in the last 15 minutes" },
    accessorFn: (row) => row.queue?.stats.wait_p95_seconds ?? -1,
    cell: ({ row: { original } }) =>
      original.queue && (
        <>
          {duration(original.queue.stats.wait_p50_seconds)} <span className="faint">/</span>{" "}
          {duration(original.queue.stats.wait_p95_seconds)}
        </>
      ),
  },
  numbers("in", "In", (queue) => queue.stats.submitted_per_second, rate, 78, "Runs submitted"),
  numbers("out", "Out", (queue) => queue.stats.finished_per_second, rate, 78, "Runs finished"),
  {
    ...numbers("consumers", "Consumers", (queue) => queue.stats.consumers, count, 92, "Replicas that take its runs"),
  },
  {
    id: "quotas",
    header: "Quotas",
    size: 104,
    enableSorting: false,
    cell: ({ row }) => {
      const quotas = Object.entries(row.original.queue?.quotas ?? {});
      const text = quotas.map(([name, amount]) => `${name} ${amount}`).join(", ");
      return <span title={text}>{text || <span className="faint">–</span>}</span>;
    },
  },
  {
    id: "priorities",
    header: "By priority",
    size: 92,
    enableSorting: false,
    meta: { title: "How many wait at which priority" },
    cell: ({ row }) => row.original.queue && <Priorities of={row.original.queue.stats.priorities} />,
  },
  numbers("dead", "Dead", (queue) => queue.stats.dead_letters, count, 60, "Dead letters"),
];

function oldest({ queue, sum }: QueueRow): number | null {
  return queue ? (queue.stats.oldest_seconds ?? null) : sum.most((one) => one.stats.oldest_seconds);
}
