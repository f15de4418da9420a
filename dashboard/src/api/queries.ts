// Every question that the views ask, with its key and with the kinds of events after which it is asked again.

import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { installation as written } from "~/early";
import { call } from "./call";
import { agentsCall, overviewCall, queuesCall } from "./calls";
import { send } from "./client";
import { kept } from "./kept";
import type {
  Agent,
  AuditEntry,
  CredentialsList,
  HeadRun,
  History,
  Installation,
  Letter,
  LetterGroup,
  List,
  Organization,
  Overview,
  Project,
  Queue,
  Range,
  Token,
  User,
  Warning,
} from "./shapes";

/** Kinds of events of the stream, after which something is asked again. */
export type Kind = "run" | "queue" | "agent";

/** `live` is what a question depends on; `uuid` narrows it to one run. */
export interface LiveMeta extends Record<string, unknown> {
  live?: Kind[];
  uuid?: string;
}

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: LiveMeta;
  }
}

/** Seconds between questions whose answers change without an event: rates, ages, gauges. */
const GAUGES = 5_000;
const SLOW = 30_000;

/** All pages of a list, up to a bound: lists of queues and agents are shown whole. */
async function whole<T>(first: (cursor?: string) => Promise<List<T>>, most: number): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await first(cursor);
    all.push(...page.results);
    cursor = page.next ? (new URL(page.next, location.origin).searchParams.get("cursor") ?? undefined) : undefined;
  } while (cursor && all.length < most);
  return all;
}

