//! Statements of projects.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, owner, name, description, tags, is_public, readme, concurrency, default_queue, limits, confinement, ",
            "created_at, updated_at FROM projects WHERE NOT deleted AND ",
            $tail
        )
    };
}

statements! {
    INSERT = Sql::both(
        "INSERT INTO projects (id, owner, name, description, tags, is_public, readme, concurrency, \
         default_queue, created_at, updated_at, limits, confinement) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    );
    BY_NAME = Sql::both(select!("owner = $1 AND name = $2"));
    BY_NAME_LOCKED = Sql::pair(
        select!("owner = $1 AND name = $2 FOR UPDATE"),
        select!("owner = $1 AND name = $2"),
    );
    LIST = Sql::both(select!(
        "owner = $1 AND (CAST($2 AS TEXT) IS NULL OR lower(name) LIKE CAST($2 AS TEXT) ESCAPE '!') \
         AND (CAST($3 AS BIGINT) IS NULL OR (updated_at < $3 OR (updated_at = $3 AND id < $4))) \
         ORDER BY updated_at DESC, id DESC LIMIT $5 OFFSET $6"
    ));
    COUNT = Sql::both(
        "SELECT count(*) AS n FROM (SELECT 1 AS one FROM projects WHERE NOT deleted AND owner = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR lower(name) LIKE CAST($2 AS TEXT) ESCAPE '!') LIMIT 10000) AS counted",
    );
    UPDATE = Sql::both(
        "UPDATE projects SET name = $2, description = $3, tags = $4, is_public = $5, readme = $6, \
         concurrency = $7, default_queue = $8, updated_at = $9, limits = $10, confinement = $11 WHERE id = $1",
    );
    HAS_UNFINISHED_RUNS = Sql::both(
        "SELECT EXISTS (SELECT 1 FROM runs WHERE owner = $1 AND project_id = $2 AND finished_at IS NULL \
         AND NOT deleted) AS found",
    );
    DELETE = Sql::both("UPDATE projects SET deleted = TRUE, updated_at = $2 WHERE id = $1");
}
