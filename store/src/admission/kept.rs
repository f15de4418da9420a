//! What choosing remembers from round to round: how far the shares of each queue have come, how fast it starts runs, and
//! what started on each level that has a rate.

use std::collections::{BTreeMap, HashMap};

use berth_domain::id::{QueueId, RunId};
use berth_domain::scheduling::{Choice, Fairness, Level, Pace, Share, Sharing, Snapshot};
use berth_domain::time::Time;

use super::uses::Started;
use crate::db::{Row, Tx, args, json, json_or_null};
use crate::{Error, sql};

/// Starts are forgotten when they are older than the longest period.
const LONGEST_PERIOD: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A level, as starts are kept for it. An organization has no id of its own; its name is unique.
fn key(owner: &str, level: Level) -> String {
    match level {
        Level::Organization => format!("organization {owner}"),
        Level::Project(id) => format!("project {id}"),
        Level::Agent(id) => format!("agent {id}"),
        Level::Queue(id) => format!("queue {id}"),
        Level::Pipeline(id) => format!("pipeline {id}"),
    }
}

/// What started on a level after `since`.
pub(super) async fn started(tx: &mut Tx, owner: &str, level: Level, since: Time) -> Result<Started, Error> {
    let row = tx.one(sql::lanes::STARTS, args![key(owner, level), since]).await?;
    let row = row.ok_or_else(|| Error::corrupt("a sum without a row"))?;
    Ok(Started { count: row.u32("started")?, oldest: row.opt_time("oldest")? })
}

/// What is remembered of a queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    virtual_time: i64,
    /// Where the next start of each share is due.
    dues: BTreeMap<String, i64>,
    pub(super) pace: Pace,
}

impl Kept {
    /// What is remembered of each queue, by the rows of `sql::lanes::FAIRNESS`.
    pub(super) fn of_queues(rows: &[Row]) -> Result<HashMap<QueueId, Self>, Error> {
        rows.iter()
            .map(|row| {
                let kept = Self {
                    virtual_time: row.int("virtual_time")?,
                    dues: row.json("shares")?,
                    pace: row.opt_json("pace")?.unwrap_or_default(),
                };
                Ok((row.id("queue_id")?, kept))
            })
            .collect()
    }

    /// The shares of the queue with their weights.
    pub(super) fn fairness(&self, sharing: &Sharing) -> Fairness {
        let mut shares: BTreeMap<String, Share> = sharing
            .weights
            .iter()
            .map(|(key, weight)| (key.clone(), Share { weight: *weight, due: 0 }))
            .collect();
        for (key, due) in &self.dues {
            shares.entry(key.clone()).or_default().due = *due;
        }
        Fairness { virtual_time: self.virtual_time, shares }
    }
}

/// Remembers what was chosen, as far as it was `admitted`.
pub(super) async fn write(
    tx: &mut Tx,
    owner: &str,
    snapshot: &Snapshot,
    choice: &Choice,
    admitted: impl Fn(RunId) -> bool,
    now: Time,
) -> Result<(), Error> {
    for (queue, fairness) in &choice.fairness {
        let dues: BTreeMap<&str, i64> =
            fairness.shares.iter().map(|(key, share)| (key.as_str(), share.due)).collect();
        let pace = json_or_null(choice.paces.get(queue))?;
        let args = args![*queue, fairness.virtual_time, json(&dues)?, pace];
        tx.run(sql::lanes::FAIRNESS_SET, args).await?;
    }
    let mut starts: BTreeMap<Level, i64> = BTreeMap::new();
    for start in choice.starts.iter().filter(|start| admitted(start.run)) {
        let Some(lane) = snapshot.lanes.get(start.lane) else { continue };
        for level in snapshot.levels(lane) {
            if snapshot.level(level).is_some_and(|view| view.limits.rate.is_some()) {
                *starts.entry(level).or_default() += 1;
            }
        }
    }
    for (level, count) in starts {
        let level = key(owner, level);
        tx.run(sql::lanes::STARTS_FORGET, args![&level, now.minus(LONGEST_PERIOD)]).await?;
        tx.run(sql::lanes::STARTED, args![&level, now, count]).await?;
    }
    Ok(())
}
