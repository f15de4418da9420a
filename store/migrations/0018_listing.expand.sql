CREATE INDEX runs_newest ON runs (owner, created_at, id, deleted, live_state, status, queue_id, agent_id, project_id, priority, started_at, username, name);
CREATE INDEX runs_latest ON runs (owner, updated_at, id, deleted, live_state, status, queue_id, agent_id, project_id, created_at);
CREATE INDEX runs_ended ON runs (owner, (coalesce(finished_at, 0)), id, deleted, live_state, status, project_id);
CREATE INDEX runs_by_status ON runs (owner, status, created_at, id, deleted, live_state, queue_id, agent_id, project_id, updated_at, finished_at);
CREATE INDEX runs_of_agent ON runs (agent_id, queue_id, created_at, id, deleted, live_state, status, owner, project_id, updated_at);
CREATE INDEX runs_named ON runs (owner, name, created_at, id, deleted, live_state, status, project_id, updated_at);
CREATE INDEX runs_described ON runs (id) WHERE description IS NOT NULL;
