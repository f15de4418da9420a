//! Statements of queues.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT q.id, q.agent_id, a.name AS agent_name, a.owner, q.name, q.description, q.tags, q.priority, ",
            "q.concurrency, q.paused, q.on_agent_loss, q.defaults, q.limits, q.sharing, q.created_at, q.updated_at, ",
            "q.protocol, q.answer_within_seconds ",
            "FROM queues q JOIN agents a ON a.id = q.agent_id WHERE ",
            $tail
        )
    };
}

statements! {
    INSERT = Sql::both(
        "INSERT INTO queues (id, agent_id, name, description, tags, priority, concurrency, paused, \
         on_agent_loss, created_at, updated_at, defaults, limits, sharing, protocol, answer_within_seconds) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    );
    BY_NAME = Sql::both(select!("a.owner = $1 AND a.name = $2 AND q.name = $3"));
    BY_NAME_LOCKED = Sql::pair(
        select!("a.owner = $1 AND a.name = $2 AND q.name = $3 FOR UPDATE OF q"),
        select!("a.owner = $1 AND a.name = $2 AND q.name = $3"),
    );
    PAUSED_LOCKED = Sql::pair(
        select!("q.paused IS NOT NULL ORDER BY q.id FOR UPDATE OF q"),
        select!("q.paused IS NOT NULL ORDER BY q.id"),
    );
    /// The holds of queues and agents.
    HOLDS = Sql::both(
        "SELECT paused AS hold FROM queues WHERE paused IS NOT NULL \
         UNION ALL SELECT hold FROM agents WHERE hold IS NOT NULL",
    );
    BY_ID = Sql::both(select!("q.id = $1"));
    ALL_QUEUES = Sql::both(select!("TRUE"));
    OF_AGENT_LOCKED = Sql::pair(
        "SELECT id FROM queues WHERE agent_id = $1 ORDER BY id FOR UPDATE",
        "SELECT id FROM queues WHERE agent_id = $1 ORDER BY id",
    );
    OF_OWNER = Sql::both(select!("a.owner = $1 ORDER BY a.name, q.name"));
    LIST = Sql::both(select!(
        "a.owner = $1 AND (CAST($2 AS TEXT) IS NULL OR a.name = $2) AND (CAST($3 AS TEXT) IS NULL OR lower(q.name) LIKE CAST($3 AS TEXT) ESCAPE '!') \
         AND (CAST($4 AS TEXT) IS NULL OR a.name || '/' || q.name > $4) ORDER BY a.name || '/' || q.name LIMIT $5 OFFSET $6"
    ));
    COUNT = Sql::both(
        "SELECT count(*) AS n FROM queues q JOIN agents a ON a.id = q.agent_id WHERE a.owner = $1 \
         AND (CAST($2 AS TEXT) IS NULL OR a.name = $2) AND (CAST($3 AS TEXT) IS NULL OR lower(q.name) LIKE CAST($3 AS TEXT) ESCAPE '!')",
    );
    NAMES_OF_AGENT = Sql::both("SELECT id, name FROM queues WHERE agent_id = $1 ORDER BY name");
    ANSWER_TIMES = Sql::both(
        "SELECT id, answer_within_seconds FROM queues WHERE agent_id = $1 AND protocol = 'celery'",
    );
    UPDATE = Sql::both(
        "UPDATE queues SET description = $2, tags = $3, priority = $4, concurrency = $5, paused = $6, \
         on_agent_loss = $7, updated_at = $8, defaults = $9, limits = $10, sharing = $11, \
         protocol = $12, answer_within_seconds = $13 WHERE id = $1",
    );
    HAS_UNFINISHED_RUNS = Sql::both(
        "SELECT EXISTS (SELECT 1 FROM runs WHERE queue_id = $1 AND finished_at IS NULL \
         AND NOT deleted) AS found",
    );
    DELETE = Sql::both("DELETE FROM queues WHERE id = $1");
}
