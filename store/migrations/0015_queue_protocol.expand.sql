ALTER TABLE queues ADD COLUMN protocol TEXT NOT NULL DEFAULT 'berth' CHECK (protocol IN ('berth', 'celery'));
ALTER TABLE queues ADD COLUMN answer_within_seconds BIGINT NOT NULL DEFAULT 86400;
