//! The history of queues: written every few seconds in each resolution, and read back as steps.
//!
//! What happens is counted in memory, where it is committed, and added to the rows a few seconds later: a process
//! that is killed takes those seconds with it. What is seen is written by whoever has the turn.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use berth_domain::history::{Counts, Gauges, Point, Range};
use berth_domain::id::QueueId;
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use serde::Serialize;
use serde_json::Value;

use crate::db::{Args, Row, Tx, args, batches};
use crate::runs::{Decision, RunHead};
use crate::turns::Turn;
use crate::{Error, Store, sql};

/// What this process counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Transactions in which runs were created.
    commits: AtomicU64,
    /// What was committed and is not in the history yet.
    queues: Mutex<BTreeMap<QueueId, Counts>>,
}

impl Tally {
    /// Counts what was committed.
    pub(crate) fn add(&self, counted: BTreeMap<QueueId, Counts>) {
        if counted.is_empty() {
            return;
        }
        let mut all = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for (queue, counts) in counted {
            all.entry(queue).or_default().add(&counts);
        }
    }

    /// Counts a transaction in which runs were created, by their queues.
    pub(crate) fn created(&self, queues: impl Iterator<Item = QueueId>) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut counted: BTreeMap<QueueId, Counts> = BTreeMap::new();
        for queue in queues {
            counted.entry(queue).or_default().submitted += 1;
        }
        self.add(counted);
    }

    /// In how many transactions runs were created.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn take(&self) -> BTreeMap<QueueId, Counts> {
        std::mem::take(&mut self.queues.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What becomes of queues' runs by these decisions.
pub(crate) fn counted(decided: &[(RunHead, Decision)], now: Time) -> BTreeMap<QueueId, Counts> {
    let mut all: BTreeMap<QueueId, Counts> = BTreeMap::new();
    for (head, decision) in decided {
        let Some(queue) = head.queue_id else { continue };
        let (before, after) = (&head.dispatch, &decision.step.state);
        let is_start = before.status == Status::Queued && after.status == Status::Scheduled;
        let is_end = !before.status.is_final() && after.status.is_final();
        if !is_start && !is_end {
            continue;
        }
        let counts = all.entry(queue).or_default();
        if is_start {
            counts.started += 1;
            counts.waits.note(before.queued_at.map(|queued| now.since(queued)).unwrap_or_default());
        } else {
            counts.finished += 1;
            counts.failed += u64::from(after.status == Status::Failed);
        }
    }
    all
}

/// A row to be added.
#[derive(Debug, Serialize)]
struct NewStep {
    queue_id: QueueId,
    step_seconds: u64,
    at: i64,
    #[serde(flatten)]
    gauges: Gauges,
    submitted: u64,
    started: u64,
    finished: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct NewWaits {
    queue_id: QueueId,
    step_seconds: u64,
    at: i64,
    bucket: u16,
    waits: u64,
}

#[derive(Debug, Serialize)]
struct Measured {
    step_seconds: u64,
    at: i64,
}

/// What happened lately in each queue of an organization.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// How much time that is.
    pub within: Duration,
    /// By queue. One that is not named was idle.
    pub queues: BTreeMap<QueueId, Counts>,
}

/// The turn of the replica that writes down what it sees of queues. What it has counted, each one writes.
const TURN: &str = "history";
/// How long a turn lasts that is not kept.
const LASTS: Duration = Duration::from_secs(70);

impl Store {
    /// Takes the turn to write down what is seen of queues, or keeps one's own; false if it is another replica's.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn take_history_turn(&self, replica: &str, now: Time) -> Result<bool, Error> {
        Ok(self.take_turn(TURN, replica, None, now, LASTS).await?.is_some())
    }

    /// Leaves one's turn to another replica.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn leave_history_turn(&self, replica: &str, now: Time) -> Result<(), Error> {
        self.end_turn(TURN, replica, &Value::Null, now).await
    }

    /// Whose turn it is or was last, which also tells when schedulers worked last.
    pub(crate) async fn history_turn(&self) -> Result<Option<Turn>, Error> {
        self.turn(TURN).await
    }

    /// Adds what was counted since the last time, and what is seen of queues now, if it is this replica that looks.
    ///
    /// # Errors
    /// If the database can't be used; what was counted is then added the next time.
    pub async fn write_history(&self, seen: Option<&[(QueueId, Gauges)]>, now: Time) -> Result<(), Error> {
        let counted = self.tally.take();
        if counted.is_empty() && seen.is_none() {
            return Ok(());
        }
        let written = self.add_history(&counted, seen, now).await;
        if written.is_err() {
            self.tally.add(counted);
        }
        written
    }

    async fn add_history(
        &self,
        counted: &BTreeMap<QueueId, Counts>,
        seen: Option<&[(QueueId, Gauges)]>,
        now: Time,
    ) -> Result<(), Error> {
        let mut queues: BTreeMap<QueueId, (Gauges, Counts)> =
            counted.iter().map(|(id, counts)| (*id, (Gauges::default(), counts.clone()))).collect();
        for (id, gauges) in seen.unwrap_or_default().iter().filter(|(_, gauges)| !gauges.is_idle()) {
            queues.entry(*id).or_default().0 = *gauges;
        }
        let (mut steps, mut waits, mut measured) = (Vec::new(), Vec::new(), Vec::new());
        for range in Range::ALL {
            let (step_seconds, at) = (range.step().as_secs(), range.step_of(now).micros());
            measured.push(Measured { step_seconds, at });
            for (queue_id, (gauges, counts)) in &queues {
                let (queue_id, gauges) = (*queue_id, *gauges);
                let Counts { submitted, started, finished, failed, waits: waited } = counts;
                let (submitted, started, finished, failed) = (*submitted, *started, *finished, *failed);
                steps.push(NewStep {
                    queue_id,
                    step_seconds,
                    at,
                    gauges,
                    submitted,
                    started,
                    finished,
                    failed,
                });
                let buckets = waited.buckets();
                waits.extend(buckets.map(|(bucket, waits)| NewWaits {
                    queue_id,
                    step_seconds,
                    at,
                    bucket,
                    waits,
                }));
            }
        }
        let mut tx = self.db.begin().await?;
        add(&mut tx, sql::history::ADD, &steps).await?;
        add(&mut tx, sql::history::ADD_WAITS, &waits).await?;
        if seen.is_some() {
            add(&mut tx, sql::history::MEASURED, &measured).await?;
        }
        tx.commit().await
    }

    /// A queue's history; steps that nobody measured are left out.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn queue_history(&self, queue: QueueId, range: Range, now: Time) -> Result<Vec<Point>, Error> {
        let (step, first) = (step_seconds(range), range.first_step(now));
        let of = || args![queue, step, first];
        self.points((sql::history::OF_QUEUE, of()), (sql::history::WAITS_OF_QUEUE, of()), range, first).await
    }

    /// The history of all queues of an organization together.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn owner_history(&self, owner: &str, range: Range, now: Time) -> Result<Vec<Point>, Error> {
        let (step, first) = (step_seconds(range), range.first_step(now));
        let of = || args![owner, step, first];
        self.points((sql::history::OF_OWNER, of()), (sql::history::WAITS_OF_OWNER, of()), range, first).await
    }

    async fn points(
        &self,
        numbers: (sql::Sql, Args),
        waits: (sql::Sql, Args),
        range: Range,
        first: Time,
    ) -> Result<Vec<Point>, Error> {
        let mut points = BTreeMap::new();
        for row in self.db.all(sql::history::STEPS, args![step_seconds(range), first]).await? {
            let at = row.time("at")?;
            points.insert(at, Point::idle(at));
        }
        for row in self.db.all(numbers.0, numbers.1).await? {
            let at = row.time("at")?;
            points.insert(at, Point { at, gauges: gauges(&row)?, counts: counts(&row)? });
        }
        for row in self.db.all(waits.0, waits.1).await? {
            if let Some(point) = points.get_mut(&row.time("at")?) {
                point.counts.waits.note_bucket(bucket(&row)?, row.count("waits")?);
            }
        }
        Ok(points.into_values().collect())
    }

    /// What happened in an organization's queues within the last `within` and the minute that is not over.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn recent(&self, owner: &str, within: Duration, now: Time) -> Result<Recent, Error> {
        let (step, first) = (step_seconds(Range::Hour), Range::Hour.step_of(now).minus(within));
        let mut recent = Recent { within: now.since(first), queues: BTreeMap::new() };
        for row in self.db.all(sql::history::RECENT, args![owner, step, first]).await? {
            recent.queues.insert(row.id("queue_id")?, counts(&row)?);
        }
        for row in self.db.all(sql::history::RECENT_WAITS, args![owner, step, first]).await? {
            let counts = recent.queues.entry(row.id("queue_id")?).or_default();
            counts.waits.note_bucket(bucket(&row)?, row.count("waits")?);
        }
        Ok(recent)
    }

    /// The backlogs of an organization's queues in the last hour, minute by minute, the oldest first. The minutes are those
    /// that somebody measured; a queue that is not named had none.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn backlogs(&self, owner: &str, now: Time) -> Result<(Vec<Time>, Backlogs), Error> {
        let (step, first) = (step_seconds(Range::Hour), Range::Hour.first_step(now));
        let steps = self.db.all(sql::history::STEPS, args![step, first]).await?;
        let steps = steps.iter().map(|row| row.time("at")).collect::<Result<Vec<_>, _>>()?;
        let mut backlogs = Backlogs::new();
        for row in self.db.all(sql::history::BACKLOGS, args![owner, step, first]).await? {
            let of_queue = backlogs.entry(row.id("queue_id")?).or_default();
            of_queue.insert(row.time("at")?, row.count("backlog")?);
        }
        Ok((steps, backlogs))
    }

    /// Removes steps that are older than their range.
    ///
    /// # Errors
    /// If the database can't be used.
    pub(crate) async fn forget_history(&self, now: Time) -> Result<u64, Error> {
        let mut removed = 0;
        let mut tx = self.db.begin().await?;
        for range in Range::ALL {
            // One step more than is shown.
            let before = range.first_step(now).minus(range.step());
            for statement in [sql::history::FORGET, sql::history::FORGET_WAITS, sql::history::FORGET_STEPS] {
                removed += tx.run(statement, args![step_seconds(range), before]).await?;
            }
        }
        tx.commit().await?;
        Ok(removed)
    }
}

