//! Statements of agents and their replicas.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        select!("", $tail)
    };
    ($more:literal, $tail:literal) => {
        concat!(
            "SELECT id, owner, name, description, tags, labels, concurrency, cordoned, draining, is_default, ",
            "executor, identity, lease_until, lease_granted_at, last_seen, release_name, features, ",
            "handover_milli, create_grace_ms, reported, defaults, can, created_at, updated_at, ",
            "lost_at, loss, limits, hold",
            $more,
            " FROM agents WHERE ",
            $tail
        )
    };
}

statements! {
    INSERT = Sql::both(
        "INSERT INTO agents (id, owner, name, description, tags, labels, concurrency, is_default, features, \
         created_at, updated_at, defaults, limits) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    );
    BY_NAME = Sql::both(select!("owner = $1 AND name = $2"));
    BY_NAME_ANYWHERE = Sql::both(select!("name = $1"));
    BY_NAME_LOCKED =
        Sql::pair(select!("owner = $1 AND name = $2 FOR UPDATE"), select!("owner = $1 AND name = $2"));
    BY_ID = Sql::both(select!("id = $1"));
    /// With the store's epoch and the names of the agent's queues, so that a lease needs no round trip more. A name
    /// of a queue has no comma.
    BY_ID_FOR_LEASE = Sql::pair(
        select!(
            ", (SELECT value FROM meta WHERE key = 'epoch') AS epoch, \
             (SELECT string_agg(name, ',' ORDER BY name) FROM queues WHERE agent_id = $1 AND protocol = 'berth') AS queues",
            "id = $1 FOR NO KEY UPDATE"
        ),
        select!(
            ", (SELECT value FROM meta WHERE key = 'epoch') AS epoch, \
             (SELECT string_agg(name, ',' ORDER BY name) FROM queues WHERE agent_id = $1 AND protocol = 'berth') AS queues",
            "id = $1"
        )
    );
    BY_ID_LOCKED = Sql::pair(select!("id = $1 FOR NO KEY UPDATE"), select!("id = $1"));
    HELD_LOCKED =
        Sql::pair(select!("hold IS NOT NULL ORDER BY id FOR NO KEY UPDATE"), select!("hold IS NOT NULL ORDER BY id"));
    DEFAULT = Sql::both(select!("owner = $1 AND is_default"));
    ALL_AGENTS = Sql::both(select!("TRUE ORDER BY name"));
    OF_OWNER = Sql::both(select!("owner = $1 ORDER BY name"));
    LIST = Sql::both(select!(
        "owner = $1 AND (CAST($2 AS TEXT) IS NULL OR lower(name) LIKE CAST($2 AS TEXT) ESCAPE '!') AND (CAST($3 AS TEXT) IS NULL OR name > $3) \
         ORDER BY name LIMIT $4 OFFSET $5"
    ));
    COUNT = Sql::both(
        "SELECT count(*) AS n FROM agents WHERE owner = $1 AND (CAST($2 AS TEXT) IS NULL OR lower(name) LIKE CAST($2 AS TEXT) ESCAPE '!')",
    );
    /// What the agent's claims are judged by: its row once, or once for each of its queues that is paused.
    CLAIMANT = Sql::both(
        "SELECT a.id, a.name, a.lease_until, a.cordoned, a.draining, a.hold, a.create_grace_ms, a.features, q.id AS queue_id, \
         q.name AS queue_name, q.paused, q.on_agent_loss, (SELECT value FROM meta WHERE key = $2) AS restored \
         FROM agents a LEFT JOIN queues q ON q.agent_id = a.id \
         AND (q.paused IS NOT NULL OR q.on_agent_loss <> 'wait') WHERE a.id = $1",
    );
    UPDATE = Sql::both(
        "UPDATE agents SET description = $2, tags = $3, labels = $4, concurrency = $5, cordoned = $6, \
         draining = $7, is_default = $8, identity = $9, updated_at = $10, \
         defaults = $11, limits = $12, hold = $13 WHERE id = $1",
    );
    UNSET_DEFAULT = Sql::both("UPDATE agents SET is_default = FALSE WHERE owner = $1 AND is_default");
    GRANT = Sql::both(
        "UPDATE agents SET executor = $2, identity = $3, lease_until = $4, lease_granted_at = $10, \
         last_seen = $5, release_name = $6, features = $7, create_grace_ms = $8, \
         reported = coalesce($9, reported), can = $11, handover_milli = \
         coalesce((SELECT CAST(sum(handover_milli) AS BIGINT) FROM agent_replicas \
         WHERE agent_id = $1 AND lease_until > $5), 0) WHERE id = $1",
    );
    RECONCILED = Sql::both("UPDATE agents SET reconciled_epoch = $2 WHERE id = $1");
    /// Agents that were seen and have not told in an epoch what they hold.
    UNRECONCILED = Sql::both(
        "SELECT name FROM agents WHERE identity IS NOT NULL \
         AND (reconciled_epoch IS NULL OR reconciled_epoch <> $1) ORDER BY name",
    );
    HAS_UNFINISHED_RUNS = Sql::both(
        "SELECT EXISTS (SELECT 1 FROM runs WHERE queue_id IN (SELECT id FROM queues WHERE agent_id = $1) \
         AND finished_at IS NULL AND NOT deleted) AS found",
    );
    DELETE = Sql::both("DELETE FROM agents WHERE id = $1");
    DELETE_QUEUES = Sql::both("DELETE FROM queues WHERE agent_id = $1");
    DELETE_REPLICAS = Sql::both("DELETE FROM agent_replicas WHERE agent_id = $1");
    DELETE_NODES = Sql::both("DELETE FROM agent_nodes WHERE agent_id = $1");
    NODES = Sql::both("SELECT nodes, at FROM agent_nodes WHERE agent_id = $1");
    NODES_UPSERT = Sql::both(
        "INSERT INTO agent_nodes (agent_id, nodes, at) VALUES ($1, $2, $3) \
         ON CONFLICT (agent_id) DO UPDATE SET nodes = excluded.nodes, at = excluded.at",
    );
    REPLICA_UPSERT = Sql::both(
        "INSERT INTO agent_replicas (agent_id, name, lease_until, last_seen, release_name, executor, \
         handover_milli, live, held_offers, vitals, clock_ahead_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (agent_id, name) DO UPDATE SET lease_until = excluded.lease_until, \
         last_seen = excluded.last_seen, release_name = excluded.release_name, executor = excluded.executor, \
         handover_milli = excluded.handover_milli, live = excluded.live, held_offers = excluded.held_offers, \
         vitals = excluded.vitals, clock_ahead_ms = excluded.clock_ahead_ms",
    );
    REPLICAS = Sql::both(
        "SELECT agent_id, name, lease_until, last_seen, release_name, executor, handover_milli, live, \
         held_offers, vitals, clock_ahead_ms FROM agent_replicas WHERE agent_id = $1 ORDER BY name",
    );
    LIVE_REPLICAS = Sql::both(
        "SELECT agent_id, name, lease_until, last_seen, release_name, executor, handover_milli, live, \
         held_offers, vitals, clock_ahead_ms FROM agent_replicas WHERE lease_until > $1 ORDER BY agent_id, name",
    );
    REPLICA_DROP = Sql::both("DELETE FROM agent_replicas WHERE agent_id = $1 AND name = $2");
    LAPSED_REPLICAS_DROP =
        Sql::both("DELETE FROM agent_replicas WHERE agent_id = $1 AND lease_until < $2");
    LEASE_END = Sql::both(
        "UPDATE agents SET lease_until = (SELECT max(lease_until) FROM agent_replicas WHERE agent_id = $1) \
         WHERE id = $1",
    );
}
