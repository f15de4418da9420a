//! Idempotency keys: the same request, sent again within 24 h, gets the first answer.
//!
//! A request first reserves its key and gets a ticket; it makes the ids of what it creates from the ticket. If its
//! process dies before the answer is remembered, the retry gets the same ticket, finds what the first one
//! created by the same ids, and nothing is created twice.

use std::time::Duration;

use berth_domain::time::Time;
use uuid::Uuid;

use crate::db::args;
use crate::{Error, Store, sql};

/// How long a key is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a reservation without an answer holds others off: longer than any request may take.
const RESERVED_FOR: Duration = Duration::from_secs(60);

/// What a request with a key is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Do it, with ids made from the ticket; then [`Store::remember`] the answer.
    Go {
        /// The same for every try of this key.
        ticket: Uuid,
        /// Whether an earlier try may have done some of it.
        again: bool,
    },
    /// It was done: give this answer.
    Done {
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// Another request with the key is under way: try again later.
    InProgress,
}

impl Store {
    /// Reserves `key` for a request whose body has that hash.
    ///
    /// # Errors
    /// `Conflict` if the key was used with another body.
    pub async fn reserve(
        &self,
        owner: &str,
        project: &str,
        key: &str,
        body_hash: &str,
        now: Time,
    ) -> Result<Reservation, Error> {
        let ticket = Uuid::now_v7();
        let mut tx = self.db.begin().await?;
        let new =
            tx.run(sql::idempotency::RESERVE, args![owner, project, key, body_hash, ticket, now]).await?;
        if new > 0 {
            tx.commit().await?;
            return Ok(Reservation::Go { ticket, again: false });
        }
        let row = tx.one(sql::idempotency::GET_LOCKED, args![owner, project, key]).await?;
        let row = row.ok_or_else(|| Error::unavailable("the key was being forgotten: try again"))?;
        if row.time("created_at")?.plus(KEPT) <= now {
            let args = args![owner, project, key, body_hash, ticket, now, now];
            tx.run(sql::idempotency::RENEW, args).await?;
            tx.commit().await?;
            return Ok(Reservation::Go { ticket, again: false });
        }
        if row.text("body_hash")? != body_hash {
            return Err(Error::conflict(format!(
                "the idempotency key `{key}` was used with another body within the last 24 hours"
            )));
        }
        if let Some(answer) = row.opt_text("answer")? {
            let status = u16::try_from(row.int("answer_status")?).unwrap_or(200);
            return Ok(Reservation::Done { status, answer });
        }
        if row.time("reserved_at")?.plus(RESERVED_FOR) > now {
            return Ok(Reservation::InProgress);
        }
        let ticket = row.get("ticket")?;
        let created = row.time("created_at")?;
        tx.run(sql::idempotency::RENEW, args![owner, project, key, body_hash, ticket, now, created]).await?;
        tx.commit().await?;
        Ok(Reservation::Go { ticket, again: true })
    }

    /// Keeps the answer of a request whose key was reserved.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn remember(
        &self,
        owner: &str,
        project: &str,
        key: &str,
        ticket: Uuid,
        status: u16,
        answer: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let args = args![owner, project, key, ticket, answer, u32::from(status)];
        tx.run(sql::idempotency::REMEMBER, args).await?;
        tx.commit().await
    }

    /// Frees a key whose request did nothing (it was refused), so that it may be sent again, corrected.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn forget(&self, owner: &str, project: &str, key: &str, ticket: Uuid) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        tx.run(sql::idempotency::FORGET, args![owner, project, key, ticket]).await?;
        tx.commit().await
    }
}
