//! Statements of choosing: who waits where, who holds slots, and the place of a run.
//!
//! A lane is the waiting runs of one queue and project that count alike towards every limit, which their `lane` tells.
//! Lanes are found by a loose index scan (a recursive query
//! that jumps from one to the next; see PostgreSQL's wiki, "Loose indexscan"), so their cost is that of the lanes
//! and not of the backlog. They are ordered by all columns of the index `runs_in_lanes`, so that no planner takes
//! another one, which would also hold what has ended.

use super::{Sql, statements};

/// The first waiting run, by lanes, of those that the condition leaves.
macro_rules! first_run {
    ($condition:literal) => {
        concat!(
            "(SELECT n.id FROM runs n WHERE n.status = 'queued' AND n.owner = $1",
            $condition,
            " ORDER BY n.queue_id, n.project_id, n.lane, n.priority DESC, n.queued_at, n.id LIMIT 1)"
        )
    };
}

/// The first run of each lane, one jump after the other. A jump is three, each past one column: SQLite would begin a
/// comparison of rows with all that equals them, which is the lane that is to be jumped over.
macro_rules! lanes {
    ($tail:literal) => {
        concat!(
            "WITH RECURSIVE lane(first) AS (SELECT ",
            first_run!(""),
            " UNION ALL SELECT coalesce(",
            first_run!(" AND n.queue_id = p.queue_id AND n.project_id = p.project_id AND n.lane > p.lane"),
            ", ",
            first_run!(" AND n.queue_id = p.queue_id AND n.project_id > p.project_id"),
            ", ",
            first_run!(" AND n.queue_id > p.queue_id"),
            ") FROM lane JOIN runs p ON p.id = lane.first) ",
            $tail
        )
    };
}

/// The numbers of the queues of the organization `$2`, or of all if it is null; `$object` is how the database makes an object of keys and values.
macro_rules! queue_stats {
    ($object:literal) => {
        concat!(
            "SELECT q.id, q.name, q.concurrency, q.paused, q.protocol, a.id AS agent_id, a.name AS agent_name, a.owner, \
         (SELECT ", $object, "(CAST(counted.priority AS TEXT), counted.n) FROM (SELECT waiting.priority, count(*) AS n FROM \
           (SELECT r.priority FROM runs r WHERE r.status = 'queued' AND r.owner = a.owner AND r.queue_id = q.id LIMIT $1) \
           AS waiting GROUP BY waiting.priority) AS counted) AS priorities, \
         (SELECT min(waiting.queued_at) FROM (SELECT r.queued_at FROM runs r WHERE r.status = 'queued' \
           AND r.owner = a.owner AND r.queue_id = q.id LIMIT $1) AS waiting) AS oldest, \
         (SELECT count(*) FROM runs r WHERE r.holds_slot AND r.agent_id = a.id AND r.queue_id = q.id \
           AND r.offered) AS offered, \
         (SELECT min(r.queued_at) FROM runs r WHERE r.offered AND r.agent_id = a.id AND r.queue_id = q.id) AS offered_oldest, \
         (SELECT count(*) FROM runs r WHERE r.holds_slot AND r.agent_id = a.id AND r.queue_id = q.id \
           AND NOT r.offered) AS in_flight, \
         (SELECT count(*) FROM dead_letters d WHERE d.queue_id = q.id AND d.replayed_at IS NULL) AS dead \
         FROM queues q JOIN agents a ON a.id = q.agent_id WHERE CAST($2 AS TEXT) IS NULL OR a.owner = $2 ORDER BY a.name, q.name"
        )
    };
}

