// The page's paths. Each view is a file of its own, fetched when it is first looked at; what a view shows is in its
// address. The paths are also listed in `src-rs/paths.rs`, where the server answers them.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { askAhead } from "./api/cache";
import { DEFAULT_OWNER } from "./api/calls";
import * as ask from "./api/queries";
import * as askOfRuns from "./api/run-queries";
import type { Range } from "./api/shapes";
import { Shell } from "./app/shell";
import { views } from "./early";
import { Failure } from "./parts/states";
import { NotFound } from "./views/not-found";
import { runSearch, runsSearch, whichOf } from "./views/runs-search";

type Given = Record<string, unknown>;

/** The text of a search parameter, if it is one. */
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const oneOf = <T extends string>(value: unknown, ...known: T[]): T | undefined => known.find((one) => one === value);
/** Numbers and the like in an address are read as such. */
const name = (value: unknown): string | undefined =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : text(value);

const root = createRootRoute({
  validateSearch: (given: Given): { owner?: string } => ({ owner: name(given.owner) }),
  // The organization stays chosen, wherever one goes.
  search: { middlewares: [retainSearchParams(["owner"])] },
  component: Shell,
  notFoundComponent: NotFound,
});

/** Whose things a view shows. What it asks for first is asked for while its code is on the way. */
const ofOwner = ({ search }: { search: { owner?: string } }) => ({ owner: search.owner ?? DEFAULT_OWNER });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  loaderDeps: ofOwner,
  loader: ({ deps: { owner } }) => void askAhead((cache) => cache.prefetchQuery(ask.overview(owner))),
  validateSearch: (given: Given): { range?: Range } => ({ range: oneOf(given.range, "1h", "24h", "7d", "30d") }),
  component: lazyRouteComponent(views.overview, "Overview"),
});

export interface QueuesSearch {
  find?: string;
  view?: "table";
  only?: "waiting" | "paused" | "unserved" | "dead";
  sort?: string;
  hide?: string;
}

const queues = createRoute({
  getParentRoute: () => root,
  path: "/queues",
  loaderDeps: ofOwner,
  loader: ({ deps: { owner } }) => void askAhead((cache) => cache.prefetchQuery(ask.queues(owner))),
  validateSearch: (given: Given): QueuesSearch => ({
    find: name(given.find),
    view: oneOf(given.view, "table"),
    only: oneOf(given.only, "waiting", "paused", "unserved", "dead"),
    sort: text(given.sort),
    hide: text(given.hide),
  }),
  component: lazyRouteComponent(views.queues, "Queues"),
});

export type QueueTab = "head" | "limits" | "dead" | "audit";

const queue = createRoute({
  getParentRoute: () => root,
  path: "/queues/$agent/$queue",
  validateSearch: (given: Given): { tab?: QueueTab; range?: Range } => ({
    tab: oneOf(given.tab, "head", "limits", "dead", "audit"),
    range: oneOf(given.range, "1h", "24h", "7d", "30d"),
  }),
  component: lazyRouteComponent(() => import("./views/queue"), "QueueView"),
});

const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  loaderDeps: ofOwner,
  loader: ({ deps: { owner } }) => void askAhead((cache) => cache.prefetchQuery(ask.agents(owner))),
  validateSearch: (given: Given): { find?: string; view?: "map" } => ({
    find: name(given.find),
    view: oneOf(given.view, "map"),
  }),
  component: lazyRouteComponent(views.agents, "Agents"),
});

export type AgentTab = "replicas" | "queues" | "nodes" | "connections" | "credentials" | "audit";

const agent = createRoute({
  getParentRoute: () => root,
  path: "/agents/$agent",
  validateSearch: (given: Given): { tab?: AgentTab } => ({
    tab: oneOf(given.tab, "replicas", "queues", "nodes", "connections", "credentials", "audit"),
  }),
  component: lazyRouteComponent(() => import("./views/agent"), "AgentView"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: runsSearch,
  loaderDeps: ({ search }) => ({
    which: whichOf(search.owner ?? DEFAULT_OWNER, search),
    isCounted: search.by !== undefined,
  }),
  loader: ({ deps: { which, isCounted } }) =>
    isCounted ? undefined : void askAhead((cache) => cache.prefetchQuery(askOfRuns.head(which))),
  component: lazyRouteComponent(views.runs, "Runs"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$uuid",
  validateSearch: runSearch,
  component: lazyRouteComponent(() => import("./views/run"), "RunView"),
});

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: "/dead-letters",
  validateSearch: (given: Given): { query?: string; letter?: string } => ({
    query: text(given.query),
    letter: name(given.letter),
  }),
  component: lazyRouteComponent(() => import("./views/dead-letters"), "DeadLetters"),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  validateSearch: (given: Given): { find?: string } => ({ find: name(given.find) }),
  component: lazyRouteComponent(() => import("./views/projects"), "Projects"),
});

const project = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project",
  component: lazyRouteComponent(() => import("./views/project"), "ProjectView"),
});

const tokens = createRoute({
  getParentRoute: () => root,
  path: "/tokens",
  component: lazyRouteComponent(() => import("./views/tokens"), "Tokens"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (given: Given): { actor?: string; action?: string; object?: string } => ({
    actor: name(given.actor),
    action: name(given.action),
    object: name(given.object),
  }),
  component: lazyRouteComponent(() => import("./views/audit"), "AuditTrail"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./views/settings"), "Settings"),
});

const runbooks = createRoute({
  getParentRoute: () => root,
  path: "/runbooks",
  component: lazyRouteComponent(() => import("./views/runbook"), "Runbook"),
});

const runbook = createRoute({
  getParentRoute: () => root,
  path: "/runbooks/$name",
  component: lazyRouteComponent(() => import("./views/runbook"), "Runbook"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    queues,
    queue,
    agents,
    agent,
    runs,
    run,
    deadLetters,
    projects,
    project,
    tokens,
    audit,
    settings,
    runbooks,
    runbook,
  ]),
  defaultPreload: "intent",
  scrollRestoration: false,
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
