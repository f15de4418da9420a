//! Statements of the audit log.

use super::{Sql, bulk_insert, statements};

statements! {
    INSERT = bulk_insert!("audit", {
        at bigint, owner text, actor text, action text, object_kind text, object_id uuid, object_name text,
        request_id text, reason text, details jsonb,
    }, "");
    LIST = Sql::both(
        "SELECT id, at, owner, actor, action, object_kind, object_id, object_name, request_id, reason, details \
         FROM audit WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS UUID) IS NULL OR object_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR actor = $3) AND (CAST($4 AS TEXT) IS NULL OR action = $4) AND id < $5 \
         ORDER BY id DESC LIMIT $6 OFFSET $7",
    );
}
