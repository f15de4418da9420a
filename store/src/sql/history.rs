//! Statements of the history of queues.

use super::{Sql, bulk_insert, statements};

/// Keeps the larger of what is there and what comes.
macro_rules! larger {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN excluded.",
            $column,
            " > history.",
            $column,
            " THEN excluded.",
            $column,
            " ELSE history.",
            $column,
            " END"
        )
    };
}

/// The numbers of several rows of `h` as one.
macro_rules! summed {
    () => {
        "CAST(sum(h.backlog) AS BIGINT) AS backlog, CAST(sum(h.in_flight) AS BIGINT) AS in_flight, \
         CAST(sum(h.admissible) AS BIGINT) AS admissible, max(h.oldest_ms) AS oldest_ms, \
         CAST(sum(h.dead_letters) AS BIGINT) AS dead_letters, CAST(sum(h.submitted) AS BIGINT) AS submitted, \
         CAST(sum(h.started) AS BIGINT) AS started, CAST(sum(h.finished) AS BIGINT) AS finished, \
         CAST(sum(h.failed) AS BIGINT) AS failed"
    };
}

/// Rows of `h` that are of an organization's queues.
macro_rules! of_owner {
    () => {
        " JOIN queues q ON q.id = h.queue_id JOIN agents a ON a.id = q.agent_id WHERE a.owner = $1"
    };
}

statements! {
    ADD = bulk_insert!("history", {
        queue_id uuid, step_seconds bigint, at bigint, backlog bigint, in_flight bigint, admissible bigint,
        oldest_ms bigint, dead_letters bigint, submitted bigint, started bigint, finished bigint, failed bigint,
    }, concat!(
        "ON CONFLICT (queue_id, step_seconds, at) DO UPDATE SET ",
        larger!("backlog"), ", ", larger!("in_flight"), ", ", larger!("admissible"), ", ", larger!("oldest_ms"), ", ",
        larger!("dead_letters"), ", submitted = history.submitted + excluded.submitted, \
         started = history.started + excluded.started, finished = history.finished + excluded.finished, \
         failed = history.failed + excluded.failed"
    ));
    ADD_WAITS = bulk_insert!("history_waits", {
        queue_id uuid, step_seconds bigint, at bigint, bucket bigint, waits bigint,
    }, "ON CONFLICT (queue_id, step_seconds, at, bucket) DO UPDATE SET waits = history_waits.waits + excluded.waits");
    MEASURED = bulk_insert!("history_measured", { step_seconds bigint, at bigint }, "ON CONFLICT DO NOTHING");
    /// The steps since `$2` that somebody measured: what a queue has no row of, it was idle in.
    STEPS = Sql::both("SELECT at FROM history_measured WHERE step_seconds = $1 AND at >= $2 ORDER BY at");
    OF_QUEUE = Sql::both(concat!(
        "SELECT h.at, ", summed!(), " FROM history h WHERE h.queue_id = $1 AND h.step_seconds = $2 AND h.at >= $3 \
         GROUP BY h.at ORDER BY h.at"
    ));
    WAITS_OF_QUEUE = Sql::both(
        "SELECT h.at, h.bucket, h.waits FROM history_waits h WHERE h.queue_id = $1 AND h.step_seconds = $2 AND h.at >= $3",
    );
    OF_OWNER = Sql::both(concat!(
        "SELECT h.at, ", summed!(), " FROM history h", of_owner!(),
        " AND h.step_seconds = $2 AND h.at >= $3 GROUP BY h.at ORDER BY h.at"
    ));
    WAITS_OF_OWNER = Sql::both(concat!(
        "SELECT h.at, h.bucket, CAST(sum(h.waits) AS BIGINT) AS waits FROM history_waits h", of_owner!(),
        " AND h.step_seconds = $2 AND h.at >= $3 GROUP BY h.at, h.bucket"
    ));
    /// What happened in each queue of an organization since `$3`.
    RECENT = Sql::both(concat!(
        "SELECT h.queue_id, ", summed!(), " FROM history h", of_owner!(),
        " AND h.step_seconds = $2 AND h.at >= $3 GROUP BY h.queue_id"
    ));
    RECENT_WAITS = Sql::both(concat!(
        "SELECT h.queue_id, h.bucket, CAST(sum(h.waits) AS BIGINT) AS waits FROM history_waits h", of_owner!(),
        " AND h.step_seconds = $2 AND h.at >= $3 GROUP BY h.queue_id, h.bucket"
    ));
    BACKLOGS = Sql::both(concat!(
        "SELECT h.queue_id, h.at, h.backlog FROM history h", of_owner!(), " AND h.step_seconds = $2 AND h.at >= $3"
    ));
    FORGET = Sql::both("DELETE FROM history WHERE step_seconds = $1 AND at < $2");
    FORGET_WAITS = Sql::both("DELETE FROM history_waits WHERE step_seconds = $1 AND at < $2");
    FORGET_STEPS = Sql::both("DELETE FROM history_measured WHERE step_seconds = $1 AND at < $2");
}