/// Backlogs of queues by the minute.
pub type Backlogs = BTreeMap<QueueId, BTreeMap<Time, u64>>;

async fn add<T: Serialize>(tx: &mut Tx, statement: sql::Sql, rows: &[T]) -> Result<(), Error> {
    for batch in batches(rows)? {
        tx.run(statement, args![batch]).await?;
    }
    Ok(())
}

fn step_seconds(range: Range) -> i64 {
    // At most 14,400.
    i64::try_from(range.step().as_secs()).unwrap_or(i64::MAX)
}

fn gauges(row: &Row) -> Result<Gauges, Error> {
    Ok(Gauges {
        backlog: row.count("backlog")?,
        in_flight: row.count("in_flight")?,
        admissible: row.count("admissible")?,
        oldest_ms: row.count("oldest_ms")?,
        dead_letters: row.count("dead_letters")?,
    })
}

fn counts(row: &Row) -> Result<Counts, Error> {
    Ok(Counts {
        submitted: row.count("submitted")?,
        started: row.count("started")?,
        finished: row.count("finished")?,
        failed: row.count("failed")?,
        ..Counts::default()
    })
}

fn bucket(row: &Row) -> Result<u16, Error> {
    u16::try_from(row.count("bucket")?).map_err(|_| Error::corrupt("column `bucket`"))
}
