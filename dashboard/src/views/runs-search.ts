// What of the views of runs is in their address.

type Given = Record<string, unknown>;

export interface RunsSearch {
  /** Polyaxon's query language. */
  query?: string;
  project?: string;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

export function runsSearch(given: Given): RunsSearch {
  return { query: text(given.query), project: text(given.project) };
}

export interface RunSearch {
  tab?: string;
}

export function runSearch(given: Given): RunSearch {
  return { tab: text(given.tab) };
}
