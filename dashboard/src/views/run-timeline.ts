// A run's conditions as what they were: phases that took time, attempts of them, and notices that changed nothing. Pure.

import type { Condition } from "~/api/run-queries";

/** Reasons that are told beside a status and leave it as it is. */
const BESIDE = new Set(["Overlap", "Overflow", "LogNotKept", "Reprioritized"]);

export const FINAL = new Set(["succeeded", "failed", "stopped", "skipped", "upstream_failed"]);
/** Statuses in which a run waits, and nothing of it is at an agent. */
export const WAITING = new Set(["created", "on_schedule", "resuming", "compiled", "queued", "retrying"]);

export interface Phase {
  status: string;
  reason: string | null;
  message: string | null;
  attempt: number;
  /** Milliseconds. */
  from: number;
  /** Null: it goes on. Of a final status, the same as `from`. */
  until: number | null;
}

export interface Attempt {
  number: number;
  phases: Phase[];
  from: number;
  until: number | null;
  /** How it ended: its last status with a message; null while it goes on. */
  end: Phase | null;
}

export interface Timeline {
  attempts: Attempt[];
  notices: Condition[];
  from: number;
  until: number | null;
}

const attemptOf = (condition: Condition): number => condition.meta_info?.attempt ?? 0;

/** What each phase means, in the words of somebody who watches. */
export const MEANINGS: Record<string, string> = {
  created: "Accepted",
  on_schedule: "Held until its time",
  resuming: "Resumed",
  compiled: "Resolved",
  queued: "Waits in its queue",
  scheduled: "Admitted and offered",
  starting: "Claimed, being created",
  running: "Runs",
  processing: "Ended, output is kept",
  stopping: "Is being stopped",
  warning: "Something is wrong",
  unschedulable: "No node fits",
  retrying: "Waits for its retry",
  unknown: "Its agent can't be asked",
  succeeded: "Succeeded",
  failed: "Failed",
  stopped: "Stopped",
  skipped: "Skipped",
  upstream_failed: "What it depends on failed",
};

export function timeline(conditions: Condition[]): Timeline {
  const phases: Phase[] = [];
  const notices: Condition[] = [];
  for (const condition of conditions) {
    const at = Date.parse(condition.last_transition_time);
    const before = phases.at(-1);
    const attempt = attemptOf(condition);
    const isSame = before?.status === condition.type && before.attempt === attempt;
    if (BESIDE.has(condition.reason ?? "") || isSame) {
      notices.push(condition);
      continue;
    }
    // Agents' clocks differ from the server's: no phase ends before it began.
    const from = Math.max(at, before?.from ?? at);
    if (before && before.until === null) before.until = from;
    phases.push({
      status: condition.type,
      reason: condition.reason,
      message: condition.message,
      attempt,
      from,
      until: FINAL.has(condition.type) ? from : null,
    });
  }
  const attempts: Attempt[] = [];
  for (const phase of phases) {
    const current = attempts.at(-1);
    if (current && current.number === phase.attempt) current.phases.push(phase);
    else attempts.push({ number: phase.attempt, phases: [phase], from: phase.from, until: null, end: null });
  }
  for (const [index, attempt] of attempts.entries()) {
    const last = attempt.phases.at(-1);
    const isLast = index === attempts.length - 1;
    attempt.until = last?.until ?? null;
    if (last && (FINAL.has(last.status) || last.status === "retrying" || !isLast)) attempt.end = last;
  }
  return {
    attempts,
    notices,
    from: phases[0]?.from ?? 0,
    until: phases.at(-1)?.until ?? null,
  };
}

export interface Sums {
  waited: number;
  started: number;
  ran: number;
}

/** How long an attempt waited, was being started, and ran, in seconds. */
export function sums(attempt: Attempt, now: number): Sums {
  const all: Sums = { waited: 0, started: 0, ran: 0 };
  for (const phase of attempt.phases) {
    const seconds = ((phase.until ?? Math.max(now, phase.from)) - phase.from) / 1_000;
    if (phase.status === "retrying") continue;
    if (WAITING.has(phase.status)) all.waited += seconds;
    else if (phase.status === "scheduled" || phase.status === "starting") all.started += seconds;
    else if (!FINAL.has(phase.status)) all.ran += seconds;
  }
  return all;
}

/** Where a phase is on a line from 0 to 100, and how wide. */
export function place(phase: Phase, from: number, until: number): { left: number; width: number } {
  const whole = Math.max(1, until - from);
  const left = Math.min(100, Math.max(0, ((phase.from - from) / whole) * 100));
  const end = Math.min(100, (((phase.until ?? until) - from) / whole) * 100);
  return { left, width: Math.max(0, end - left) };
}
