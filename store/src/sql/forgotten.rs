//! Statements of runs that agents have to forget.

use super::{Sql, statements};

statements! {
    /// Of runs that are about to go: those whose agents keep something of them.
    NOTE = Sql::pair(
        "INSERT INTO forgotten_runs (agent_id, run_id) SELECT a.id, r.id FROM runs r JOIN agents a ON a.id = r.agent_id \
         WHERE r.id IN (SELECT x.id FROM jsonb_to_recordset($1::jsonb) AS x(id uuid)) \
         AND a.features -> 'list' @> '[\"archive\"]'::jsonb ON CONFLICT DO NOTHING",
        "INSERT INTO forgotten_runs (agent_id, run_id) SELECT a.id, r.id FROM runs r JOIN agents a ON a.id = r.agent_id \
         WHERE r.id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($1) AS x) \
         AND EXISTS (SELECT 1 FROM json_each(a.features, '$.list') AS f WHERE f.value = 'archive') \
         ON CONFLICT DO NOTHING",
    );
    AGENTS = Sql::both("SELECT DISTINCT agent_id FROM forgotten_runs");
    OF_AGENT = Sql::both("SELECT run_id FROM forgotten_runs WHERE agent_id = $1 ORDER BY run_id LIMIT $2");
    DONE = Sql::pair(
        "DELETE FROM forgotten_runs WHERE agent_id = $1 \
         AND run_id IN (SELECT x.id FROM jsonb_to_recordset($2::jsonb) AS x(id uuid))",
        "DELETE FROM forgotten_runs WHERE agent_id = $1 \
         AND run_id IN (SELECT unhex(json_extract(x.value, '$.id')) FROM json_each($2) AS x)",
    );
    DELETE_OF_AGENT = Sql::both("DELETE FROM forgotten_runs WHERE agent_id = $1");
}
