//! Statements of the scheduler's overviews. All read the partial index of runs that hold a slot.

use super::{Sql, statements};

statements! {
    OUTSTANDING = Sql::both(
        "SELECT r.queue_id, q.name AS queue_name, r.agent_id, a.name AS agent_name, count(*) AS offers, \
         count(r.dispatch->'offered'->>'failing_since') AS failing \
         FROM runs r JOIN queues q ON q.id = r.queue_id JOIN agents a ON a.id = r.agent_id \
         WHERE r.offered GROUP BY r.queue_id, q.name, r.agent_id, a.name",
    );
    STOPPING = Sql::both(
        "SELECT id, attempt, agent_id, dispatch FROM runs \
         WHERE holds_slot AND NOT offered AND status = 'stopping' AND agent_id IS NOT NULL",
    );
}
