//! Statements of the store's own notes, and of migrating.

use super::{Sql, statements};

statements! {
    PING = Sql::both("SELECT 1 AS one");
    GET = Sql::both("SELECT value FROM meta WHERE key = $1");
    /// Sets what is not set yet.
    INIT = Sql::both("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING");
    SET = Sql::both(
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    UNSET = Sql::both("DELETE FROM meta WHERE key = $1");
    SET_IF = Sql::both("UPDATE meta SET value = $3 WHERE key = $1 AND value = $2");
    MIGRATION_LOCK = Sql::pair(
        "SELECT pg_advisory_xact_lock(hashtext('berth migrate')) IS NOT NULL AS locked",
        "SELECT 1 AS locked",
    );
    MIGRATIONS = Sql::both("SELECT version, name, phase, checksum FROM schema_migrations ORDER BY version");
    MIGRATED = Sql::both(
        "INSERT INTO schema_migrations (version, name, phase, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
    );
}
