import { expect, test } from "vitest";
import type { Queue, QueueStats } from "~/api/shapes";
import { filtered, isUnserved, tree } from "./queue-rows";

function queue(agent: string, name: string, stats: Partial<QueueStats> = {}, paused = false): Queue {
  return {
    agent,
    name,
    stats,
    paused: paused ? { reason: "", by: "", until: null, drain: false } : null,
  } as unknown as Queue;
}

test("queues stand below their agents, with what they have together", () => {
  const rows = tree([
    queue("eu", "gpu", { backlog: 3, oldest_seconds: 5 }),
    queue("eu", "cpu", { backlog: 4, oldest_seconds: null }),
    queue("ap", "default"),
  ]);
  expect(rows.map((row) => row.sum?.agent)).toEqual(["ap", "eu"]);
  expect(rows[1]?.sum?.of((one) => one.stats.backlog)).toBe(7);
  expect(rows[1]?.sum?.most((one) => one.stats.oldest_seconds)).toBe(5);
  // What nobody told is not taken for zero.
  expect(rows[0]?.sum?.of((one) => one.stats.backlog)).toBeNull();
  expect(rows[1]?.children?.map((row) => row.queue?.name)).toEqual(["gpu", "cpu"]);
});

test("a backlog is not served if nobody takes it and nobody paused it", () => {
  expect(isUnserved(queue("a", "q", { backlog: 1, consumers: 0 }))).toBe(true);
  expect(isUnserved(queue("a", "q", { backlog: 1, consumers: 0 }, true))).toBe(false);
  expect(isUnserved(queue("a", "q", { backlog: 0, consumers: 0 }))).toBe(false);
  expect(isUnserved(queue("a", "q", { backlog: 1, consumers: 2 }))).toBe(false);
  expect(isUnserved(queue("a", "q", { backlog: 1 }))).toBe(false);
});

test("queues are found by parts of their names and by what they are like", () => {
  const all = [
    queue("eu", "gpu", { backlog: 1, consumers: 0 }),
    queue("eu", "cpu", { dead_letters: 2 }),
    queue("ap", "gpu", {}, true),
  ];
  const names = (wanted: Parameters<typeof filtered>[1]) =>
    filtered(all, wanted).map(({ agent, name }) => `${agent}/${name}`);
  expect(names({})).toHaveLength(3);
  expect(names({ find: "GPU eu" })).toEqual(["eu/gpu"]);
  expect(names({ only: "waiting" })).toEqual(["eu/gpu"]);
  expect(names({ only: "unserved" })).toEqual(["eu/gpu"]);
  expect(names({ only: "dead" })).toEqual(["eu/cpu"]);
  expect(names({ only: "paused", find: "gpu" })).toEqual(["ap/gpu"]);
});
