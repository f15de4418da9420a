//! Dead letters: runs that were claimed too often without a start, and messages that nobody can decode.

use berth_domain::id::{AgentId, DeadLetterId, QueueId, RunId};
use berth_domain::time::Time;
use serde::Serialize;

use crate::audit::{self, About, Audit};
use crate::db::{Arg, Row, Tx, args, batches};
use crate::page::{Key, Page, PageOf};
use crate::things::found;
use crate::{Error, Store, sql};

/// Something that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The organization.
    pub owner: String,
    /// The agent it was for, or came from.
    pub agent_id: Option<AgentId>,
    /// The queue it was in.
    pub queue_id: Option<QueueId>,
    /// The run, if it is known.
    pub run_id: Option<RunId>,
    /// The attempt.
    pub attempt: Option<u32>,
    /// Why it was set aside.
    pub reason: String,
    /// The raw message, in base64, if it could not be decoded.
    pub raw: Option<String>,
    /// When.
    pub at: Time,
}

#[derive(Debug, Serialize)]
pub(crate) struct DeadLetterRow<'a> {
    pub(crate) id: DeadLetterId,
    pub(crate) owner: &'a str,
    pub(crate) agent_id: Option<AgentId>,
    pub(crate) queue_id: Option<QueueId>,
    pub(crate) run_id: Option<RunId>,
    pub(crate) attempt: Option<u32>,
    pub(crate) reason: &'a str,
    pub(crate) raw: Option<&'a str>,
    pub(crate) at: i64,
}

/// Writes dead letters in the transaction that makes them.
pub(crate) async fn write(tx: &mut Tx, letters: &[DeadLetterRow<'_>]) -> Result<(), Error> {
    for batch in batches(letters)? {
        tx.run(sql::dead_letters::INSERT, args![batch]).await?;
    }
    Ok(())
}

impl Store {
    /// Sets something aside.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn add_dead_letter(&self, letter: &DeadLetter) -> Result<(), Error> {
        let row = DeadLetterRow {
            id: letter.id,
            owner: &letter.owner,
            agent_id: letter.agent_id,
            queue_id: letter.queue_id,
            run_id: letter.run_id,
            attempt: letter.attempt,
            reason: &letter.reason,
            raw: letter.raw.as_deref(),
            at: letter.at.micros(),
        };
        let mut tx = self.db.begin().await?;
        write(&mut tx, &[row]).await?;
        tx.commit().await
    }

    /// The organization's dead letters, of one queue or of all, the latest first.
    ///
    /// # Errors
    /// If the cursor is not one of this list, or the database can't be used.
    pub async fn dead_letters(
        &self,
        owner: &str,
        queue_id: Option<QueueId>,
        page: &Page,
    ) -> Result<PageOf<DeadLetter>, Error> {
        let after = page.cursor.as_ref().map(|cursor| Key::from_cursor(cursor, "dead")).transpose()?;
        let args = args![
            owner,
            queue_id,
            after.as_ref().and_then(|key| key.number),
            after.as_ref().map_or(Arg::Uuid(None), |key| key.id.into()),
            page.limit() + 1,
            page.offset(),
        ];
        let rows = self.db.all(sql::dead_letters::LIST, args).await?;
        let items = rows.iter().map(letter).collect::<Result<Vec<_>, _>>()?;
        PageOf::cut(items, page, None, |last| Key::at("dead", last.at, last.id.uuid()))
    }

    /// The dead letter of that id.
    ///
    /// # Errors
    /// `NotFound` if the organization has none.
    pub async fn dead_letter(&self, owner: &str, id: DeadLetterId) -> Result<DeadLetter, Error> {
        let row = self.db.one(sql::dead_letters::BY_ID, args![owner, id]).await?;
        found(row, letter, "dead letter", id)
    }

    /// Drops a dead letter (after its replay, or for good).
    ///
    /// # Errors
    /// `NotFound` if the organization has none of that id.
    pub async fn drop_dead_letter(&self, owner: &str, id: DeadLetterId, audit: &Audit) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if tx.run(sql::dead_letters::DROP, args![owner, id]).await? == 0 {
            return Err(Error::not_found("dead letter", id));
        }
        let about = About { owner, kind: "dead_letter", id: Some(id.uuid()), name: None };
        audit::write(&mut tx, &[(audit, about)]).await?;
        tx.commit().await
    }
}

fn letter(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: row.id("id")?,
        owner: row.text("owner")?,
        agent_id: row.opt_id("agent_id")?,
        queue_id: row.opt_id("queue_id")?,
        run_id: row.opt_id("run_id")?,
        attempt: row.opt_u32("attempt")?,
        reason: row.text("reason")?,
        raw: row.opt_text("raw")?,
        at: row.time("at")?,
    })
}
