//! Statements of what may be wrong with queues.

use super::{Sql, statements};

statements! {
    /// By queue: since when publishing an admitted attempt fails, how many on offer were claimed in vain more than `$1` times,
    /// and how many dead letters came after `$2`.
    TROUBLES = Sql::both(
        "SELECT q.id AS queue_id, \
         (SELECT min(r.dispatch->'offered'->>'failing_since') FROM runs r WHERE r.offered AND r.agent_id = a.id AND r.queue_id = q.id \
           AND r.offered_at = 0) AS unpublished_since, \
         (SELECT count(*) FROM runs r WHERE r.offered AND r.agent_id = a.id AND r.queue_id = q.id \
           AND CAST(r.dispatch->>'lost_claims' AS BIGINT) > $1) AS lost_claims, \
         (SELECT count(*) FROM dead_letters d WHERE d.queue_id = q.id AND d.at > $2 AND d.replayed_at IS NULL) AS dead \
         FROM queues q JOIN agents a ON a.id = q.agent_id",
    );
    /// Runs that agents are starting or stopping, and of which nothing was heard since `$1`.
    STUCK = Sql::both(
        "SELECT queue_id, count(*) AS stuck, min(updated_at) AS since FROM runs \
         WHERE holds_slot AND NOT offered AND queue_id IS NOT NULL AND status IN ('starting', 'stopping') \
         AND updated_at < $1 GROUP BY queue_id",
    );
    /// What has held lanes back since before `$1`, the oldest first, up to `$2`.
    HELD = Sql::both(
        "SELECT queue_id, hold, since FROM waits WHERE ended_at IS NULL AND since < $1 ORDER BY since LIMIT $2",
    );
}
