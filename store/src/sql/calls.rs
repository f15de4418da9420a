//! Statements of the calls of Celery's producers.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, c.account, c.task_id, c.reply_to, c.wants_result, c.canvas, c.refusal, c.created_at ",
            "FROM celery_calls c ",
            $tail
        )
    };
}

statements! {
    ADD = Sql::both(
        "INSERT INTO celery_calls (id, account, task_id, reply_to, wants_result, canvas, refusal, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET refusal = excluded.refusal",
    );
    OF_RUNS = Sql::pair(
        select!("WHERE c.id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))"),
        select!("WHERE c.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)"),
    );
    REFUSED = Sql::both(select!("WHERE c.refusal IS NOT NULL ORDER BY c.created_at LIMIT $1"));
    OVERDUE = Sql::both(select!(
        "LEFT JOIN runs r ON r.id = c.id WHERE r.finished_at IS NOT NULL \
         OR ((r.id IS NULL OR r.deleted) AND c.created_at < $1) ORDER BY c.created_at LIMIT $2"
    ));
    END = Sql::pair(
        "DELETE FROM celery_calls WHERE id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "DELETE FROM celery_calls WHERE id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
}
