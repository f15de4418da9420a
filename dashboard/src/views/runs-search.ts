// What of the views of runs is in their address.

import type { Which } from "~/api/calls";

type Given = Record<string, unknown>;

/** What runs can be counted by. */
export const GROUPINGS = ["queue", "agent", "project", "status", "user", "kind", "reason"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface RunsSearch {
  /** Polyaxon's query language. */
  query?: string;
  /** One project's only. */
  project?: string;
  /** As the API takes it: a field, with `-` in front for the largest first. */
  sort?: string;
  /** Counted by this instead of listed. */
  by?: Grouping;
}

/** Text that an address may hold as a number, too. */
const text = (value: unknown): string | undefined =>
  typeof value === "number" ? String(value) : typeof value === "string" && value !== "" ? value : undefined;

const count = (value: unknown): number | undefined => {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 ? number : undefined;
};

export function runsSearch(given: Given): RunsSearch {
  return {
    query: text(given.query),
    project: text(given.project),
    sort: text(given.sort),
    by: GROUPINGS.find((one) => one === given.by),
  };
}

const NEWEST = "-created_at";

/** Which runs an address asks for. */
export function whichOf(owner: string, { project, query = "", sort = NEWEST }: RunsSearch): Which {
  return { owner, project, query, sort };
}

export const TABS = [
  "timeline",
  "why",
  "attempts",
  "logs",
  "events",
  "spec",
  "values",
  "metrics",
  "artifacts",
  "inspect",
] as const;
export type RunTab = (typeof TABS)[number];

export interface RunSearch {
  tab?: RunTab;
  /** Whose log is shown. */
  attempt?: number;
  container?: string;
  replica?: number;
  /** Only so many of the last lines of it. */
  tail?: number;
  /** What is searched for in the log, or among the metrics. */
  find?: string;
  /** Metrics are drawn over time rather than by step. */
  along?: "time";
  /** The folder whose files are shown. */
  path?: string;
}

export function runSearch(given: Given): RunSearch {
  return {
    tab: TABS.find((one) => one === given.tab),
    attempt: count(given.attempt),
    container: text(given.container),
    replica: count(given.replica),
    tail: count(given.tail),
    find: text(given.find),
    along: given.along === "time" ? "time" : undefined,
    path: text(given.path),
  };
}
