//! The change feed: what changed, in an order that never skips a commit.
//!
//! Numbers are drawn before a transaction commits, so a reader that goes by numbers alone skips what commits late.
//! On PostgreSQL a change also carries its transaction's id, and readers see only transactions below the oldest
//! one that is still running (`pg_snapshot_xmin`): all below it have ended, so nothing can appear behind a cursor
//! any more. A long transaction delays the feed; it never makes it skip. On SQLite the one writer commits in order.

use std::fmt;
use std::str::FromStr;

use berth_domain::id::{Id, ProjectId};
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Tx, args, batches};
use crate::{Error, Store, sql};

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A run.
    Run,
    /// A queue.
    Queue,
    /// An agent.
    Agent,
    /// A project.
    Project,
}

impl ChangeKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Queue => "queue",
            Self::Agent => "agent",
            Self::Project => "project",
        }
    }
}

impl FromStr for ChangeKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Run, Self::Queue, Self::Agent, Self::Project]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Error::corrupt(format!("a change of the kind `{text}`")))
    }
}

/// A place in the feed; opaque to readers. It belongs to one epoch of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    epoch: Uuid,
    xact: i64,
    seq: i64,
}

impl Cursor {
    /// Whether it comes before another of the same epoch.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        (self.xact, self.seq) < (other.xact, other.seq)
    }

    /// Whether both are of one epoch; the order of others means nothing.
    #[must_use]
    pub fn is_of_epoch(&self, other: &Self) -> bool {
        self.epoch == other.epoch
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}.{:x}", self.epoch.simple(), self.xact, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::Invalid {
            field: "cursor",
            message: "it is not one that the change feed gave".to_owned(),
        };
        let mut parts = text.split('.');
        let (Some(epoch), Some(xact), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid());
        };
        Ok(Self {
            epoch: Uuid::try_parse(epoch).map_err(|_| invalid())?,
            xact: i64::from_str_radix(xact, 16).map_err(|_| invalid())?,
            seq: i64::from_str_radix(seq, 16).map_err(|_| invalid())?,
        })
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it is in the feed.
    pub cursor: Cursor,
    /// What kind of thing changed.
    pub kind: ChangeKind,
    /// Which.
    pub id: Uuid,
    /// The organization.
    pub owner: String,
    /// The project, of a run.
    pub project_id: Option<ProjectId>,
    /// The thing's version after the change; the moment of the change in microseconds for what has none.
    pub version: i64,
    /// A run's status after the change.
    pub status: Option<Status>,
    /// When.
    pub at: Time,
}

/// What follows a cursor.
#[derive(Debug, Clone, PartialEq)]
pub enum Changes {
    /// These, in order; empty if nothing followed.
    Next(Vec<Change>),
    /// The cursor is older than what is kept, or of another epoch: read everything anew, and go on from
    /// [`Store::latest_cursor`] taken before.
    Resync,
}

/// A change to be written.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewChange<'a> {
    kind: ChangeKind,
    object_id: String,
    owner: &'a str,
    project_id: Option<ProjectId>,
    version: i64,
    status: Option<Status>,
    at: i64,
}

impl<'a> NewChange<'a> {
    pub(crate) fn thing<T>(kind: ChangeKind, id: Id<T>, owner: &'a str, at: Time) -> Self {
        let version = at.micros();
        Self { kind, object_id: id.to_string(), owner, project_id: None, version, status: None, at: version }
    }

    pub(crate) fn run(
        id: berth_domain::id::RunId,
        owner: &'a str,
        project_id: ProjectId,
        version: i64,
        status: Status,
        at: Time,
    ) -> Self {
        Self {
            kind: ChangeKind::Run,
            object_id: id.to_string(),
            owner,
            project_id: Some(project_id),
            version,
            status: Some(status),
            at: at.micros(),
        }
    }
}

/// Writes changes in the transaction that makes them.
pub(crate) async fn write(tx: &mut Tx, changes: &[NewChange<'_>]) -> Result<(), Error> {
    for batch in batches(changes)? {
        tx.run(sql::changes::INSERT, args![batch]).await?;
    }
    Ok(())
}

impl Store {
    /// Where the feed stands: everything that commits from here on follows this cursor, and sometimes a change that
    /// had committed just before (while an older transaction was still running on the server).
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn latest_cursor(&self) -> Result<Cursor, Error> {
        let epoch = self.epoch().await?;
        let row = self.db.one(sql::changes::LATEST, args![]).await?;
        let row = row.ok_or_else(|| Error::corrupt("the change feed has no end"))?;
        Ok(Cursor { epoch, xact: row.int("xact")?, seq: row.int("seq")? })
    }

    /// What follows `cursor`, at most `limit` changes.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn changes_after(&self, cursor: &Cursor, limit: u32) -> Result<Changes, Error> {
        let epoch = self.epoch().await?;
        if cursor.epoch != epoch {
            return Ok(Changes::Resync);
        }
        let rows = self
            .db
            .all(sql::changes::AFTER, args![cursor.xact, cursor.seq, limit.clamp(1, crate::page::MAX_LIMIT)])
            .await?;
        // The floor is read after the changes: if it is still below the cursor, nothing was missing in them.
        if let Some(floor) = self.meta(crate::epoch::CHANGES_FLOOR).await? {
            let floor: Cursor = floor.parse().map_err(|_| Error::corrupt("meta `changes_floor`"))?;
            if cursor.is_before(&floor) {
                return Ok(Changes::Resync);
            }
        }
        rows.iter()
            .map(|row| {
                Ok(Change {
                    cursor: Cursor { epoch, xact: row.int("xact")?, seq: row.int("seq")? },
                    kind: row.text("kind")?.parse()?,
                    id: row.get("object_id")?,
                    owner: row.text("owner")?,
                    project_id: row.opt_id("project_id")?,
                    version: row.int("version")?,
                    status: row
                        .opt_text("status")?
                        .map(|status| status.parse())
                        .transpose()
                        .map_err(|_| Error::corrupt("column `status`"))?,
                    at: row.time("at")?,
                })
            })
            .collect::<Result<Vec<_>, Error>>()
            .map(Changes::Next)
    }

    /// A cursor at a place of this epoch, as retention notes it.
    pub(crate) fn cursor_at(epoch: Uuid, xact: i64, seq: i64) -> Cursor {
        Cursor { epoch, xact, seq }
    }
}
