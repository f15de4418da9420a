// One agent: its replicas, its queues, what it has and says of itself, its credentials, who changed it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import * as act from "~/actions/agent";
import * as ask from "~/api/queries";
import type { Agent } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { limit } from "~/format/number";
import { useAction } from "~/parts/action";
import { AuditList } from "~/parts/audit-list";
import { CredentialsOf, NewCredentialsShown } from "~/parts/credentials";
import { type Deed, Deeds } from "~/parts/deeds";
import { Nodes } from "~/parts/nodes";
import { Page } from "~/parts/page";
import { AgentState } from "~/parts/queue-state";
import { QueuesOfAgent } from "~/parts/queues-of-agent";
import { Replicas } from "~/parts/replicas";
import { Answer, Note } from "~/parts/states";
import { TabSet } from "~/parts/tabs";
import { Ago, Facts, Labels, Moment } from "~/parts/text";
import type { AgentTab } from "~/router";

const route = getRouteApi("/agents/$agent");

export function AgentView() {
  const owner = useOwner();
  const { agent: name } = route.useParams();
  const { tab = "replicas" } = route.useSearch();
  const navigate = useNavigate({ from: "/agents/$agent" });
  const open = useAction();
  const agent = useQuery(ask.agent(owner, name));
  const which = { owner, agent: name };
  const isClosed = agent.data?.cordoned || agent.data?.draining;
  const rotate = () => act.rotate(which, (made) => <NewCredentialsShown made={made} />);
  const deeds: Deed[] = agent.data
    ? [
        isClosed
          ? { label: "Let it start again", action: () => act.uncordon(which) }
          : { label: "Cordon", action: () => act.cordon(which) },
        ...(agent.data.draining ? [] : [{ label: "Drain", action: () => act.drainAgent(which) }]),
        { label: "Change", action: () => act.editAgent(which, agent.data) },
        { label: "New credentials", action: rotate },
        {
          label: "Delete",
          action: () => act.deleteAgent(which, () => navigate({ to: "/agents" })),
          isDangerous: true,
        },
      ]
    : [];

  return (
    <Page title={name} kicker={<Link to="/agents">Agents</Link>} actions={<Deeds to={name} of={deeds} />}>
      <Answer of={agent}>
        {(data) => (
          <>
            <Held agent={data} />
            <div className="panel">
              <About agent={data} />
            </div>
            <TabSet
              label="About the agent"
              chosen={tab}
              onChoose={(id) =>
                void navigate({ search: (before) => ({ ...before, tab: id as AgentTab }), replace: true })
              }
              tabs={[
                { id: "replicas", name: "Replicas", content: <Replicas of={data.replicas ?? []} /> },
                { id: "queues", name: "Queues", content: <QueuesOfAgent owner={owner} agent={name} /> },
                ...(data.nodes ? [{ id: "nodes", name: "Nodes", content: <Nodes of={data.nodes} /> }] : []),
                { id: "connections", name: "Connections", content: <Connections agent={data} /> },
                {
                  id: "credentials",
                  name: "Credentials",
                  content: <CredentialsOf {...which} onRotate={() => open(rotate())} />,
                },
                {
                  id: "audit",
                  name: "Audit",
                  content: <AuditList owner={owner} asked={{ object: data.uuid }} isShort />,
                },
              ]}
            />
          </>
        )}
      </Answer>
    </Page>
  );
}

function Held({ agent }: { agent: Agent }) {
  if (agent.lost_at) {
    return (
      <Note tone="bad">
        <p>
          Lost since <Moment at={agent.lost_at} />.
        </p>
      </Note>
    );
  }
  if (!agent.hold) return null;
  const { drain, by, reason, until } = agent.hold;
  return (
    <Note tone="warn">
      <p>
        <strong>{drain ? "Drained" : "Cordoned"}</strong> by {by}: {reason}
        {until && (
          <>
            . It ends by itself at <Moment at={until} />
          </>
        )}
      </p>
    </Note>
  );
}

function About({ agent }: { agent: Agent }) {
  const quotas = Object.entries(agent.quotas).map(([name, amount]) => `${name} ${amount}`);
  return (
    <Facts
      facts={[
        ["State", <AgentState key="state" agent={agent} />],
        ["Last seen", <Ago key="seen" at={agent.last_seen} />],
        ["Executor", agent.executor ?? "not seen yet"],
        ["Version", agent.version ?? "not seen yet"],
        ["Concurrency", limit(agent.concurrency)],
        ["Quotas", quotas.join(", ") || "none"],
        ["Starts per period", agent.rate ?? "no limit"],
        ["Namespaces", (agent.namespaces ?? []).join(", ") || "any"],
        ["Features", (agent.features ?? []).join(", ") || "none told"],
        ["Labels", <Labels key="labels" labels={agent.effective_labels} />],
        ["Bound to", agent.identity ? `${agent.identity.kind} ${agent.identity.id.slice(0, 16)}` : "nothing yet"],
        ["Description", agent.description ?? "none"],
      ]}
    />
  );
}

function Connections({ agent }: { agent: Agent }) {
  const connections = agent.connections ?? [];
  if (connections.length === 0) return <Note>It has no connections. Their contents never leave the agent.</Note>;
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">Connection</th>
          <th scope="col">Kind</th>
        </tr>
      </thead>
      <tbody>
        {connections.map(({ name, kind }) => (
          <tr key={name}>
            <td>
              <code>{name}</code>
            </td>
            <td>{kind}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
