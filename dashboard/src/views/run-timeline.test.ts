// Phases and attempts out of conditions.

import { expect, test } from "vitest";
import type { Condition } from "~/api/run-queries";
import { place, sums, timeline } from "./run-timeline";

const BEGIN = Date.parse("2026-01-01T00:00:00Z");

function conditions(...all: [status: string, second: number, attempt?: number, reason?: string][]): Condition[] {
  return all.map(([type, second, attempt = 0, reason = type]) => ({
    type,
    reason,
    message: `${type} at ${second}`,
    last_transition_time: new Date(BEGIN + second * 1_000).toISOString(),
    meta_info: { attempt },
  }));
}

const RETRIED = conditions(
  ["created", 0],
  ["compiled", 0],
  ["queued", 0],
  ["scheduled", 10],
  ["starting", 12],
  ["running", 15],
  ["retrying", 45, 0, "ExitCode"],
  ["queued", 50, 1],
  ["scheduled", 51, 1],
  ["starting", 52, 1],
  ["running", 53, 1],
  ["succeeded", 63, 1],
);

test("a run's attempts have their phases, and each its time", () => {
  const { attempts, from, until } = timeline(RETRIED);
  expect([from, until]).toEqual([BEGIN, BEGIN + 63_000]);
  expect(attempts.map(({ number, phases }) => [number, phases.length])).toEqual([
    [0, 7],
    [1, 5],
  ]);
  expect(attempts.map((attempt) => sums(attempt, BEGIN + 99_000))).toEqual([
    { waited: 10, started: 5, ran: 30 },
    { waited: 1, started: 2, ran: 10 },
  ]);
  expect(attempts.map(({ end }) => end?.message)).toEqual(["retrying at 45", "succeeded at 63"]);
});

test("what goes on has no end, and lasts until now", () => {
  const { attempts, until } = timeline(RETRIED.slice(0, 6));
  expect(until).toBeNull();
  const [only] = attempts;
  expect(only?.end).toBeNull();
  expect(only && sums(only, BEGIN + 20_000).ran).toBe(5);
});

test("what is told beside a status is no phase", () => {
  const { attempts, notices } = timeline(
    conditions(
      ["queued", 0],
      ["queued", 5, 0, "Reprioritized"],
      ["queued", 7, 0, "Overflow"],
      ["warning", 8, 0, "Overlap"],
      ["scheduled", 9],
    ),
  );
  expect(notices.map(({ reason }) => reason)).toEqual(["Reprioritized", "Overflow", "Overlap"]);
  expect(attempts[0]?.phases.map(({ status, from, until }) => [status, from - BEGIN, until && until - BEGIN])).toEqual([
    ["queued", 0, 9_000],
    ["scheduled", 9_000, null],
  ]);
});

test("an agent whose clock is behind makes no phase of less than nothing", () => {
  const { attempts } = timeline(conditions(["starting", 10], ["running", 8], ["succeeded", 12]));
  expect(attempts[0]?.phases.map(({ from, until }) => (until ?? 0) - from)).toEqual([0, 2_000, 0]);
});

test("a phase stands where it was, within the whole", () => {
  const phase = timeline(RETRIED).attempts[0]?.phases[5];
  expect(phase && place(phase, BEGIN, BEGIN + 60_000)).toEqual({ left: 25, width: 50 });
  expect(phase && place({ ...phase, until: null }, BEGIN, BEGIN + 60_000)).toEqual({ left: 25, width: 75 });
});
