//! Statements of access tokens.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, name, owner, username, scopes, created_at, expires_at, revoked_at, last_used_at ",
            "FROM tokens WHERE ",
            $tail
        )
    };
}

statements! {
    INSERT = Sql::both(
        "INSERT INTO tokens (id, name, owner, username, scopes, hash, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    BY_HASH = Sql::both(select!(
        "hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
    ));
    LIST = Sql::both(select!("owner = $1 ORDER BY created_at, id"));
    BY_ID_LOCKED = Sql::pair(select!("owner = $1 AND id = $2 FOR UPDATE"), select!("owner = $1 AND id = $2"));
    REVOKE = Sql::both("UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1");
    USED = Sql::both(
        "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)",
    );
}
