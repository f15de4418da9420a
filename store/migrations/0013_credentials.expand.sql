CREATE TABLE agent_credentials (
    agent_id UUID NOT NULL,
    slot BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    rabbitmq_hash TEXT NOT NULL,
    redis_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (agent_id, slot)
);
ALTER TABLE agents ADD COLUMN credentials_made BIGINT NOT NULL DEFAULT 0;
