// What the API answers, as far as the page reads it. Paths come from the generated types; these are the bodies that the
// description leaves open.

import type { components } from "./schema";

export interface List<T> {
  count: number | null;
  next: string | null;
  previous: string | null;
  results: T[];
}

export interface Installation {
  version: string;
  dist: "ce" | "ee";
  berth: string;
}

export interface User {
  name: string;
  username: string;
  organization: string;
}

/** Why and until when something starts nothing. */
export interface Hold {
  reason: string;
  by: string;
  until: string | null;
  drain: boolean;
}

export interface LimitFields {
  /** -1: none. */
  concurrency: number;
  quotas: Record<string, string>;
  rate: string | null;
}

export interface QueueStats {
  backlog: number;
  in_flight: number;
  offered: number;
  admissible: number;
  oldest_seconds: number | null;
  dead_letters: number;
  consumers: number;
  submitted_per_second: number;
  started_per_second: number;
  finished_per_second: number;
  failed_per_second: number;
  wait_p50_seconds: number | null;
  wait_p95_seconds: number | null;
  priorities: Record<string, number>;
  series?: number[];
}

export interface Queue extends LimitFields {
  uuid: string;
  agent: string;
  name: string;
  description: string | null;
  tags: string[];
  priority: number;
  fairness: string;
  weights: Record<string, number>;
  reserve_after_seconds: number;
  max_backlog: number | null;
  overflow_after_seconds: number;
  preemption: "never" | "lower_priority";
  paused: Hold | null;
  on_agent_loss: "wait" | "replace";
  protocol: "berth" | "celery";
  answer_within_seconds: number;
  defaults: unknown;
  /** An older server has none. */
  stats: QueueStats | Record<string, never>;
  created_at: string;
  updated_at: string;
}

export interface Point {
  at: string;
  backlog: number;
  in_flight: number;
  admissible: number;
  oldest_seconds: number | null;
  dead_letters: number;
  submitted: number;
  started: number;
  finished: number;
  failed: number;
  wait_p50_seconds: number | null;
  wait_p95_seconds: number | null;
}

export type Range = "1h" | "24h" | "7d" | "30d";

export interface History {
  range: Range;
  step_seconds: number;
  points: Point[];
}

/** One thing that holds a run back, as in explanations. */
export interface Block {
  rule: string;
  level: string;
  name: string | null;
  message: string;
}

export interface HeadRun {
  uuid: string;
  name: string | null;
  project: string;
  priority: number;
  queued_at: string;
  position: number;
  blocked_by: Block[];
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

export interface Warning {
  name: string;
  severity: "critical" | "warning";
  object: { kind: string; agent: string | null; queue: string | null; uuid?: string | null };
  message: string;
  since: string | null;
  value: number;
  threshold: number;
  runbook: string;
  alert: string;
}

export interface Overview {
  at: string;
  statuses: Record<string, number>;
  waiting: number;
  live: number;
  oldest_seconds: number | null;
  submitted_per_second: number;
  started_per_second: number;
  finished_per_second: number;
  failed_per_second: number;
  agents: { live: number; lost: number; cordoned: number; count: number };
  queues: number;
  dead_letters: number;
  saturation: { agent: string; in_flight: number; limit: number | null }[];
  health: { name: string; ok: boolean; message: string | null }[];
  warnings: Warning[];
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

export interface LetterGroup {
  reason: string;
  letters: number;
  times: number;
  first_at: string;
  last_at: string;
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

export interface Token {
  uuid: string;
  key: string | null;
  name: string;
  scopes: string[];
  started_at: string | null;
  expires_at: string | null;
  created_at: string;
}

export interface AuditEntry {
  id: number;
  actor: string;
  action: string;
  at: string;
  request_id: string | null;
  reason: string | null;
  details: unknown;
  object: { kind: string; uuid: string | null; name: string | null };
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
