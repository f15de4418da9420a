//! Statements of lost agents, and of runs that can go elsewhere.

use super::{Sql, statements};

statements! {
    GRANTS = Sql::both(
        "SELECT id, name, owner, lease_granted_at FROM agents WHERE lease_granted_at IS NOT NULL ORDER BY id",
    );
    HAVE_REPLACEABLE = Sql::both("SELECT DISTINCT agent_id FROM runs WHERE replaceable AND agent_id IS NOT NULL");
    /// Nothing, if the agent was granted a lease meanwhile or it is known.
    NOTE = Sql::both(
        "UPDATE agents SET lost_at = coalesce(lost_at, $2), loss = $3 WHERE id = $1 AND lease_granted_at = $4 \
         AND (lost_at IS NULL OR loss <> $3)",
    );
    FOUND = Sql::both("UPDATE agents SET lost_at = NULL, loss = NULL WHERE id = $1");
    /// Runs of an agent that have a choice and don't wait for it: what may be replaced, and what nobody has claimed.
    TO_FAIL_OVER = Sql::both(
        "SELECT r.id FROM runs r JOIN queues q ON q.id = r.queue_id WHERE r.agent_id = $1 AND r.id > $2 \
         AND q.protocol = 'berth' AND r.routing IS NOT NULL AND r.finished_at IS NULL AND NOT r.deleted AND (r.replaceable OR \
         (r.status IN ('queued', 'scheduled') AND coalesce(r.on_agent_loss, q.on_agent_loss) = 'replace')) \
         ORDER BY r.id LIMIT $3",
    );
}
