ALTER TABLE projects ADD COLUMN confinement JSONB;
ALTER TABLE organizations ADD COLUMN default_queue TEXT;
ALTER TABLE organizations ADD COLUMN routes JSONB;
ALTER TABLE runs ADD COLUMN moved_at BIGINT;
ALTER TABLE runs ADD COLUMN left_queues JSONB;
CREATE INDEX runs_choosing ON runs (queue_id, (CASE WHEN moved_at > queued_at THEN moved_at ELSE queued_at END), id) WHERE status = 'queued' AND routing IS NOT NULL;
