// Questions about runs: lists, groups, one with all that belongs to it.

import { queryOptions } from "@tanstack/react-query";
import type { Grouping } from "~/views/runs-search";
import { type Call, call } from "./call";
import { runsCall, type Which } from "./calls";
import { send } from "./client";
import { kept } from "./kept";
import type { components } from "./schema";
import type { Block, List, Run } from "./shapes";

/** How often what a waiting run waits for is asked again, in milliseconds: others change it, too. */
const WHY = 3_000;

export interface RunGroup {
  /** Null: of runs that have none. */
  key: string | null;
  count: number;
  statuses: Record<string, number>;
}

export interface RunGroups {
  by: Grouping;
  count: number;
  /** There are more runs than were counted. */
  is_cut?: boolean;
  results: RunGroup[];
}

/** How the last attempt of a run ended. */
export interface End {
  outcome: "succeeded" | "failed" | "stopped";
  failure_class: string | null;
  exit_code: number | null;
  reason: string | null;
  message: string | null;
}

/** A run with all that is known of it. */
export interface WholeRun extends Run {
  owner: string;
  project: string;
  description: string | null;
  readme: string | null;
  live_state: number;
  managed_by: string;
  original: { uuid: string; name: string | null; kind: string | null } | null;
  /** The operation as it is executed, as JSON. */
  content: string | null;
  /** As it was submitted: YAML or JSON. */
  raw_content: string | null;
  end: End | null;
}

export interface Condition {
  type: string;
  reason: string | null;
  message: string | null;
  last_transition_time: string;
  meta_info?: { attempt?: number };
}

export interface Statuses {
  status: string;
  status_conditions: Condition[];
}

/** A rule that holds a run back, with its numbers. */
export interface Holding extends Block {
  limit: number | string | null;
  used: number | string | null;
  holders: string[];
}

export interface Explanation {
  status: string;
  position: number | null;
  of: number | null;
  blocked_by: Holding[];
  estimate: { at: string; low: string; high: string } | null;
  waited: { rule: string; level: string; name: string; seconds: number }[];
  placement: string[];
  overflow?: { candidates: string[]; overflow_at: string | null; message: string };
}

export interface LogLine {
  timestamp: string;
  value: string;
  node: string | null;
  pod: string | null;
  container: string | null;
}

export interface LogAnswer {
  logs: LogLine[];
  last_time: string | null;
  last_file: string | null;
  files: string[];
}

/** What of a log is read. */
export interface LogPart {
  attempt?: number;
  container?: string;
  replica?: number;
  tail?: number;
  last_time?: string;
  last_file?: string;
}

export type Tree = components["schemas"]["Tree"];

/** What a run tracked under one name, one value for each row. */
export interface Series {
  name: string;
  data: { step: (number | null)[]; timestamp: (string | null)[]; metric: (number | null)[] };
}

/** Where a run is, in paths. */
export interface At {
  owner: string;
  project: string;
  uuid: string;
}

const stream = ({ owner, project, uuid }: At) => ({ namespace: "default", owner, project, uuid });

export async function runsPage(
  which: Which,
  page: { cursor?: string; limit?: number },
  signal?: AbortSignal,
): Promise<List<Run>> {
  const answer = await send<List<Run>>(runsCall(which, page), { signal });
  const { project } = which;
  // A project's own list doesn't say whose its runs are.
  return project ? { ...answer, results: answer.results.map((run) => ({ ...run, project })) } : answer;
}

/** Where the next page of a list begins. */
export function cursorOf(next: string | null): string | undefined {
  return next ? (new URL(next, "http://page").searchParams.get("cursor") ?? undefined) : undefined;
}

/** The first page of a list, kept up to date. */
export const head = (which: Which) =>
  queryOptions({
    queryKey: ["runs", which.owner, which],
    placeholderData: kept(which.owner),
    queryFn: ({ signal }) => runsPage(which, {}, signal),
    meta: { live: ["run"] },
  });

/** Runs that are in sight further down, kept up to date. */
export const seen = (owner: string, uuids: string[]) =>
  queryOptions({
    queryKey: ["runs-seen", owner, uuids],
    queryFn: ({ signal }) =>
      runsPage({ owner, query: `uuid:${uuids.join("|")}`, sort: "-created_at" }, { limit: uuids.length }, signal),
    enabled: uuids.length > 0,
    meta: { live: ["run"] },
  });

