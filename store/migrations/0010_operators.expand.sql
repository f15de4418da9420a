ALTER TABLE dead_letters ADD COLUMN kind TEXT;
ALTER TABLE dead_letters ADD COLUMN key TEXT;
ALTER TABLE dead_letters ADD COLUMN envelope JSONB;
ALTER TABLE dead_letters ADD COLUMN cut BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE dead_letters ADD COLUMN first_at BIGINT;
ALTER TABLE dead_letters ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
ALTER TABLE dead_letters ADD COLUMN replayed_at BIGINT;
CREATE UNIQUE INDEX dead_letters_by_key ON dead_letters (key);
ALTER TABLE agents ADD COLUMN hold JSONB;
