//! Reading one run.

use berth_domain::id::RunId;
use berth_domain::lifecycle::Condition;

use super::model::{Run, RunContent, run};
use crate::db::{Row, args};
use crate::things::found;
use crate::{Error, Store, sql};

impl Store {
    /// The run of that id in that project.
    ///
    /// # Errors
    /// `NotFound` if the project has none.
    pub async fn run(&self, owner: &str, project: &str, id: RunId) -> Result<Run, Error> {
        let run = self.run_by_id(id).await?;
        if run.owner == owner && run.project == project { Ok(run) } else { Err(Error::not_found("run", id)) }
    }

    /// The run of that id.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn run_by_id(&self, id: RunId) -> Result<Run, Error> {
        let row = self.db.one(sql::runs::BY_ID, args![id]).await?;
        found(row, run, "run", id)
    }

    /// The run's operation.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub async fn run_content(&self, id: RunId) -> Result<RunContent, Error> {
        let row = self.db.one(sql::runs::CONTENT, args![id]).await?;
        let row = row.ok_or_else(|| Error::not_found("run", id))?;
        Ok(RunContent {
            raw_content: row.opt_text("raw_content")?,
            content: row.opt_text("content")?,
            origins: row.opt_json("origins")?,
        })
    }

    /// The run's status history, oldest first.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn conditions(&self, id: RunId) -> Result<Vec<Condition>, Error> {
        let rows = self.db.all(sql::runs::CONDITIONS, args![id]).await?;
        rows.iter().map(condition).collect()
    }
}

/// A condition's row.
pub(super) fn condition(row: &Row) -> Result<Condition, Error> {
    Ok(Condition {
        status: row.parse("status")?,
        reason: row.text("reason")?,
        message: row.text("message")?,
        attempt: row.u32("attempt")?,
        at: row.time("at")?,
    })
}
