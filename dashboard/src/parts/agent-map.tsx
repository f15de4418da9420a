// Where agents are: by cluster or machine, then by namespace, with their replicas.

import { useQueries } from "@tanstack/react-query";
import * as ask from "~/api/queries";
import type { Agent, Replica } from "~/api/shapes";
import { plural } from "~/format/number";
import { AgentState } from "./queue-state";
import { isHere, replicaName } from "./replicas";
import { Badge } from "./text";
import { Way } from "./way";

/** Replicas are asked for agent by agent: of so many at most. */
const MOST = 200;

interface Placed {
  agent: Agent;
  replicas: Replica[];
}

/** What an agent stands on: the cluster that its replicas name, or else what it is bound to. */
function groundOf({ agent, replicas }: Placed): string {
  const cluster = replicas.map((replica) => replica.cluster).find(Boolean);
  if (cluster) return `Cluster ${cluster}`;
  if (!agent.identity) return "Not seen yet";
  return `${agent.identity.kind === "machine" ? "Machine" : "Cluster"} ${agent.identity.id.slice(0, 12)}`;
}

function namespacesOf({ agent, replicas }: Placed): string[] {
  const found = [...new Set(replicas.map((replica) => replica.namespace).filter((name) => typeof name === "string"))];
  return found.length > 0 ? found : (agent.namespaces ?? []);
}

export function AgentMap({ owner, agents }: { owner: string; agents: Agent[] }) {
  const shown = agents.slice(0, MOST);
  const details = useQueries({ queries: shown.map((agent) => ask.agent(owner, agent.name)) });
  const placed = shown.map((agent, at): Placed => ({ agent, replicas: details[at]?.data?.replicas ?? [] }));
  const grounds = new Map<string, Placed[]>();
  for (const one of placed) grounds.set(groundOf(one), [...(grounds.get(groundOf(one)) ?? []), one]);
  return (
    <div className="map">
      {[...grounds].map(([ground, its]) => (
        <section key={ground} className="map-ground" aria-label={ground}>
          <h2>
            {ground} <span className="faint number">{plural(its.length, "agent")}</span>
          </h2>
          <div className="map-agents">
            {its.map((one) => (
              <article key={one.agent.uuid} className="map-agent">
                <header>
                  <Way to="/agents/$agent" params={{ agent: one.agent.name }}>
                    {one.agent.name}
                  </Way>
                  <AgentState agent={one.agent} />
                </header>
                <div className="faint">
                  {one.agent.executor ?? "no executor yet"}
                  {namespacesOf(one).length > 0 && ` in ${namespacesOf(one).join(", ")}`}
                </div>
                <ul className="plain">
                  {one.replicas.map((replica) => (
                    <li key={replicaName(replica)}>
                      <Badge tone={isHere(replica) ? "good" : "quiet"}>{isHere(replica) ? "here" : "gone"}</Badge>{" "}
                      <code>{replicaName(replica)}</code>
                    </li>
                  ))}
                </ul>
              </article>
            ))}
          </div>
        </section>
      ))}
      {agents.length > MOST && <p className="faint">The first {MOST} are shown; search for the others.</p>}
    </div>
  );
}
