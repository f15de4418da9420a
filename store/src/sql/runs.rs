//! Statements of runs and their conditions. The listing of runs is in [`super::listing`], choosing in
//! [`super::lanes`].

use super::{Sql, bulk_insert, bulk_update, statements};

/// What is read of a run, with the names of where it belongs.
macro_rules! columns {
    () => {
        concat!(
            "SELECT r.id, r.owner, r.project_id, p.name AS project_name, r.queue_id, q.name AS queue_name, ",
            "r.agent_id, a.name AS agent_name, r.name, r.description, r.readme, r.tags, r.kind, r.runtime, ",
            "r.priority, r.dispatch, r.spec_hash, r.timeout_ms, r.inputs, r.outputs, r.meta_info, r.resources, ",
            "r.managed_by, r.pending, r.original_id, r.cloning_kind, r.username, r.namespace, r.live_state, ",
            "r.needs, r.lane, r.trace, r.version, r.created_at, r.updated_at, r.schedule_at, r.started_at, r.finished_at "
        )
    };
}
pub(super) use columns;

/// Where those names are.
macro_rules! names {
    () => {
        "JOIN projects p ON p.id = r.project_id AND NOT p.deleted \
         LEFT JOIN queues q ON q.id = r.queue_id LEFT JOIN agents a ON a.id = r.agent_id "
    };
}
pub(super) use names;

macro_rules! select {
    ($tail:literal) => {
        concat!(columns!(), "FROM runs r ", names!(), "WHERE NOT r.deleted AND ", $tail)
    };
}
pub(super) use select;

macro_rules! head {
    ($tail:literal) => {
        concat!(
            "SELECT id, owner, project_id, queue_id, agent_id, name, priority, spec_hash, pending, version, ",
            "on_agent_loss, routing, needs, moved_at, left_queues, trace, dispatch FROM runs WHERE ",
            $tail
        )
    };
}

/// Admitted attempts, with all that their offers say.
macro_rules! offered {
    ($tail:literal) => {
        concat!(
            "SELECT r.id, r.owner, p.name AS project_name, r.agent_id, a.name AS agent_name, r.queue_id, ",
            "q.name AS queue_name, r.name, r.kind, r.priority, r.attempt, r.dispatch, r.content, r.spec_hash, ",
            "r.timeout_ms, r.username, r.created_at, r.needs, r.trace, q.protocol, q.answer_within_seconds FROM runs r ",
            "JOIN projects p ON p.id = r.project_id JOIN queues q ON q.id = r.queue_id ",
            "JOIN agents a ON a.id = r.agent_id WHERE r.offered AND ",
            $tail
        )
    };
}

