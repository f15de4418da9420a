//! Statements of agents' broker credentials.

use super::{Sql, statements};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT a.name AS agent, c.slot, c.generation, c.rabbitmq_hash, c.redis_hash, c.created_at, c.created_by ",
            "FROM agent_credentials c JOIN agents a ON a.id = c.agent_id ",
            $tail
        )
    };
}

statements! {
    ALL_CREDENTIALS = Sql::both(select!("ORDER BY a.name, c.generation"));
    OF_AGENT = Sql::both(select!("WHERE c.agent_id = $1 ORDER BY c.generation"));
    /// Locks the agent, too, so that no two generations are made at once.
    NEXT_GENERATION = Sql::both(
        "UPDATE agents SET credentials_made = credentials_made + 1 WHERE id = $1 RETURNING credentials_made",
    );
    UPSERT = Sql::both(
        "INSERT INTO agent_credentials (agent_id, slot, generation, rabbitmq_hash, redis_hash, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (agent_id, slot) DO UPDATE SET \
         generation = excluded.generation, rabbitmq_hash = excluded.rabbitmq_hash, \
         redis_hash = excluded.redis_hash, created_at = excluded.created_at, created_by = excluded.created_by",
    );
    DELETE = Sql::both("DELETE FROM agent_credentials WHERE agent_id = $1 AND generation = $2");
    DELETE_OF_AGENT = Sql::both("DELETE FROM agent_credentials WHERE agent_id = $1");
}