export const groups = ({ owner, project, query }: Omit<Which, "sort">, by: Grouping) =>
  queryOptions({
    queryKey: ["run-groups", owner, by, project, query],
    placeholderData: kept(owner, by),
    queryFn: ({ signal }) => {
      const asked = { by, query, limit: 1_000 };
      return send<RunGroups>(
        project
          ? call("GET", "/api/v1/{owner}/{project}/runs/groups", { in: { owner, project }, query: asked })
          : call("GET", "/api/v1/orgs/{owner}/runs/groups", { in: { owner }, query: asked }),
        { signal },
      );
    },
    meta: { live: ["run"] },
  });

export const run = (owner: string, uuid: string) =>
  queryOptions({
    queryKey: ["run", owner, uuid],
    queryFn: ({ signal }) =>
      send<WholeRun>(call("GET", "/api/v1/orgs/{owner}/runs/{uuid}", { in: { owner, uuid } }), { signal }),
    meta: { live: ["run"], uuid },
  });

export const statuses = (at: At) =>
  queryOptions({
    queryKey: ["run-statuses", at],
    queryFn: ({ signal }) =>
      send<Statuses>(call("GET", "/api/v1/{owner}/{project}/runs/{uuid}/statuses", { in: { ...at } }), { signal }),
    meta: { live: ["run"], uuid: at.uuid },
  });

export const explanation = (at: At, waits: boolean) =>
  queryOptions({
    queryKey: ["run-explanation", at],
    queryFn: ({ signal }) =>
      send<Explanation>(call("GET", "/api/v1/{owner}/{project}/runs/{uuid}/explain", { in: { ...at } }), { signal }),
    refetchInterval: waits ? WHY : false,
    meta: { live: ["run"], uuid: at.uuid },
  });

export const origins = (at: At) =>
  queryOptions({
    queryKey: ["run-origins", at],
    queryFn: ({ signal }) =>
      send<{ origins: Record<string, string> | null }>(
        call("GET", "/api/v1/{owner}/{project}/runs/{uuid}/origins", { in: { ...at } }),
        { signal },
      ),
  });

export const treeCall = (at: At, path: string): Call =>
  call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts/tree", {
    in: stream(at),
    query: { path },
  });

export const tree = (at: At, path: string) =>
  queryOptions({
    queryKey: ["run-tree", at, path],
    queryFn: ({ signal }) => send<Tree>(treeCall(at, path), { signal }),
  });

/** The call for one file that a run left, or for all of a folder. */
export const fileCall = (at: At, path: string): Call =>
  call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifact", { in: stream(at), query: { path } });
export const folderCall = (at: At, path: string): Call =>
  call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts", { in: stream(at), query: { path } });

/** How often what a run tracks is asked for while it is alive, in milliseconds, and how many rows of each series. */
const TRACKING = 5_000;
const ROWS = 1_000;

export const metricsCall = (at: At): Call =>
  call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/events/{kind}", {
    in: { ...stream(at), kind: "metric" },
    query: { sample: ROWS },
  });

export const metrics = (at: At, isAlive: boolean) =>
  queryOptions({
    queryKey: ["run-metrics", at],
    queryFn: ({ signal }) => send<{ data: Series[] }>(metricsCall(at), { signal }),
    refetchInterval: isAlive ? TRACKING : false,
  });

/** What it used of its machine. */
export const machine = (at: At, isAlive: boolean) =>
  queryOptions({
    queryKey: ["run-machine", at],
    queryFn: ({ signal }) =>
      send<{ data: Series[] }>(
        call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/resources", {
          in: stream(at),
          query: { sample: ROWS },
        }),
        { signal },
      ),
    refetchInterval: isAlive ? TRACKING : false,
  });

/** How often a run's objects are looked at again, in milliseconds: they change without an event of the run. */
const LOOKING = 5_000;

/** What the agent sees of a run's objects. */
export const inspection = (at: At) =>
  queryOptions({
    queryKey: ["run-inspection", at],
    queryFn: ({ signal }) =>
      send<Record<string, unknown>>(
        call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/k8s_inspect", { in: stream(at) }),
        { signal },
      ),
    refetchInterval: LOOKING,
    meta: { live: ["run"], uuid: at.uuid },
  });

/** The last lines of a log, as they are now. */
export const lastLines = (at: At, tail: number) =>
  queryOptions({
    queryKey: ["run-last-lines", at, tail],
    queryFn: ({ signal }) => logPart(at, { tail }, signal),
    retry: false,
    meta: { live: ["run"], uuid: at.uuid },
  });

export function logCall(at: At, part: LogPart): Call {
  return call("GET", "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs", {
    in: stream(at),
    query: { ...part },
  });
}

export function logPart(at: At, part: LogPart, signal?: AbortSignal): Promise<LogAnswer> {
  return send<LogAnswer>(logCall(at, part), { signal });
}
