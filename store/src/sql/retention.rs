//! Statements of retention: what is old goes, in small batches.

use super::{Sql, statements};

statements! {
    OLD_RUNS = Sql::pair(
        "SELECT id FROM runs WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2 \
         FOR UPDATE SKIP LOCKED",
        "SELECT id FROM runs WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2",
    );
    DELETED_RUNS = Sql::pair(
        "SELECT id FROM runs WHERE deleted AND updated_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
        "SELECT id FROM runs WHERE deleted AND updated_at < $1 LIMIT $2",
    );
    RUNS_OF_DELETED_PROJECTS = Sql::pair(
        "SELECT r.id FROM projects p JOIN runs r ON r.owner = p.owner AND r.project_id = p.id WHERE p.deleted \
         LIMIT $1 FOR UPDATE OF r SKIP LOCKED",
        "SELECT r.id FROM projects p JOIN runs r ON r.owner = p.owner AND r.project_id = p.id WHERE p.deleted \
         LIMIT $1",
    );
    CONDITIONS_OF = Sql::pair(
        "DELETE FROM conditions WHERE run_id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "DELETE FROM conditions WHERE run_id IN \
         (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    RUNS = Sql::pair(
        "DELETE FROM runs WHERE id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "DELETE FROM runs WHERE id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    EMPTY_PROJECTS = Sql::both(
        "DELETE FROM projects WHERE deleted AND NOT EXISTS (SELECT 1 FROM runs r \
         WHERE r.owner = projects.owner AND r.project_id = projects.id)",
    );
    /// Of the first `$2` changes, those that are old: the whole feed is never read.
    CHANGES = Sql::both(
        "DELETE FROM changes WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM changes ORDER BY xact, seq \
         LIMIT $2) AS oldest WHERE at < $1) RETURNING xact, seq",
    );
    ALL_CHANGES = Sql::both("DELETE FROM changes");
    AUDIT = Sql::both(
        "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT $2) \
         AS oldest WHERE at < $1)",
    );
    IDEMPOTENCY = Sql::pair(
        "DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency WHERE created_at < $1 LIMIT $2)",
        "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < $1 LIMIT $2)",
    );
    WAITS = Sql::both(
        "DELETE FROM waits WHERE id IN (SELECT id FROM waits WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)",
    );
    DEAD_LETTERS = Sql::both(
        "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE at < $1 LIMIT $2)",
    );
}
