//! Statements of idempotency keys.

use super::{Sql, statements};

statements! {
    RESERVE = Sql::both(
        "INSERT INTO idempotency (owner, project, key, body_hash, ticket, reserved_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (owner, project, key) DO NOTHING",
    );
    GET_LOCKED = Sql::pair(
        "SELECT body_hash, ticket, answer, answer_status, reserved_at, created_at FROM idempotency \
         WHERE owner = $1 AND project = $2 AND key = $3 FOR UPDATE",
        "SELECT body_hash, ticket, answer, answer_status, reserved_at, created_at FROM idempotency \
         WHERE owner = $1 AND project = $2 AND key = $3",
    );
    RENEW = Sql::both(
        "UPDATE idempotency SET body_hash = $4, ticket = $5, answer = NULL, answer_status = NULL, \
         reserved_at = $6, created_at = $7 WHERE owner = $1 AND project = $2 AND key = $3",
    );
    REMEMBER = Sql::both(
        "UPDATE idempotency SET answer = $5, answer_status = $6 \
         WHERE owner = $1 AND project = $2 AND key = $3 AND ticket = $4",
    );
    FORGET = Sql::both(
        "DELETE FROM idempotency WHERE owner = $1 AND project = $2 AND key = $3 AND ticket = $4 \
         AND answer IS NULL",
    );
}
