//! Statements of dead letters.

use super::{Sql, bulk_insert, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, owner, agent_id, queue_id, run_id, attempt, reason, raw, at FROM dead_letters WHERE ",
            $tail
        )
    };
}

statements! {
    INSERT = bulk_insert!("dead_letters", {
        id uuid, owner text, agent_id uuid, queue_id uuid, run_id uuid, attempt bigint, reason text, raw text,
        at bigint,
    }, "");
    LIST = Sql::both(select!(
        "owner = $1 AND (CAST($2 AS UUID) IS NULL OR queue_id = $2) \
         AND (CAST($3 AS BIGINT) IS NULL OR (at < $3 OR (at = $3 AND id < $4))) ORDER BY at DESC, id DESC LIMIT $5 OFFSET $6"
    ));
    BY_ID = Sql::both(select!("owner = $1 AND id = $2"));
    DROP = Sql::both("DELETE FROM dead_letters WHERE owner = $1 AND id = $2");
}
