//! Statements of the audit log.

use super::{Sql, bulk_insert, statements};

statements! {
    INSERT = bulk_insert!("audit", {
        at bigint, owner text, actor text, action text, object_kind text, object_id uuid, object_name text,
        request_id text, reason text, details jsonb,
    }, "");
    LIST = Sql::both(
        "SELECT id, at, owner, actor, action, object_kind, object_id, object_name, request_id, reason, details \
         FROM audit WHERE ($1 IS NULL OR owner = $1) AND ($2 IS NULL OR object_id = $2) \
         AND ($3 IS NULL OR actor = $3) AND ($4 IS NULL OR action = $4) AND id < $5 \
         ORDER BY id DESC LIMIT $6 OFFSET $7",
    );
}
