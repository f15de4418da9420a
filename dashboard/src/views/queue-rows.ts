// Rows of the view of queues: below their agents, with sums, and filtered. Pure.

import type { Queue } from "~/api/shapes";

type Read = (queue: Queue) => number | null | undefined;

/** What the queues of an agent have together. */
export class Sum {
  readonly agent: string;
  readonly queues: Queue[];

  constructor(agent: string, queues: Queue[]) {
    this.agent = agent;
    this.queues = queues;
  }

  /** The sum of what is known; null if nothing is. */
  of(read: Read): number | null {
    const known = this.queues.map(read).filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  }

  most(read: Read): number | null {
    const known = this.queues.map(read).filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? null : Math.max(...known);
  }
}

export type QueueRow =
  | { queue: Queue; sum?: undefined; children?: undefined }
  | { queue?: undefined; sum: Sum; children: QueueRow[] };

export function isServed(queue: Queue): boolean {
  return queue.stats.consumers === undefined || queue.stats.consumers > 0;
}

/** Whether runs wait that nobody takes, though nobody paused the queue. */
export function isUnserved(queue: Queue): boolean {
  return !queue.paused && !isServed(queue) && (queue.stats.backlog ?? 0) > 0;
}

interface Wanted {
  find?: string;
  only?: "waiting" | "paused" | "unserved" | "dead";
}

export function filtered(queues: Queue[], { find, only }: Wanted): Queue[] {
  const parts = (find ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const fits: Record<NonNullable<Wanted["only"]>, (queue: Queue) => boolean> = {
    waiting: (queue) => (queue.stats.backlog ?? 0) > 0,
    paused: (queue) => queue.paused !== null,
    unserved: isUnserved,
    dead: (queue) => (queue.stats.dead_letters ?? 0) > 0,
  };
  return queues.filter((queue) => {
    const name = `${queue.agent}/${queue.name}`.toLowerCase();
    return parts.every((part) => name.includes(part)) && (only === undefined || fits[only](queue));
  });
}

/** Agents in the order of their names, each with its queues; agents without any are left out. */
export function tree(queues: Queue[]): QueueRow[] {
  const byAgent = new Map<string, Queue[]>();
  for (const queue of queues) {
    const there = byAgent.get(queue.agent);
    if (there) there.push(queue);
    else byAgent.set(queue.agent, [queue]);
  }
  return [...byAgent]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([agent, its]) => ({ sum: new Sum(agent, its), children: its.map((queue) => ({ queue })) }));
}
