ALTER TABLE agents ADD COLUMN lost_at BIGINT;
ALTER TABLE agents ADD COLUMN loss TEXT;
ALTER TABLE runs ADD COLUMN routing JSONB;
ALTER TABLE runs ADD COLUMN on_agent_loss TEXT CHECK (on_agent_loss IN ('wait', 'replace'));
ALTER TABLE runs ADD COLUMN replaceable BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX runs_routed ON runs (agent_id, id) WHERE routing IS NOT NULL AND finished_at IS NULL;
CREATE INDEX runs_replaceable ON runs (agent_id) WHERE replaceable;
