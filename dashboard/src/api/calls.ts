// The requests that views begin with, as plain data: they are sent before the rest of the page is there, and by its questions
// later. It needs no other file, so that it is there first.

import { type Call, call } from "./call";

/** Whose things are shown where an address names nobody. */
export const DEFAULT_OWNER = "default";

/** Which runs a list shows, and in which order. */
export interface Which {
  owner: string;
  /** One project's only. */
  project?: string;
  query: string;
  sort: string;
}

/** Runs of one page of a list. */
const PAGE = 200;
/** Queues and agents of one answer: their lists are shown whole. */
const WHOLE = 1_000;

export const overviewCall = (owner: string): Call => call("GET", "/api/v1/orgs/{owner}/overview", { in: { owner } });

export const queuesCall = (owner: string, cursor?: string): Call =>
  call("GET", "/api/v1/orgs/{owner}/queues", {
    in: { owner },
    query: { limit: WHOLE, no_page: true, series: true, cursor },
  });

export const agentsCall = (owner: string, cursor?: string): Call =>
  call("GET", "/api/v1/orgs/{owner}/agents", { in: { owner }, query: { limit: WHOLE, no_page: true, cursor } });

/** The call for one page of a list of runs. */
export function runsCall({ owner, project, query, sort }: Which, page: { cursor?: string; limit?: number } = {}): Call {
  const asked = { query, sort, limit: page.limit ?? PAGE, cursor: page.cursor };
  return project
    ? call("GET", "/api/v1/{owner}/{project}/runs", { in: { owner, project }, query: asked })
    : call("GET", "/api/v1/orgs/{owner}/runs", { in: { owner }, query: asked });
}
