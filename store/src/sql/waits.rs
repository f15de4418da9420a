//! Statements of what held lanes back, and for how long.

use super::{Sql, bulk_insert, statements};

statements! {
    OPEN = Sql::both(
        "SELECT id, queue_id, project_id, lane, hold FROM waits WHERE owner = $1 AND ended_at IS NULL",
    );
    BEGIN = bulk_insert!("waits", {
        owner text, queue_id uuid, project_id uuid, lane text, hold jsonb, since bigint,
    }, "");
    END = Sql::pair(
        "UPDATE waits SET ended_at = $2 \
         WHERE id IN (SELECT CAST(x.id AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS x(id))",
        "UPDATE waits SET ended_at = $2 WHERE id IN (SELECT x.value FROM json_each($1) AS x)",
    );
    /// What held a lane back between `$4` and `$5`, the latest first, up to `$6`.
    OF_LANE = Sql::both(
        "SELECT hold, since, ended_at FROM waits WHERE queue_id = $1 AND project_id = $2 AND lane = $3 \
         AND since < $5 AND (ended_at IS NULL OR ended_at > $4) ORDER BY since DESC LIMIT $6",
    );
}
