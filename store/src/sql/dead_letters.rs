//! Statements of dead letters. Those that were replayed are hidden: their rows stay for as long as their kind is kept,
//! so that what fails again is the same letter once more.

use super::{Sql, bulk_insert, statements};

/// Letters of the release before have no kind: those of runs were all poison.
macro_rules! kind {
    () => {
        "coalesce(d.kind, CASE WHEN d.run_id IS NULL THEN 'undecodable' ELSE 'poison' END)"
    };
}

macro_rules! select {
    ($body:literal, $tail:expr) => {
        concat!(
            "SELECT d.id, d.owner, d.agent_id, a.name AS agent_name, d.queue_id, q.name AS queue_name, d.run_id, ",
            "d.attempt, ",
            kind!(),
            " AS kind, d.reason, ",
            $body,
            ", d.cut, coalesce(d.first_at, d.at) AS first_at, d.at, d.times FROM dead_letters d ",
            "LEFT JOIN agents a ON a.id = d.agent_id LEFT JOIN queues q ON q.id = d.queue_id WHERE ",
            $tail
        )
    };
}

/// Those that a filter of seven arguments names: owner, kind, agent, queue, run, from and until (of the last time).
macro_rules! filtered {
    ($tail:literal) => {
        concat!(
            "d.owner = $1 AND d.replayed_at IS NULL AND (CAST($2 AS TEXT) IS NULL OR ",
            kind!(),
            " = $2) AND (CAST($3 AS UUID) IS NULL OR d.agent_id = $3) ",
            "AND (CAST($4 AS UUID) IS NULL OR d.queue_id = $4) AND (CAST($5 AS UUID) IS NULL OR d.run_id = $5) ",
            "AND (CAST($6 AS BIGINT) IS NULL OR d.at >= $6) AND (CAST($7 AS BIGINT) IS NULL OR d.at < $7) ",
            $tail
        )
    };
}

statements! {
    /// What was set aside before, by the same key, is set aside once more.
    INSERT = bulk_insert!("dead_letters", {
        id uuid, key text, owner text, kind text, agent_id uuid, queue_id uuid, run_id uuid, attempt bigint,
        reason text, raw text, envelope jsonb, cut boolean, first_at bigint, at bigint,
    }, "ON CONFLICT (key) DO UPDATE SET times = dead_letters.times + 1, at = excluded.at, \
        agent_id = excluded.agent_id, queue_id = excluded.queue_id, attempt = excluded.attempt, \
        reason = excluded.reason, replayed_at = NULL");
    LIST = Sql::both(select!("NULL AS raw, NULL AS envelope", filtered!(
        "AND (CAST($8 AS BIGINT) IS NULL OR (d.at < $8 OR (d.at = $8 AND d.id < $9))) \
         ORDER BY d.at DESC, d.id DESC LIMIT $10 OFFSET $11"
    )));
    /// The same by id, with what is needed to send them again.
    AFTER = Sql::both(select!("d.raw, d.envelope", filtered!("AND d.id > $8 ORDER BY d.id LIMIT $9")));
    COUNT = Sql::both(concat!(
        "SELECT count(*) AS n FROM dead_letters d WHERE ", filtered!("")
    ));
    BY_KIND = Sql::both(concat!(
        "SELECT ", kind!(), " AS kind, count(*) AS n, CAST(sum(d.times) AS BIGINT) AS times, \
         min(coalesce(d.first_at, d.at)) AS first_at, max(d.at) AS at FROM dead_letters d WHERE ",
        filtered!("GROUP BY 1 ORDER BY 2 DESC, 1")
    ));
    BY_ID = Sql::both(select!("d.raw, d.envelope", "d.owner = $1 AND d.id = $2 AND d.replayed_at IS NULL"));
    /// Not those that were set aside once more since they were read.
    REPLAYED = Sql::pair(
        "UPDATE dead_letters SET replayed_at = $2 FROM jsonb_to_recordset($1::jsonb) AS x(id uuid, times bigint) \
         WHERE dead_letters.id = x.id AND dead_letters.times = x.times AND replayed_at IS NULL \
         RETURNING dead_letters.id AS id",
        "UPDATE dead_letters SET replayed_at = $2 FROM json_each($1) AS x \
         WHERE dead_letters.id = unhex(json_extract(x.value, '$.id')) \
         AND dead_letters.times = json_extract(x.value, '$.times') AND replayed_at IS NULL \
         RETURNING dead_letters.id AS id",
    );
    DROP = Sql::pair(
        "DELETE FROM dead_letters WHERE replayed_at IS NULL AND id IN \
         (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) RETURNING id",
        "DELETE FROM dead_letters WHERE replayed_at IS NULL AND id IN \
         (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x) RETURNING id",
    );
}