statements! {
    TRY_LOCK = Sql::pair(
        "SELECT pg_try_advisory_xact_lock(hashtext('berth admission'), hashtext($1)) AS locked",
        "SELECT $1 IS NOT NULL AS locked",
    );
    OWNERS = Sql::both(
        "WITH RECURSIVE o(owner) AS (SELECT (SELECT r.owner FROM runs r WHERE r.status = 'queued' \
         ORDER BY r.owner, r.queue_id, r.project_id, r.lane, r.priority DESC, r.queued_at, r.id LIMIT 1) UNION ALL SELECT (SELECT r.owner FROM runs r WHERE r.status = 'queued' \
         AND r.owner > o.owner ORDER BY r.owner, r.queue_id, r.project_id, r.lane, r.priority DESC, r.queued_at, r.id LIMIT 1) FROM o WHERE o.owner IS NOT NULL) \
         SELECT owner FROM o WHERE owner IS NOT NULL",
    );
    /// The first `$2` runs of each lane that its agent can do. Those that it can't wait, and are passed over one by
    /// one: there are few, since most are refused when they are submitted. The comparison stands in a `CASE` so that
    /// PostgreSQL, which would take it to be true hardly ever, does not sort whole lanes instead of walking the index.
    HEADS = Sql::pair(
        lanes!(
            "SELECT p.queue_id, p.project_id, p.lane, h.id, h.priority, h.queued_at FROM lane \
             JOIN runs p ON p.id = lane.first JOIN agents a ON a.id = p.agent_id CROSS JOIN LATERAL (SELECT r.id, r.priority, r.queued_at FROM runs r \
             WHERE r.status = 'queued' AND r.owner = $1 AND r.queue_id = p.queue_id \
             AND r.project_id = p.project_id AND r.lane = p.lane AND CASE WHEN (r.needs & ~a.can) = 0 THEN TRUE ELSE FALSE END \
             ORDER BY r.priority DESC, r.queued_at, r.id LIMIT $2) AS h \
             ORDER BY p.queue_id, p.project_id, p.lane, h.priority DESC, h.queued_at, h.id"
        ),
        lanes!(
            "SELECT p.queue_id, p.project_id, p.lane, h.id, h.priority, h.queued_at FROM lane \
             JOIN runs p ON p.id = lane.first JOIN agents a ON a.id = p.agent_id JOIN runs h ON h.id IN (SELECT r.id FROM runs r \
             WHERE r.status = 'queued' AND r.owner = $1 AND r.queue_id = p.queue_id \
             AND r.project_id = p.project_id AND r.lane = p.lane AND CASE WHEN (r.needs & ~a.can) = 0 THEN TRUE ELSE FALSE END \
             ORDER BY r.priority DESC, r.queued_at, r.id LIMIT $2) \
             ORDER BY p.queue_id, p.project_id, p.lane, h.priority DESC, h.queued_at, h.id"
        ),
    );
    /// How many runs wait in each lane, each counted up to `$2`.
    COUNTS = Sql::both(lanes!(
        "SELECT p.queue_id, p.project_id, p.lane, (SELECT count(*) FROM (SELECT 1 AS one FROM runs r \
         WHERE r.status = 'queued' AND r.owner = $1 AND r.queue_id = p.queue_id AND r.project_id = p.project_id \
         AND r.lane = p.lane LIMIT $2) AS some_of_it) AS n FROM lane JOIN runs p ON p.id = lane.first"
    ));
    /// Who holds slots, and how many of them are offers.
    SLOTS = Sql::both(
        "SELECT r.agent_id, r.queue_id, r.project_id, r.lane, r.offered, count(*) AS n FROM agents a \
         JOIN runs r ON r.agent_id = a.id AND r.holds_slot WHERE a.owner = $1 \
         GROUP BY r.agent_id, r.queue_id, r.project_id, r.lane, r.offered",
    );
    /// Who holds slots at an agent, one by one.
    HOLDERS = Sql::both(
        "SELECT id, queue_id, project_id, lane, priority, dispatch FROM runs WHERE agent_id = $1 AND holds_slot",
    );
    PROJECTS = Sql::pair(
        "SELECT id, name, concurrency, limits, confinement FROM projects \
         WHERE id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "SELECT id, name, concurrency, limits, confinement FROM projects \
         WHERE id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    PIPELINES = Sql::pair(
        "SELECT id, name, pipeline FROM runs WHERE pipeline IS NOT NULL \
         AND id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "SELECT id, name, pipeline FROM runs WHERE pipeline IS NOT NULL \
         AND id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    ORGANIZATION = Sql::both("SELECT concurrency, limits FROM organizations WHERE owner = $1");
    /// How far the shares of the organization's queues have come, and how fast those start runs.
    FAIRNESS = Sql::both(
        "SELECT f.queue_id, f.virtual_time, f.shares, f.pace FROM fairness f JOIN queues q ON q.id = f.queue_id \
         JOIN agents a ON a.id = q.agent_id WHERE a.owner = $1",
    );
    FAIRNESS_SET = Sql::both(
        "INSERT INTO fairness (queue_id, virtual_time, shares, pace) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (queue_id) DO UPDATE SET virtual_time = excluded.virtual_time, shares = excluded.shares, pace = excluded.pace",
    );
    /// What started on a level since `$2`.
    STARTS = Sql::both(
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS started, min(at) AS oldest FROM starts WHERE level = $1 AND at > $2",
    );
    STARTED = Sql::both("INSERT INTO starts (level, at, n) VALUES ($1, $2, $3)");
    STARTS_FORGET = Sql::both("DELETE FROM starts WHERE level = $1 AND at <= $2");
    /// The lanes of the queue, each with how many others of its runs wait than one, have a larger priority, have the same,
    /// and have the same and are older; each counted up to `$6`.
    PLACE = Sql::both(lanes!(
        "SELECT p.project_id, p.lane, j.name AS project, q.sharing, \
         (SELECT count(*) FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = $1 \
           AND r.queue_id = p.queue_id AND r.project_id = p.project_id AND r.lane = p.lane AND r.id <> $5 LIMIT $6) AS any_of_it) AS others, \
         (SELECT count(*) FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = $1 \
           AND r.queue_id = p.queue_id AND r.project_id = p.project_id AND r.lane = p.lane AND r.priority > $3 LIMIT $6) AS higher_ones) AS higher, \
         (SELECT count(*) FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = $1 \
           AND r.queue_id = p.queue_id AND r.project_id = p.project_id AND r.lane = p.lane AND r.priority = $3 \
           AND r.id <> $5 LIMIT $6) AS equal_ones) AS equal, \
         (SELECT count(*) FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = $1 \
           AND r.queue_id = p.queue_id AND r.project_id = p.project_id AND r.lane = p.lane AND r.priority = $3 \
           AND (r.queued_at, r.id) < ($4, $5) LIMIT $6) AS older_ones) AS older \
         FROM lane JOIN runs p ON p.id = lane.first JOIN projects j ON j.id = p.project_id \
         JOIN queues q ON q.id = p.queue_id WHERE p.queue_id = $2"
    ));
    /// Counts per queue, each up to `$1`.
    QUEUE_STATS = Sql::pair(queue_stats!("jsonb_object_agg"), queue_stats!("json_group_object"));
}
