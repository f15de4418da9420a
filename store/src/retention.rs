//! Retention: what has ended and is old is deleted, in batches small enough not to be felt.

use std::time::Duration;

use berth_domain::id::{RunId, kind};
use berth_domain::time::Time;

use crate::changes::Cursor;
use crate::db::{Row, Tx, args};
use crate::runs::create::id_rows;
use crate::{Error, Store, sql};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Finished runs with their conditions.
    pub finished_runs: Duration,
    /// Deleted runs, before their rows go: long enough that agents have cleaned up.
    pub deleted_runs: Duration,
    /// The change feed.
    pub changes: Duration,
    /// The audit log.
    pub audit: Duration,
    /// Idempotency keys.
    pub idempotency: Duration,
    /// Dead letters.
    pub dead_letters: Duration,
    /// What held runs back.
    pub waits: Duration,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            finished_runs: 90 * DAY,
            deleted_runs: Duration::from_secs(3600),
            changes: DAY,
            audit: 400 * DAY,
            idempotency: DAY,
            dead_letters: 30 * DAY,
            waits: 30 * DAY,
        }
    }
}

/// How much one round removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Runs, with their conditions.
    pub runs: u64,
    /// Projects whose last run went.
    pub projects: u64,
    /// Changes.
    pub changes: u64,
    /// Audit entries.
    pub audit: u64,
    /// Idempotency keys.
    pub idempotency: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Spells in which runs were held back.
    pub waits: u64,
    /// Rows of queues' history.
    pub history: u64,
}

impl Removed {
    /// Whether nothing was old.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Removes at most `batch` of each kind; call it again until [`Removed::is_nothing`].
    ///
    /// # Errors
    /// If the database can't be used; what earlier batches removed stays removed.
    pub async fn retention(
        &self,
        now: Time,
        settings: &RetentionSettings,
        batch: u32,
    ) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        for (sql, before) in [
            (sql::retention::OLD_RUNS, Some(now.minus(settings.finished_runs))),
            (sql::retention::DELETED_RUNS, Some(now.minus(settings.deleted_runs))),
            (sql::retention::RUNS_OF_DELETED_PROJECTS, None),
        ] {
            let mut tx = self.db.begin().await?;
            let args = match before {
                Some(before) => args![before, batch],
                None => args![batch],
            };
            let rows = tx.all(sql, args).await?;
            removed.runs += remove_runs(&mut tx, &rows).await?;
            tx.commit().await?;
        }
        let mut tx = self.db.begin().await?;
        removed.projects = tx.run(sql::retention::EMPTY_PROJECTS, args![]).await?;
        removed.audit = tx.run(sql::retention::AUDIT, args![now.minus(settings.audit), batch]).await?;
        removed.idempotency =
            tx.run(sql::retention::IDEMPOTENCY, args![now.minus(settings.idempotency), batch]).await?;
        removed.dead_letters =
            tx.run(sql::retention::DEAD_LETTERS, args![now.minus(settings.dead_letters), batch]).await?;
        removed.waits = tx.run(sql::retention::WAITS, args![now.minus(settings.waits), batch]).await?;
        tx.commit().await?;
        removed.history = self.forget_history(now).await?;
        removed.changes = self.remove_changes(now.minus(settings.changes), batch).await?;
        Ok(removed)
    }

    /// Cuts the old end of the change feed, and notes in the same transaction how far.
    async fn remove_changes(&self, before: Time, batch: u32) -> Result<u64, Error> {
        let epoch = self.epoch().await?;
        let mut tx = self.db.begin().await?;
        let rows = tx.all(sql::retention::CHANGES, args![before, batch]).await?;
        let mut last: Option<(i64, i64)> = None;
        for row in &rows {
            last = last.max(Some((row.int("xact")?, row.int("seq")?)));
        }
        if let Some((xact, seq)) = last {
            let noted = tx.one(sql::meta::GET, args![crate::epoch::CHANGES_FLOOR]).await?;
            let noted: Option<Cursor> =
                noted.map(|row| row.text("value")).transpose()?.and_then(|text| text.parse().ok());
            let floor = Self::cursor_at(epoch, xact, seq);
            if noted.is_none_or(|noted| noted.is_before(&floor)) {
                tx.run(sql::meta::SET, args![crate::epoch::CHANGES_FLOOR, floor.to_string()]).await?;
            }
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}

async fn remove_runs(tx: &mut Tx, rows: &[Row]) -> Result<u64, Error> {
    if rows.is_empty() {
        return Ok(0);
    }
    let ids: Vec<RunId> = rows.iter().map(|row| row.id::<kind::Run>("id")).collect::<Result<_, _>>()?;
    let ids = id_rows(ids.iter().map(|id| id.uuid()))?;
    tx.run(sql::forgotten::NOTE, args![&ids]).await?;
    tx.run(sql::retention::CONDITIONS_OF, args![&ids]).await?;
    tx.run(sql::retention::RUNS, args![&ids]).await
}
