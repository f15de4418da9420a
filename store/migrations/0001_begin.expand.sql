CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE projects (
    id UUID PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    tags JSONB NOT NULL,
    is_public BOOLEAN NOT NULL,
    readme TEXT,
    concurrency BIGINT CHECK (concurrency >= 0),
    default_queue TEXT,
    deleted BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX projects_by_name ON projects (owner, name) WHERE NOT deleted;
CREATE INDEX projects_deleted ON projects (id) WHERE deleted;

CREATE TABLE agents (
    id UUID PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    tags JSONB NOT NULL,
    labels JSONB NOT NULL,
    concurrency BIGINT CHECK (concurrency >= 0),
    cordoned BOOLEAN NOT NULL DEFAULT FALSE,
    draining BOOLEAN NOT NULL DEFAULT FALSE,
    is_default BOOLEAN NOT NULL DEFAULT FALSE,
    executor TEXT,
    identity JSONB,
    lease_until BIGINT,
    lease_granted_at BIGINT,
    last_seen BIGINT,
    release_name TEXT,
    features JSONB NOT NULL,
    handover_milli BIGINT NOT NULL DEFAULT 0,
    create_grace_ms BIGINT NOT NULL DEFAULT 0,
    credentials_hash TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX agents_by_name ON agents (name);
CREATE INDEX agents_by_owner ON agents (owner, name);
CREATE UNIQUE INDEX agents_default ON agents (owner) WHERE is_default;

CREATE TABLE agent_replicas (
    agent_id UUID NOT NULL,
    name TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    release_name TEXT NOT NULL,
    executor TEXT NOT NULL,
    handover_milli BIGINT NOT NULL,
    live BIGINT NOT NULL,
    held_offers BIGINT NOT NULL,
    PRIMARY KEY (agent_id, name)
);

CREATE TABLE queues (
    id UUID PRIMARY KEY,
    agent_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    tags JSONB NOT NULL,
    priority BIGINT NOT NULL DEFAULT -1,
    concurrency BIGINT CHECK (concurrency >= 0),
    paused JSONB,
    on_agent_loss TEXT NOT NULL CHECK (on_agent_loss IN ('wait', 'replace')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX queues_by_name ON queues (agent_id, name);

CREATE TABLE runs (
    id UUID PRIMARY KEY,
    owner TEXT NOT NULL,
    project_id UUID NOT NULL,
    queue_id UUID,
    agent_id UUID,
    name TEXT,
    description TEXT,
    readme TEXT,
    tags JSONB NOT NULL,
    kind TEXT NOT NULL,
    runtime TEXT,
    priority BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 9),
    status TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    holds_slot BOOLEAN NOT NULL,
    offered BOOLEAN NOT NULL,
    offered_at BIGINT,
    queued_at BIGINT,
    wake_at BIGINT,
    dispatch JSONB NOT NULL,
    spec_hash TEXT,
    timeout_ms BIGINT,
    inputs JSONB,
    outputs JSONB,
    meta_info JSONB,
    resources JSONB,
    managed_by TEXT,
    pending TEXT,
    original_id UUID,
    cloning_kind TEXT,
    username TEXT,
    namespace TEXT,
    live_state BIGINT NOT NULL DEFAULT 1,
    deleted BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    schedule_at BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    raw_content TEXT,
    content TEXT,
    CHECK (status <> 'queued' OR (queue_id IS NOT NULL AND agent_id IS NOT NULL AND queued_at IS NOT NULL))
);
CREATE INDEX runs_waiting ON runs (owner, queue_id, project_id, priority DESC, queued_at, id) WHERE status = 'queued';
CREATE INDEX runs_slots ON runs (agent_id, queue_id, project_id, offered) WHERE holds_slot;
CREATE INDEX runs_offered ON runs (agent_id, queue_id, offered_at) WHERE offered;
CREATE INDEX runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_created ON runs (owner, project_id, created_at, id);
CREATE INDEX runs_updated ON runs (owner, project_id, updated_at, id);
CREATE INDEX runs_unfinished ON runs (queue_id) WHERE finished_at IS NULL;
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_deleted ON runs (updated_at) WHERE deleted;

CREATE TABLE conditions (
    id {identity},
    run_id UUID NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX conditions_by_run ON conditions (run_id, id);

CREATE TABLE changes (
    seq {identity},
    xact BIGINT NOT NULL,
    kind TEXT NOT NULL,
    object_id UUID NOT NULL,
    owner TEXT NOT NULL,
    project_id UUID,
    version BIGINT NOT NULL,
    status TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX changes_in_order ON changes (xact, seq);

CREATE TABLE audit (
    id {identity},
    at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id UUID,
    object_name TEXT,
    request_id TEXT,
    reason TEXT,
    details JSONB
);
CREATE INDEX audit_by_owner ON audit (owner, id);
CREATE INDEX audit_by_object ON audit (object_id, id);

CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    username TEXT NOT NULL,
    scopes JSONB NOT NULL,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX tokens_by_hash ON tokens (hash);

CREATE TABLE idempotency (
    owner TEXT NOT NULL,
    project TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    ticket UUID NOT NULL,
    answer TEXT,
    answer_status BIGINT,
    reserved_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, project, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE dead_letters (
    id UUID PRIMARY KEY,
    owner TEXT NOT NULL,
    agent_id UUID,
    queue_id UUID,
    run_id UUID,
    attempt BIGINT,
    reason TEXT NOT NULL,
    raw TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX dead_letters_by_queue ON dead_letters (queue_id, at);
CREATE INDEX dead_letters_by_owner ON dead_letters (owner, at, id);
