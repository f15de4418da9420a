//! What is answered to those who look, in the short form of [`notation`](super::notation). A test compares each with a real
//! answer.

/// Objects by name.
pub(super) const OBJECTS: &[(&str, &str)] = &[
    ("Installation", "key: text, version: text, dist: ce/ee, mode: text, berth: text"),
    ("User", "username: text, email: text, name: text, kind: text, theme: integer, organization: text"),
    ("Hold", "reason: text, by: text, until: time?, drain: flag"),
    (
        "QueueStats",
        "backlog: integer, in_flight: integer, offered: integer, admissible: integer, oldest_seconds: number?, \
         dead_letters: integer, consumers: integer, submitted_per_second: number, started_per_second: number, \
         finished_per_second: number, failed_per_second: number, wait_p50_seconds: number?, wait_p95_seconds: number?, \
         priorities: {integer}, series?: [integer]",
    ),
    (
        "Queue",
        "uuid: text, agent: text, name: text, description: text?, tags: [text], user: text?, priority: integer, \
         concurrency: integer, quotas: {text}, rate: text?, fairness: text, weights: {integer}, \
         reserve_after_seconds: integer, max_backlog: integer?, overflow_after_seconds: integer, \
         preemption: never/lower_priority, stats: QueueStats, created_at: time, updated_at: time, paused: Hold?, \
         on_agent_loss: wait/replace, protocol: berth/celery, answer_within_seconds: integer, defaults: any, \
         resource: text?, quota: text?",
    ),
    ("Block", "rule: text, level: text, name: text?, message: text, limit: any, used: any, holders: [text]"),
    (
        "HeadRun",
        "uuid: text, name: text?, project: text, user: text?, priority: integer, queued_at: time, position: integer, \
         blocked_by: [Block]",
    ),
    (
        "Point",
        "at: time, backlog: integer, in_flight: integer, admissible: integer, oldest_seconds: number, \
         dead_letters: integer, submitted: integer, started: integer, finished: integer, failed: integer, \
         wait_p50_seconds: number?, wait_p95_seconds: number?",
    ),
    ("History", "range: 1h/24h/7d/30d, step_seconds: integer, points: [Point]"),
    ("AboutWhat", "kind: text, agent: text?, queue: text?, uuid?: text?"),
    (
        "Warning",
        "name: text, severity: critical/warning, object: AboutWhat, message: text, since: time?, value: number, \
         threshold: number, runbook: text, alert: text",
    ),
    ("AgentCounts", "live: integer, lost: integer, cordoned: integer, count: integer"),
    ("Saturation", "agent: text, in_flight: integer, limit: integer?"),
    ("Health", "name: text, ok: flag, message: text?"),
    (
        "Overview",
        "at: time, statuses: {integer}, agents: AgentCounts, queues: integer, saturation: [Saturation], \
         health: [Health], warnings: [Warning], waiting: integer, live: integer, dead_letters: integer, \
         oldest_seconds: number?, submitted_per_second: number, started_per_second: number, \
         finished_per_second: number, failed_per_second: number",
    ),
    (
        "DeadLetter",
        "uuid: text, reason: text, message: text?, run: text?, attempt: integer?, agent: text?, queue: text?, \
         is_cut: flag, first_at: time, last_at: time, times: integer",
    ),
    ("DeadLetterGroup", "reason: text, letters: integer, times: integer, first_at: time, last_at: time"),
    (
        "Token",
        "uuid: text, key: text?, name: text, scopes: [text], services: [text], started_at: time?, expires_at: time?, \
         created_at: time, updated_at: time, expiration: integer?",
    ),
    ("AuditObject", "kind: text, uuid: text?, name: text?"),
    (
        "AuditEntry",
        "id: integer, actor: text, action: text, at: time, request_id: text?, reason: text?, details: any, \
         object: AuditObject",
    ),
    ("Tree", "files: {integer}, dirs: [text], is_done: flag, is_cut?: flag"),
    ("Series", "name: text, kind: text, data: any"),
    ("AllSeries", "data: [Series]"),
];

/// What a `GET` of a path answers: an object, or a page of them.
pub(super) enum Answer {
    One(&'static str),
    Page(&'static str),
}

use Answer::{One, Page};

/// The paths that are described so.
pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("/api/v1/installation", One("Installation")),
    ("/api/v1/users", One("User")),
    ("/api/v1/users/tokens", Page("Token")),
    ("/api/v1/orgs/{owner}/overview", One("Overview")),
    ("/api/v1/orgs/{owner}/warnings", Page("Warning")),
    ("/api/v1/orgs/{owner}/history", One("History")),
    ("/api/v1/orgs/{owner}/queues", Page("Queue")),
    ("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}", One("Queue")),
    ("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history", One("History")),
    ("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head", Page("HeadRun")),
    ("/api/v1/orgs/{owner}/dead-letters", Page("DeadLetter")),
    ("/api/v1/orgs/{owner}/dead-letters/reasons", Page("DeadLetterGroup")),
    ("/api/v1/orgs/{owner}/audit", Page("AuditEntry")),
    ("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts/tree", One("Tree")),
    ("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/events/{kind}", One("AllSeries")),
    ("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/resources", One("AllSeries")),
];