statements! {
    /// Runs whose id is taken are left out, and not returned.
    INSERT = bulk_insert!("runs", {
        id uuid, owner text, project_id uuid, queue_id uuid, agent_id uuid, name text, description text,
        readme text, tags jsonb, kind text, runtime text, priority bigint, status text, attempt bigint,
        holds_slot boolean, offered boolean, offered_at bigint, queued_at bigint, wake_at bigint,
        dispatch jsonb, spec_hash text, timeout_ms bigint, inputs jsonb, outputs jsonb, meta_info jsonb,
        resources jsonb, managed_by text, pending text, original_id uuid, cloning_kind text, username text,
        namespace text, live_state bigint, deleted boolean, version bigint, created_at bigint,
        updated_at bigint, schedule_at bigint, started_at bigint, finished_at bigint, raw_content text,
        content text, needs bigint, lane text, origins jsonb, routing jsonb, on_agent_loss text, replaceable boolean,
        pipeline jsonb, trace text,
    }, "ON CONFLICT (id) DO NOTHING RETURNING id");
    /// Projects and queues that the runs of a batch name; the queues stay until it commits.
    LOCK_QUEUES = Sql::pair(
        "SELECT q.id, q.name, q.sharing, q.paused, a.name AS agent_name, a.hold FROM queues q \
         JOIN agents a ON a.id = q.agent_id \
         WHERE q.id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) ORDER BY q.id FOR KEY SHARE OF q",
        "SELECT q.id, q.name, q.sharing, q.paused, a.name AS agent_name, a.hold FROM queues q \
         JOIN agents a ON a.id = q.agent_id \
         WHERE q.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    LIVE_PROJECTS = Sql::pair(
        "SELECT id FROM projects WHERE NOT deleted AND id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) \
         ORDER BY id FOR KEY SHARE",
        "SELECT id FROM projects WHERE NOT deleted AND id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    /// How many runs wait in a queue, counted up to `$3`.
    BACKLOG = Sql::both(
        "SELECT count(*) AS n FROM (SELECT 1 AS one FROM runs r WHERE r.status = 'queued' AND r.owner = $1 \
         AND r.queue_id = $2 LIMIT $3) AS waiting",
    );
    BY_ID = Sql::both(select!("r.id = $1"));
    BY_IDS = Sql::pair(
        select!("r.id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))"),
        select!("r.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)"),
    );
    COUNT_BY_AGENT = Sql::pair(
        "SELECT agent_id, count(*) AS n FROM runs WHERE agent_id IS NOT NULL AND \
         id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) GROUP BY agent_id",
        "SELECT agent_id, count(*) AS n FROM runs WHERE agent_id IS NOT NULL AND \
         id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x) GROUP BY agent_id",
    );
    AT_AGENT = Sql::both(select!("r.holds_slot AND r.agent_id = $1 LIMIT $2"));
    DUE_AT_AGENT = Sql::both(select!(
        "r.wake_at IS NOT NULL AND r.agent_id = $1 AND r.status IN ('on_schedule', 'retrying') ORDER BY r.wake_at LIMIT $2"
    ));
    STOPPED_SINCE = Sql::both(
        "SELECT id FROM runs WHERE finished_at IS NOT NULL AND finished_at > $1 AND status = 'stopped' \
         ORDER BY finished_at DESC LIMIT $2",
    );
    /// Whether the description of any run of an owner, or of anybody's where none is named, has a text in it.
    ANY_DESCRIBED = Sql::pair(
        "SELECT 1 AS one FROM runs WHERE description IS NOT NULL AND ($2::text IS NULL OR owner = $2) \
         AND lower(description COLLATE \"C\") LIKE $1 ESCAPE '!' LIMIT 1",
        "SELECT 1 AS one FROM runs WHERE description IS NOT NULL AND ($2 IS NULL OR owner = $2) \
         AND description LIKE $1 ESCAPE '!' LIMIT 1",
    );
    /// The names of an owner's runs that are like `$2`, each once: the index is asked for the next name after each, `$3` times at
    /// most. The last row has no name if that were all of them.
    NAMES_LIKE = Sql::pair(
        "WITH RECURSIVE each (name, at) AS (SELECT \
         (SELECT r.name FROM runs r WHERE r.owner = $1 AND r.name IS NOT NULL ORDER BY r.name LIMIT 1), 1::bigint \
         UNION ALL SELECT \
         (SELECT r.name FROM runs r WHERE r.owner = $1 AND r.name > each.name ORDER BY r.name LIMIT 1), each.at + 1 \
         FROM each WHERE each.name IS NOT NULL AND each.at <= $3::bigint) \
         SELECT name FROM each WHERE name IS NULL OR lower(name COLLATE \"C\") LIKE $2 ESCAPE '!' ORDER BY at",
        "WITH RECURSIVE each (name, at) AS (SELECT \
         (SELECT r.name FROM runs r WHERE r.owner = $1 AND r.name IS NOT NULL ORDER BY r.name LIMIT 1), 1 \
         UNION ALL SELECT \
         (SELECT r.name FROM runs r WHERE r.owner = $1 AND r.name > each.name ORDER BY r.name LIMIT 1), each.at + 1 \
         FROM each WHERE each.name IS NOT NULL AND each.at <= $3) \
         SELECT name FROM each WHERE name IS NULL OR name LIKE $2 ESCAPE '!' ORDER BY at",
    );
    CONTENT = Sql::both("SELECT raw_content, content, origins FROM runs WHERE id = $1 AND NOT deleted");
    HEAD = Sql::both(head!("id = $1 AND NOT deleted"));
    /// In the order of ids, so that two batches never wait for each other in a circle.
    HEADS_LOCKED = Sql::pair(
        head!("id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) AND NOT deleted ORDER BY id FOR NO KEY UPDATE"),
        head!("id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x) AND NOT deleted ORDER BY id"),
    );
    UPDATE_STATE = bulk_update!("runs", {
        status text, attempt bigint, holds_slot boolean, offered boolean, offered_at bigint, queued_at bigint,
        wake_at bigint, dispatch jsonb, started_at bigint, finished_at bigint, updated_at bigint, version bigint,
        replaceable boolean,
    });
    FOR_EDIT = Sql::pair(
        "SELECT owner, project_id, name, description, readme, tags, inputs, outputs, meta_info, pending, status, \
         version FROM runs WHERE id = $1 AND NOT deleted FOR NO KEY UPDATE",
        "SELECT owner, project_id, name, description, readme, tags, inputs, outputs, meta_info, pending, status, \
         version FROM runs WHERE id = $1 AND NOT deleted",
    );
    EDIT = Sql::both(
        "UPDATE runs SET name = $2, description = $3, readme = $4, tags = $5, inputs = $6, outputs = $7, \
         meta_info = $8, pending = $9, updated_at = $10, version = $11 WHERE id = $1",
    );
    SET_LIVE_STATE = Sql::both(
        "UPDATE runs SET live_state = $2, deleted = $3, updated_at = $4, version = version + 1 WHERE id = $1",
    );
    MOVE = bulk_update!("runs", {
        queue_id uuid, agent_id uuid, lane text, moved_at bigint, left_queues jsonb,
    });
    LANES = Sql::pair(
        "SELECT id, lane FROM runs WHERE id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "SELECT id, lane FROM runs WHERE id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    CONTENTS = Sql::pair(
        "SELECT id, content FROM runs WHERE id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))",
        "SELECT id, content FROM runs WHERE id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)",
    );
    PRIORITIZE = bulk_update!("runs", { priority bigint });
    RECOMPILE = bulk_update!("runs", {
        content text, spec_hash text, timeout_ms bigint, resources jsonb, origins jsonb, needs bigint, lane text,
    });
    PUT_OUT = bulk_update!("runs", { outputs jsonb });
    CONDITIONS_INSERT = bulk_insert!("conditions", {
        run_id uuid, status text, reason text, message text, attempt bigint, at bigint,
    }, "");
    CONDITIONS = Sql::both(
        "SELECT status, reason, message, attempt, at FROM conditions WHERE run_id = $1 ORDER BY id",
    );
    CONDITIONS_OF = Sql::pair(
        "SELECT run_id, id, status, reason, message, attempt, at FROM conditions \
         WHERE run_id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) ORDER BY run_id, id",
        "SELECT run_id, id, status, reason, message, attempt, at FROM conditions \
         WHERE run_id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x) ORDER BY run_id, id",
    );
    LATEST_CONDITION = Sql::both("SELECT coalesce(max(id), 0) AS id FROM conditions");
    /// Due runs by time; `finished` ones have no time.
    DUE = Sql::both(
        "SELECT id, owner, agent_id, queue_id, wake_at, dispatch FROM runs \
         WHERE wake_at IS NOT NULL AND wake_at <= $1 AND NOT deleted ORDER BY wake_at LIMIT $2",
    );
    OFFERED = Sql::both(
        offered!("r.agent_id = $1 AND r.queue_id = $2 AND r.offered_at <= $3 \
         ORDER BY r.offered_at LIMIT $4"),
    );
    /// The same for runs by id.
    OFFERED_BY_ID = Sql::pair(
        offered!("r.id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid))"),
        offered!("r.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x)"),
    );
    LIVE_ATTEMPTS = Sql::both(
        "SELECT id, attempt, status, dispatch FROM runs WHERE agent_id = $1 AND holds_slot AND NOT offered \
         ORDER BY queue_id, project_id",
    );
}
