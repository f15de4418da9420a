//! Group commit: runs that are created at the same time share a transaction.
//!
//! A single task takes whatever waits (nothing is held back to fill a group, so an idle store adds no wait) and
//! commits it while the next group gathers. The queue's bound is the back-pressure.

use std::sync::Arc;

use berth_domain::id::RunId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::create::create;
use super::model::NewRun;
use crate::audit::Audit;
use crate::db::Db;
use crate::history::Tally;
use crate::{Error, Store};

/// The most runs of one group.
const MAX_GROUP: usize = 256;

/// How many runs may wait for their group.
const MAX_WAITING: usize = 4 * MAX_GROUP;

/// A run that waits for its group.
struct Pending {
    run: NewRun,
    audit: Audit,
    answer: oneshot::Sender<Result<RunId, Error>>,
}

/// Where runs are handed in; the task ends when the last handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct RunWriter(mpsc::Sender<Pending>);

impl RunWriter {
    /// Starts the task on `tracker`.
    pub(crate) fn start(db: Db, tally: Arc<Tally>, tracker: &TaskTracker) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        tracker.spawn(write_groups(db, tally, receiver));
        Self(sender)
    }
}

impl Store {
    /// Creates a run, together with others that are being created now; returns when it is committed.
    ///
    /// # Errors
    /// `Conflict` if its id is taken, `NotFound` if its project or queue doesn't exist, `Invalid` if it can't be
    /// stored, `Unavailable` if the database can't be used (it may have been created all the same if the
    /// connection broke in the very commit: a caller that retries uses the same id).
    pub async fn create_run(&self, run: NewRun, audit: &Audit) -> Result<RunId, Error> {
        let (answer, answered) = oneshot::channel();
        let pending = Pending { run, audit: audit.clone(), answer };
        let closed = || Error::unavailable("the store was closed");
        self.writer()?.0.send(pending).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

async fn write_groups(db: Db, tally: Arc<Tally>, mut receiver: mpsc::Receiver<Pending>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while receiver.recv_many(&mut group, MAX_GROUP).await > 0 {
        let items: Vec<(&NewRun, &Audit)> =
            group.iter().map(|pending| (&pending.run, &pending.audit)).collect();
        let results = match create(&db, &items, &tally).await {
            Ok(results) => results,
            Err(error) => {
                let text = error.to_string();
                (0..items.len()).map(|_| Err(again(&error, &text))).collect()
            }
        };
        for (pending, result) in group.drain(..).zip(results) {
            if pending.answer.send(result).is_err() {
                tracing::debug!(run.id = %pending.run.id, "whoever created the run has gone");
            }
        }
    }
}

/// The group's error for each of its runs; the source stays with the log line of whoever shows it.
fn again(error: &Error, text: &str) -> Error {
    match error {
        Error::Unavailable { reason, .. } => Error::unavailable(reason.clone()),
        Error::Schema { message } => Error::Schema { message: message.clone() },
        Error::Invalid { field, message } => Error::Invalid { field, message: message.clone() },
        Error::Conflict { message } => Error::conflict(message.clone()),
        Error::Full { message } => Error::Full { message: message.clone() },
        Error::Closed { message } => Error::Closed { message: message.clone() },
        Error::NotFound { what } => Error::NotFound { what: what.clone() },
        Error::Corrupt { .. } => Error::corrupt(text),
    }
}
