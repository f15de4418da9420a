//! Turns: what several replicas could do and one should, at a time. A turn lasts for a moment after it was kept last,
//! so that another replica takes it when its holder is gone; with it goes what its holder noted.

use std::time::Duration;

use berth_domain::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db::{args, json_text};
use crate::{Error, Store, sql};

/// Whose turn it is, as it is noted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The replica.
    pub holder: String,
    /// Until when, unless it is kept.
    pub until: Time,
    /// What its holders noted.
    pub note: Value,
}

impl Store {
    /// Whose turn it is, or was last; none if nobody has ever had it.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn turn(&self, name: &str) -> Result<Option<Turn>, Error> {
        Ok(self.noted(name).await?.map(|(_, turn)| turn))
    }

    /// Takes a turn that nobody has, or keeps one's own. Returns what the last holder noted, null at the very
    /// first; none if it is another's turn. `note` replaces that of one's own turn, once half of it is over: asking
    /// more often costs a read only.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn take_turn(
        &self,
        name: &str,
        holder: &str,
        note: Option<&Value>,
        now: Time,
        lasts: Duration,
    ) -> Result<Option<Value>, Error> {
        let known = self.noted(name).await?;
        let (mine, noted) = match &known {
            None => (true, Value::Null),
            Some((_, turn)) => (turn.holder == holder, turn.note.clone()),
        };
        if !mine && known.as_ref().is_some_and(|(_, turn)| turn.until > now) {
            return Ok(None);
        }
        // Kept often enough by who looks more often than it would lapse; what a note lacks is done again.
        if known.as_ref().is_some_and(|(_, turn)| mine && turn.until > now.plus(lasts / 2)) {
            return Ok(Some(noted));
        }
        // What another one noted is not overwritten by who only believes to have the turn.
        let note = note.filter(|_| mine).cloned().unwrap_or_else(|| noted.clone());
        let turn = Turn { holder: holder.to_owned(), until: now.plus(lasts), note };
        let taken = self.set_turn(name, known.as_ref().map(|(text, _)| text.as_str()), &turn).await?;
        Ok(taken.then_some(noted))
    }

    /// Ends one's turn, so that another replica has it at once.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn end_turn(&self, name: &str, holder: &str, note: &Value, now: Time) -> Result<(), Error> {
        let Some((known, turn)) = self.noted(name).await?.filter(|(_, turn)| turn.holder == holder) else {
            return Ok(());
        };
        self.set_turn(name, Some(&known), &Turn { until: now, note: note.clone(), ..turn }).await?;
        Ok(())
    }

    async fn noted(&self, name: &str) -> Result<Option<(String, Turn)>, Error> {
        let Some(text) = self.meta(&key(name)).await? else { return Ok(None) };
        let turn =
            serde_json::from_str(&text).map_err(|_| Error::corrupt(format!("meta `{}`", key(name))))?;
        Ok(Some((text, turn)))
    }

    /// Of several that write at once, one does.
    async fn set_turn(&self, name: &str, expected: Option<&str>, turn: &Turn) -> Result<bool, Error> {
        let text = json_text(turn)?;
        let mut tx = self.db.begin().await?;
        let written = match expected {
            None => tx.run(sql::meta::INIT, args![key(name), text]).await?,
            Some(expected) => tx.run(sql::meta::SET_IF, args![key(name), expected, text]).await?,
        };
        tx.commit().await?;
        Ok(written > 0)
    }
}

fn key(name: &str) -> String {
    format!("turn_{name}")
}
