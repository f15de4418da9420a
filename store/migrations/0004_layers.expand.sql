ALTER TABLE agents ADD COLUMN defaults JSONB;
ALTER TABLE agents ADD COLUMN can BIGINT NOT NULL DEFAULT -1;
ALTER TABLE queues ADD COLUMN defaults JSONB;
ALTER TABLE runs ADD COLUMN needs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN origins JSONB;

CREATE TABLE agent_nodes (
    agent_id UUID PRIMARY KEY,
    nodes JSONB NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE presets (
    id UUID PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    tags JSONB NOT NULL,
    content TEXT NOT NULL,
    username TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX presets_by_name ON presets (owner, name);
