CREATE TABLE history (
    queue_id UUID NOT NULL,
    step_seconds BIGINT NOT NULL,
    at BIGINT NOT NULL,
    backlog BIGINT NOT NULL,
    in_flight BIGINT NOT NULL,
    admissible BIGINT NOT NULL,
    oldest_ms BIGINT NOT NULL,
    dead_letters BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    started BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (queue_id, step_seconds, at)
);
CREATE INDEX history_in_time ON history (step_seconds, at);

CREATE TABLE history_waits (
    queue_id UUID NOT NULL,
    step_seconds BIGINT NOT NULL,
    at BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    waits BIGINT NOT NULL,
    PRIMARY KEY (queue_id, step_seconds, at, bucket)
);
CREATE INDEX history_waits_in_time ON history_waits (step_seconds, at);

CREATE TABLE history_measured (
    step_seconds BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (step_seconds, at)
);

ALTER TABLE agent_replicas ADD COLUMN vitals JSONB;
ALTER TABLE agent_replicas ADD COLUMN clock_ahead_ms BIGINT;
