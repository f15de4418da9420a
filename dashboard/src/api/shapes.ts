// What the API answers, as far as the page reads it: what it describes itself, and by hand what its description leaves open.

import type { components } from "./schema";

type Described = components["schemas"];

export type AuditEntry = Described["AuditEntry"];
export type HeadRun = Described["HeadRun"];
export type History = Described["History"];
export type Hold = Described["Hold"];
export type Installation = Described["Installation"];
export type LetterGroup = Described["DeadLetterGroup"];
export type Overview = Described["Overview"];
export type Point = Described["Point"];
export type Queue = Described["Queue"];
export type QueueStats = Described["QueueStats"];
export type Token = Described["Token"];
export type User = Described["User"];
export type Warning = Described["Warning"];
export type Range = History["range"];

export interface List<T> {
  count: number | null;
  next: string | null;
  previous: string | null;
  results: T[];
}

export interface LimitFields {
  /** -1: none. */
  concurrency: number;
  quotas: Record<string, string>;
  rate: string | null;
}

/** One thing that holds a run back, as in explanations. */
export interface Block {
  rule: string;
  level: string;
  name: string | null;
  message: string;
}

export interface Connection {
  name: string;
  kind: string;
}

/** A replica; what newer servers tell more is optional. */
export interface Replica {
  id?: string;
  name?: string;
  host?: string;
  version: string | null;
  heartbeat_seconds?: number;
  last_seen?: string;
  lease_until?: string;
  is_live?: boolean;
  live?: number;
  held?: number;
  namespace?: string | null;
  cluster?: string | null;
  executor?: string;
  creates_per_second?: number;
  create_limit?: number;
  pushbacks?: number;
  watch_lag_seconds?: number | null;
  clock_skew_seconds?: number | null;
}

export interface NodeSummary {
  nodes: number;
  labels: Record<string, { values: string[]; more?: boolean }>;
  taints: { key: string; value?: string; effect: string; nodes: number }[];
  allocatable: Record<string, string>;
  largest: Record<string, string>;
}

export interface Agent extends LimitFields {
  uuid: string;
  name: string;
  description: string | null;
  tags: string[];
  version: string | null;
  status: string;
  labels: Record<string, string>;
  reported_labels: Record<string, string> | null;
  effective_labels: Record<string, string>;
  namespaces: string[] | null;
  connections: Connection[] | null;
  cordoned: boolean;
  draining: boolean;
  hold: Hold | null;
  is_default: boolean;
  is_live: boolean;
  executor: string | null;
  identity: { id: string; kind: string } | null;
  last_seen: string | null;
  lease_until: string | null;
  lost_at: string | null;
  features: string[] | null;
  defaults: unknown;
  handover_rate: number;
  created_at: string;
  updated_at: string;
  /** Of a cluster; alone, not in lists. */
  nodes?: NodeSummary | null;
  replicas?: Replica[];
}

export interface Letter {
  uuid: string;
  reason: string;
  message: string | null;
  run: string | null;
  attempt: number | null;
  agent: string | null;
  queue: string | null;
  is_cut: boolean;
  first_at: string;
  last_at: string;
  times: number;
  raw?: string | null;
  envelope?: unknown;
}

/** What a change of many things answers; `next` is where the next call goes on. */
export interface Course {
  done: number;
  kept: number;
  not_done: { uuid: string; why: string }[];
  next: string | null;
}

/** What a change of many things would do. */
export interface Preview<T = unknown> {
  count: number | null;
  sample: T[];
}

export interface Project extends Partial<LimitFields> {
  uuid: string;
  name: string;
  description: string | null;
  tags: string[];
  created_at: string;
  updated_at: string;
  owner?: string;
  default_queue?: string | null;
  queues?: string[];
  agents?: string[];
  namespaces?: string[];
}

export interface Organization extends LimitFields {
  default_queue: string | null;
  routes: unknown[];
}

export type Credentials = components["schemas"]["Credentials"];
export type CredentialsList = components["schemas"]["CredentialsList"];
export type NewCredentials = components["schemas"]["NewCredentials"];

/** A run in a list. */
export interface Run {
  uuid: string;
  name: string | null;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  finished_at: string | null;
  schedule_at: string | null;
  wait_time: number | null;
  duration: number | null;
  kind: string;
  runtime: string;
  meta_info: Record<string, unknown>;
  status: string;
  pending: string | null;
  inputs: Record<string, unknown> | null;
  outputs: Record<string, unknown> | null;
  tags: string[] | null;
  settings: { namespace: string; agent: { name: string } | null; queue: { name: string } | null };
  user: string | null;
  priority: number;
  attempt: number;
  resources: Record<string, unknown>;
  trace_id?: string | null;
  project?: string;
  owner?: string;
}
