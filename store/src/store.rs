//! The store itself: connecting, and closing.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::task::TaskTracker;

use crate::db::{self, Db, FileLock, Options, args};
use crate::history::Tally;
use crate::runs::writer::RunWriter;
use crate::{Error, sql};

/// The state of record. Cheap to clone: all clones share connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
    /// What this process counts.
    pub(crate) tally: Arc<Tally>,
    shared: Arc<Mutex<Open>>,
    tracker: TaskTracker,
}

/// What closing takes away.
#[derive(Debug)]
struct Open {
    writer: Option<RunWriter>,
    lock: Option<FileLock>,
}

impl Store {
    /// Opens the database that `url` names: `sqlite:PATH`, `sqlite::memory:` or `postgres://...`.
    ///
    /// PostgreSQL is not spoken to yet, so that a service can start before its database does; [`Store::ping`] tells.
    ///
    /// # Errors
    /// `Invalid` if the URL is neither, `Conflict` if another process has the SQLite file open, `Unavailable` if
    /// the file can't be opened. Texts never repeat the URL.
    pub async fn connect(url: &str, options: Options) -> Result<Self, Error> {
        let (db, lock) = db::open(url, &options).await?;
        let tracker = TaskTracker::new();
        let tally = Arc::new(Tally::default());
        let writer = RunWriter::start(db.clone(), Arc::clone(&tally), &tracker);
        let shared = Arc::new(Mutex::new(Open { writer: Some(writer), lock }));
        Ok(Self { db, tally, shared, tracker })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it doesn't.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.one(sql::meta::PING, args![]).await.map(drop)
    }

    /// Whether the state is on PostgreSQL: several processes may share it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.db.is_postgres()
    }

    /// In how many transactions runs have been created by this process: less than the runs, if several came at once.
    #[must_use]
    pub fn create_commits(&self) -> u64 {
        self.tally.commits()
    }

    /// Commits what was handed in, and closes all connections. Calls made later fail as unavailable.
    pub async fn close(&self) {
        drop(self.open(|open| open.writer.take()));
        self.tracker.close();
        self.tracker.wait().await;
        self.db.close().await;
        drop(self.open(|open| open.lock.take()));
    }

    pub(crate) fn writer(&self) -> Result<RunWriter, Error> {
        self.open(|open| open.writer.clone()).ok_or_else(|| Error::unavailable("the store was closed"))
    }

    fn open<T>(&self, with: impl FnOnce(&mut Open) -> T) -> T {
        with(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
