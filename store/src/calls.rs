//! Calls of Celery's producers: who waits for the result of a run, and what is called with it. A call goes when its
//! caller was told.

use berth_domain::id::RunId;
use berth_domain::time::Time;
use serde_json::Value;

use crate::db::{Row, args, json, json_or_null};
use crate::runs::create::id_rows;
use crate::{Error, Store, sql};

/// A call of a Celery producer.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its run; of a call that was refused an id of its own.
    pub id: RunId,
    /// The account on whose queue it came.
    pub account: String,
    /// The task's id, as its caller knows it.
    pub task_id: String,
    /// Where its caller waits, with `rpc://`.
    pub reply_to: Option<String>,
    /// Whether anybody wants its result.
    pub wants_result: bool,
    /// Callbacks and errbacks: signatures, as Celery writes them.
    pub canvas: Value,
    /// The result of what was refused.
    pub refusal: Option<Value>,
    /// When it was taken in.
    pub created_at: Time,
}

impl Store {
    /// Notes a call; one that is there already stays, but that it was refused is added.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn add_call(&self, call: &Call) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(
            sql::calls::ADD,
            args![
                call.id,
                &call.account,
                &call.task_id,
                call.reply_to.as_deref(),
                call.wants_result,
                json(&call.canvas)?,
                json_or_null(call.refusal.as_ref())?,
                call.created_at,
            ],
        )
        .await?;
        tx.commit().await
    }

    /// The calls of these runs.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn calls_of(&self, runs: &[RunId]) -> Result<Vec<Call>, Error> {
        let ids = id_rows(runs.iter().map(|id| id.uuid()))?;
        self.db.all(sql::calls::OF_RUNS, args![ids]).await?.iter().map(call).collect()
    }

    /// Calls that were refused, the oldest first.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn refused_calls(&self, limit: u32) -> Result<Vec<Call>, Error> {
        self.db.all(sql::calls::REFUSED, args![limit]).await?.iter().map(call).collect()
    }

    /// Calls whose runs have ended, or are gone since before `made_before`. Reads every call: for when nobody knows
    /// what was missed.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn overdue_calls(&self, made_before: Time, limit: u32) -> Result<Vec<Call>, Error> {
        self.db.all(sql::calls::OVERDUE, args![made_before, limit]).await?.iter().map(call).collect()
    }

    /// Forgets calls: their callers were told.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn end_calls(&self, calls: &[RunId]) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(sql::calls::END, args![id_rows(calls.iter().map(|id| id.uuid()))?]).await?;
        tx.commit().await
    }
}

fn call(row: &Row) -> Result<Call, Error> {
    Ok(Call {
        id: row.id("id")?,
        account: row.text("account")?,
        task_id: row.text("task_id")?,
        reply_to: row.opt_text("reply_to")?,
        wants_result: row.bool("wants_result")?,
        canvas: row.json("canvas")?,
        refusal: row.opt_json("refusal")?,
        created_at: row.time("created_at")?,
    })
}
