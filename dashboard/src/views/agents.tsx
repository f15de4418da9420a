// All agents: as a table, or as a map of where they are.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import * as act from "~/actions/agent";
import * as ask from "~/api/queries";
import type { Agent } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { limit, plural } from "~/format/number";
import { AgentMap } from "~/parts/agent-map";
import { Choice, Find } from "~/parts/filters";
import { Make } from "~/parts/make";
import { Page } from "~/parts/page";
import { AgentState } from "~/parts/queue-state";
import { Answer } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Ago, Labels } from "~/parts/text";
import { Way } from "~/parts/way";

const route = getRouteApi("/agents");

const COLUMNS: ColumnDef<Agent>[] = [
  {
    id: "name",
    header: "Agent",
    size: 180,
    accessorKey: "name",
    cell: ({ row: { original } }) => (
      <>
        <Way to="/agents/$agent" params={{ agent: original.name }}>
          {original.name}
        </Way>
        {original.is_default && <span className="chip default-chip">default</span>}
      </>
    ),
  },
  {
    id: "state",
    header: "State",
    size: 120,
    accessorFn: (agent) => (agent.is_live ? 0 : 1),
    cell: ({ row }) => <AgentState agent={row.original} />,
  },
  { id: "executor", header: "Executor", size: 110, accessorFn: (agent) => agent.executor ?? "–" },
  { id: "version", header: "Version", size: 90, accessorFn: (agent) => agent.version ?? "–" },
  {
    id: "seen",
    header: "Last seen",
    size: 120,
    accessorKey: "last_seen",
    cell: ({ row }) => <Ago at={row.original.last_seen} />,
  },
  {
    id: "concurrency",
    header: "Limit",
    size: 80,
    accessorKey: "concurrency",
    meta: { align: "right" },
    cell: ({ row }) => limit(row.original.concurrency),
  },
  {
    id: "handover",
    header: "Handovers",
    size: 100,
    accessorKey: "handover_rate",
    meta: { align: "right", title: "Runs handed over per second" },
    cell: ({ row }) => `${row.original.handover_rate.toFixed(1)}/s`,
  },
  {
    id: "namespaces",
    header: "Namespaces",
    size: 160,
    accessorFn: (agent) => (agent.namespaces ?? []).join(", ") || "–",
  },
  {
    id: "labels",
    header: "Labels",
    size: 260,
    enableSorting: false,
    meta: { grows: true },
    cell: ({ row }) => <Labels labels={row.original.effective_labels} />,
  },
];

const LOOKS = [
  { id: undefined, name: "Table" },
  { id: "map", name: "Map" },
] as const;

export function Agents() {
  const owner = useOwner();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/agents" });
  const agents = useQuery(ask.agents(owner));
  const create = () =>
    act.createAgent(owner, (made) =>
      navigate({ to: "/agents/$agent", params: { agent: made.name }, search: { tab: "credentials" } }),
    );
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const find = (search.find ?? "").toLowerCase();

  return (
    <Page title="Agents" fills actions={<Make what="Make an agent" action={create} />}>
      <div className="filters">
        <Find
          label="Find agents by name or label"
          hint="Find by name or label"
          value={search.find}
          onFind={(find) => change({ find })}
        />
        <Choice label="How they are shown" of={LOOKS} chosen={search.view} onChoose={(view) => change({ view })} />
      </div>
      <Answer of={agents}>
        {(all) => {
          const shown = all.filter(({ name, effective_labels: labels }) =>
            [name, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)].some((text) =>
              text.toLowerCase().includes(find),
            ),
          );
          return (
            <>
              {search.view === "map" ? (
                <AgentMap owner={owner} agents={shown} />
              ) : (
                <DataTable
                  label="Agents"
                  columns={COLUMNS}
                  rows={shown}
                  idOf={(agent) => agent.uuid}
                  empty={all.length === 0 ? "There is no agent yet." : "No agent is called so."}
                />
              )}
              <p className="faint number">{plural(shown.length, "agent")}</p>
            </>
          );
        }}
      </Answer>
    </Page>
  );
}
