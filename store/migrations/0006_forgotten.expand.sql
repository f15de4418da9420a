CREATE TABLE forgotten_runs (
    agent_id UUID NOT NULL,
    run_id UUID NOT NULL,
    PRIMARY KEY (agent_id, run_id)
);