export const installation = () =>
  queryOptions({
    queryKey: ["installation"],
    queryFn: ({ signal }) => send<Installation>(call("GET", "/api/v1/installation", {}), { signal }),
    initialData: written,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const user = () =>
  queryOptions({
    queryKey: ["user"],
    queryFn: ({ signal }) => send<User>(call("GET", "/api/v1/users", {}), { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const overview = (owner: string) =>
  queryOptions({
    queryKey: ["overview", owner],
    queryFn: ({ signal }) => send<Overview>(overviewCall(owner), { signal }),
    refetchInterval: GAUGES,
    meta: { live: ["run", "queue", "agent"] },
  });

export const warnings = (owner: string) =>
  queryOptions({
    queryKey: ["warnings", owner],
    queryFn: ({ signal }) =>
      send<List<Warning>>(call("GET", "/api/v1/orgs/{owner}/warnings", { in: { owner } }), { signal }),
    refetchInterval: GAUGES,
    meta: { live: ["queue", "agent"] },
  });

export const queues = (owner: string) =>
  queryOptions({
    queryKey: ["queues", owner],
    queryFn: ({ signal }) => whole<Queue>((cursor) => send(queuesCall(owner, cursor), { signal }), 10_000),
    refetchInterval: GAUGES,
    meta: { live: ["run", "queue"] },
  });

export const queue = (owner: string, agent: string, name: string) =>
  queryOptions({
    queryKey: ["queue", owner, agent, name],
    queryFn: ({ signal }) =>
      send<Queue>(
        call("GET", "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}", { in: { owner, agent, queue: name } }),
        { signal },
      ),
    refetchInterval: GAUGES,
    meta: { live: ["run", "queue"] },
  });

export const queueHistory = (owner: string, agent: string, name: string, range: Range) =>
  queryOptions({
    queryKey: ["queue-history", owner, agent, name, range],
    placeholderData: kept(owner, agent, name),
    queryFn: ({ signal }) =>
      send<History>(
        call("GET", "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history", {
          in: { owner, agent, queue: name },
          query: { range },
        }),
        { signal },
      ),
    refetchInterval: range === "1h" ? 15_000 : 60_000,
  });

export const history = (owner: string, range: Range) =>
  queryOptions({
    queryKey: ["history", owner, range],
    placeholderData: kept(owner),
    queryFn: ({ signal }) =>
      send<History>(call("GET", "/api/v1/orgs/{owner}/history", { in: { owner }, query: { range } }), { signal }),
    refetchInterval: range === "1h" ? 15_000 : 60_000,
  });

export const queueHead = (owner: string, agent: string, name: string) =>
  queryOptions({
    queryKey: ["queue-head", owner, agent, name],
    queryFn: ({ signal }) =>
      send<List<HeadRun>>(
        call("GET", "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head", {
          in: { owner, agent, queue: name },
          query: { limit: 50 },
        }),
        { signal },
      ),
    meta: { live: ["run", "queue", "agent"] },
  });

export const agents = (owner: string) =>
  queryOptions({
    queryKey: ["agents", owner],
    queryFn: ({ signal }) => whole<Agent>((cursor) => send(agentsCall(owner, cursor), { signal }), 5_000),
    refetchInterval: GAUGES,
    meta: { live: ["agent"] },
  });

export const agent = (owner: string, name: string) =>
  queryOptions({
    queryKey: ["agent", owner, name],
    queryFn: ({ signal }) =>
      send<Agent>(call("GET", "/api/v1/orgs/{owner}/agents/{agent}", { in: { owner, agent: name } }), { signal }),
    refetchInterval: GAUGES,
    meta: { live: ["agent"] },
  });

export const credentials = (owner: string, name: string) =>
  queryOptions({
    queryKey: ["credentials", owner, name],
    queryFn: ({ signal }) =>
      send<CredentialsList>(
        call("GET", "/api/v1/orgs/{owner}/agents/{agent}/credentials", { in: { owner, agent: name } }),
        { signal },
      ),
  });

export const letters = (owner: string, query: string) =>
  queryOptions({
    queryKey: ["letters", owner, query],
    placeholderData: kept(owner),
    queryFn: ({ signal }) =>
      send<List<Letter>>(
        call("GET", "/api/v1/orgs/{owner}/dead-letters", { in: { owner }, query: { query, limit: 1000 } }),
        { signal },
      ),
    refetchInterval: SLOW,
    meta: { live: ["run"] },
  });

export const letter = (owner: string, uuid: string) =>
  queryOptions({
    queryKey: ["letter", owner, uuid],
    queryFn: ({ signal }) =>
      send<Letter>(call("GET", "/api/v1/orgs/{owner}/dead-letters/{uuid}", { in: { owner, uuid } }), { signal }),
  });

export const letterGroups = (owner: string, query: string) =>
  queryOptions({
    queryKey: ["letter-groups", owner, query],
    placeholderData: kept(owner),
    queryFn: ({ signal }) =>
      send<List<LetterGroup>>(
        call("GET", "/api/v1/orgs/{owner}/dead-letters/reasons", { in: { owner }, query: { query } }),
        { signal },
      ),
    refetchInterval: SLOW,
    meta: { live: ["run"] },
  });

export const projects = (owner: string) =>
  queryOptions({
    queryKey: ["projects", owner],
    queryFn: ({ signal }) =>
      whole<Project>(
        (cursor) =>
          send(
            call("GET", "/api/v1/{owner}/projects/list", {
              in: { owner },
              query: { limit: 1000, no_page: true, cursor },
            }),
            {
              signal,
            },
          ),
        10_000,
      ),
    refetchInterval: SLOW,
  });

export const project = (owner: string, name: string) =>
  queryOptions({
    queryKey: ["project", owner, name],
    queryFn: ({ signal }) =>
      send<Project>(call("GET", "/api/v1/{owner}/{project}", { in: { owner, project: name } }), { signal }),
  });

export const tokens = () =>
  queryOptions({
    queryKey: ["tokens"],
    queryFn: ({ signal }) => send<List<Token>>(call("GET", "/api/v1/users/tokens", {}), { signal }),
    refetchInterval: SLOW,
  });

export interface AuditQuery {
  object?: string;
  actor?: string;
  action?: string;
}

export const audit = (owner: string, asked: AuditQuery, limit = 200) =>
  queryOptions({
    queryKey: ["audit", owner, asked, limit],
    placeholderData: kept(owner),
    queryFn: ({ signal }) =>
      send<List<AuditEntry>>(
        call("GET", "/api/v1/orgs/{owner}/audit", { in: { owner }, query: { ...asked, limit, no_page: true } }),
        { signal },
      ),
    refetchInterval: SLOW,
    meta: { live: ["queue", "agent"] },
  });

export const organization = (owner: string) =>
  queryOptions({
    queryKey: ["organization", owner],
    queryFn: ({ signal }) =>
      send<Organization>(call("GET", "/api/v1/orgs/{owner}/settings", { in: { owner } }), { signal }),
  });

/** After a change of ours: everything that is on the screen is asked again. */
export function refreshAll(client: QueryClient): void {
  void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "installation" });
}
