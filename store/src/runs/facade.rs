//! What Celery's tools are told of runs: those at an agent, those that wait for their time, those that were stopped,
//! and what befell each since somebody looked.

use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::Condition;
use berth_domain::time::Time;

use super::create::id_rows;
use super::model::{Run, run};
use super::read::condition;
use crate::db::args;
use crate::{Error, Store, sql};

impl Store {
    /// The runs of these ids; those that are gone are left out.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn runs_by_id(&self, ids: &[RunId]) -> Result<Vec<Run>, Error> {
        let rows = self.db.all(sql::runs::BY_IDS, args![id_rows(ids.iter().map(|id| id.uuid()))?]).await?;
        rows.iter().map(run).collect()
    }

    /// The status histories of these runs, each oldest first. The number of a condition grows within its run.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn conditions_of(&self, ids: &[RunId]) -> Result<Vec<(RunId, i64, Condition)>, Error> {
        let ids = id_rows(ids.iter().map(|id| id.uuid()))?;
        let rows = self.db.all(sql::runs::CONDITIONS_OF, args![ids]).await?;
        rows.iter().map(|row| Ok((row.id("run_id")?, row.int("id")?, condition(row)?))).collect()
    }

    /// The highest number of a condition of any run, 0 if there is none. Those that come may have lower ones, if what
    /// writes them began earlier.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn latest_condition(&self) -> Result<i64, Error> {
        self.db.one(sql::runs::LATEST_CONDITION, args![]).await?.map_or(Ok(0), |row| row.int("id"))
    }

    /// How many of these runs each agent had.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn count_by_agent(&self, ids: &[RunId]) -> Result<Vec<(AgentId, u64)>, Error> {
        let ids = id_rows(ids.iter().map(|id| id.uuid()))?;
        let rows = self.db.all(sql::runs::COUNT_BY_AGENT, args![ids]).await?;
        rows.iter().map(|row| Ok((row.id("agent_id")?, row.count("n")?))).collect()
    }

    /// The runs that hold a slot at an agent, offered ones among them, at most `limit`.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn runs_at(&self, agent: AgentId, limit: u32) -> Result<Vec<Run>, Error> {
        self.db.all(sql::runs::AT_AGENT, args![agent, limit]).await?.iter().map(run).collect()
    }

    /// The runs for an agent that wait for their time, the next due first, at most `limit`.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn runs_due_at(&self, agent: AgentId, limit: u32) -> Result<Vec<Run>, Error> {
        self.db.all(sql::runs::DUE_AT_AGENT, args![agent, limit]).await?.iter().map(run).collect()
    }

    /// The runs that were stopped since then, the last first, at most `limit`.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn stopped_since(&self, since: Time, limit: u32) -> Result<Vec<RunId>, Error> {
        let rows = self.db.all(sql::runs::STOPPED_SINCE, args![since, limit]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
