ALTER TABLE runs ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN limits JSONB;
ALTER TABLE agents ADD COLUMN limits JSONB;
ALTER TABLE queues ADD COLUMN limits JSONB;
ALTER TABLE queues ADD COLUMN sharing JSONB;
CREATE INDEX runs_in_lanes ON runs (owner, queue_id, project_id, lane, priority DESC, queued_at, id) WHERE status = 'queued';
CREATE INDEX runs_holding ON runs (agent_id, queue_id, project_id, lane, offered) WHERE holds_slot;

CREATE TABLE organizations (
    owner TEXT PRIMARY KEY,
    concurrency BIGINT CHECK (concurrency >= 0),
    limits JSONB,
    updated_at BIGINT NOT NULL
);

CREATE TABLE fairness (
    queue_id UUID PRIMARY KEY,
    virtual_time BIGINT NOT NULL,
    shares JSONB NOT NULL
);

CREATE TABLE starts (
    level TEXT NOT NULL,
    at BIGINT NOT NULL,
    n BIGINT NOT NULL
);
CREATE INDEX starts_of_level ON starts (level, at);
