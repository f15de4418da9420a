// Whether a queue, or an agent, takes and starts runs, in a word.

import type { Agent, Queue } from "~/api/shapes";
import { isUnserved } from "~/views/queue-rows";
import { Badge } from "./text";

export function QueueState({ queue }: { queue: Queue }) {
  if (queue.paused) {
    const { reason, by, drain } = queue.paused;
    return (
      <Badge tone="warn" title={`${reason} (${by})`}>
        {drain ? "drained" : "paused"}
      </Badge>
    );
  }
  if (isUnserved(queue)) {
    return (
      <Badge tone="bad" title="Runs wait, and no agent takes them">
        not served
      </Badge>
    );
  }
  return <Badge tone="good">open</Badge>;
}

export function AgentState({ agent }: { agent: Agent }) {
  if (agent.lost_at) return <Badge tone="bad">lost</Badge>;
  if (!agent.is_live)
    return <Badge tone={agent.last_seen ? "bad" : "quiet"}>{agent.last_seen ? "away" : "never seen"}</Badge>;
  if (agent.draining) return <Badge tone="warn">drained</Badge>;
  if (agent.cordoned) return <Badge tone="warn">cordoned</Badge>;
  return <Badge tone="good">live</Badge>;
}
