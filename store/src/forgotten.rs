//! Runs that are gone from the store and not yet from their agents' artifacts stores: noted with the deletion of their rows,
//! until the agent says that it has forgotten them too.

use berth_domain::id::{AgentId, RunId};

use crate::db::args;
use crate::runs::create::id_rows;
use crate::{Error, Store, sql};

impl Store {
    /// The agents that have something to forget.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn agents_with_forgotten(&self) -> Result<Vec<AgentId>, Error> {
        let rows = self.db.all(sql::forgotten::AGENTS, args![]).await?;
        rows.iter().map(|row| row.id("agent_id")).collect()
    }

    /// At most so many of the runs that an agent has to forget.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn forgotten_runs(&self, agent: AgentId, most: u32) -> Result<Vec<RunId>, Error> {
        let rows = self.db.all(sql::forgotten::OF_AGENT, args![agent, most]).await?;
        rows.iter().map(|row| row.id("run_id")).collect()
    }

    /// Notes that an agent has forgotten them.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn forgot_runs(&self, agent: AgentId, runs: &[RunId]) -> Result<(), Error> {
        let runs = id_rows(runs.iter().map(|run| run.uuid()))?;
        let mut tx = self.db.begin().await?;
        tx.run(sql::forgotten::DONE, args![agent, &runs]).await?;
        tx.commit().await
    }
}
