CREATE TABLE celery_calls (
    id UUID PRIMARY KEY,
    account TEXT NOT NULL,
    task_id TEXT NOT NULL,
    reply_to TEXT,
    wants_result BOOLEAN NOT NULL,
    canvas JSONB NOT NULL,
    refusal JSONB,
    created_at BIGINT NOT NULL
);
CREATE INDEX celery_calls_refused ON celery_calls (created_at) WHERE refusal IS NOT NULL;
