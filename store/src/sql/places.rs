//! Statements of where runs may go: room in queues, what projects are confined to, runs that have a choice.

use super::{Sql, statements};

/// How much of queues and their agents is used, how many wait in them, and the longest of these; counted up to 1,000.
macro_rules! rooms {
    ($ids:literal) => {
        concat!(
            "SELECT q.id, q.concurrency, a.concurrency AS agent_concurrency, ",
            "(SELECT count(*) FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = a.owner ",
            "AND r.queue_id = q.id LIMIT 1000) AS lately) AS waiting, ",
            "(SELECT min(lately.queued_at) FROM (SELECT r.queued_at FROM runs r WHERE r.status = 'queued' ",
            "AND r.owner = a.owner AND r.queue_id = q.id LIMIT 1000) AS lately) AS oldest, ",
            "CASE WHEN q.concurrency IS NOT NULL THEN (SELECT count(*) FROM runs r WHERE r.holds_slot ",
            "AND r.agent_id = a.id AND r.queue_id = q.id) END AS used, ",
            "CASE WHEN a.concurrency IS NOT NULL THEN (SELECT count(*) FROM runs r WHERE r.holds_slot ",
            "AND r.agent_id = a.id) END AS agent_used ",
            "FROM queues q JOIN agents a ON a.id = q.agent_id WHERE q.id IN ",
            $ids
        )
    };
}

/// Since when a run waits where it does.
macro_rules! since {
    () => {
        "(CASE WHEN r.moved_at > r.queued_at THEN r.moved_at ELSE r.queued_at END)"
    };
}

statements! {
    ROOMS = Sql::pair(
        rooms!("(SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))"),
        rooms!("(SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)"),
    );
    CONFINEMENTS = Sql::both(
        "SELECT id, confinement FROM projects WHERE owner = $1 AND NOT deleted AND confinement IS NOT NULL",
    );
    /// The queues in which runs wait that have a choice, one jump after the other; and those of agents that are lost
    /// in which such runs are offered.
    CHOOSING_QUEUES = Sql::both(concat!(
        "WITH RECURSIVE chosen(queue_id) AS (SELECT (SELECT r.queue_id FROM runs r WHERE r.status = 'queued' \
         AND r.routing IS NOT NULL ORDER BY r.queue_id, ", since!(), ", r.id LIMIT 1) UNION ALL \
         SELECT (SELECT r.queue_id FROM runs r WHERE r.status = 'queued' AND r.routing IS NOT NULL \
         AND r.queue_id > chosen.queue_id ORDER BY r.queue_id, ", since!(), ", r.id LIMIT 1) FROM chosen \
         WHERE chosen.queue_id IS NOT NULL) SELECT q.id, a.owner FROM chosen \
         JOIN queues q ON q.id = chosen.queue_id JOIN agents a ON a.id = q.agent_id UNION \
         SELECT q.id, a.owner FROM agents a JOIN queues q ON q.agent_id = a.id WHERE a.lost_at IS NOT NULL AND q.protocol = 'berth' \
         AND EXISTS (SELECT 1 FROM runs r WHERE r.agent_id = a.id AND r.routing IS NOT NULL \
         AND r.finished_at IS NULL AND r.status = 'scheduled' AND r.queue_id = q.id)"
    ));
    /// Runs of a queue that have a choice and wait there since `$2` or before, after the one of `$3` and `$4`.
    CHOOSING = Sql::both(concat!(
        "SELECT r.id, ", since!(), " AS since FROM runs r WHERE r.status = 'queued' AND r.routing IS NOT NULL \
         AND r.queue_id = $1 AND ", since!(), " <= $2 AND (", since!(), ", r.id) > ($3, $4) ORDER BY ", since!(),
        ", r.id LIMIT $5"
    ));
    /// Runs of an agent's queue that are offered, and have a choice.
    OFFERED_WITH_CHOICE = Sql::both(
        "SELECT r.id FROM runs r WHERE r.agent_id = $1 AND r.queue_id = $2 AND r.status = 'scheduled' \
         AND r.routing IS NOT NULL AND r.finished_at IS NULL AND NOT r.deleted ORDER BY r.id LIMIT $3",
    );
    ORGANIZATION = Sql::both("SELECT default_queue, routes, concurrency, limits FROM organizations WHERE owner = $1");
    ORGANIZATION_NEW = Sql::both(
        "INSERT INTO organizations (owner, updated_at) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING",
    );
    ORGANIZATION_LOCKED = Sql::pair(
        "SELECT default_queue, routes, concurrency, limits FROM organizations WHERE owner = $1 FOR UPDATE",
        "SELECT default_queue, routes, concurrency, limits FROM organizations WHERE owner = $1",
    );
    ORGANIZATION_SET = Sql::both(
        "UPDATE organizations SET default_queue = $2, routes = $3, concurrency = $4, limits = $5, updated_at = $6 WHERE owner = $1",
    );
}
