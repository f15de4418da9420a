CREATE TABLE waits (
    id {identity},
    owner TEXT NOT NULL,
    queue_id UUID NOT NULL,
    project_id UUID NOT NULL,
    lane TEXT NOT NULL,
    hold JSONB NOT NULL,
    since BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX waits_open ON waits (owner) WHERE ended_at IS NULL;
CREATE INDEX waits_of_lane ON waits (queue_id, project_id, lane, since);
CREATE INDEX waits_ended ON waits (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE runs ADD COLUMN pipeline JSONB;
