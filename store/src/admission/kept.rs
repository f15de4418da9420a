//! What choosing remembers from round to round: how far the shares of each queue have come, and what started on each
//! level that has a rate.

use std::collections::{BTreeMap, HashMap};

use berth_domain::id::{QueueId, RunId};
use berth_domain::scheduling::{Choice, Fairness, Level, Share, Sharing, Snapshot};
use berth_domain::time::Time;

use super::uses::Started;
use crate::db::{Row, Tx, args, json};
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

/// A queue's virtual time, and where the next start of each share is due.
pub(super) type Dues = (i64, BTreeMap<String, i64>);

/// How far each queue's shares have come, by the rows of `sql::lanes::FAIRNESS`.
pub(super) fn shares(rows: &[Row]) -> Result<HashMap<QueueId, Dues>, Error> {
    rows.iter()
        .map(|row| Ok((row.id("queue_id")?, (row.int("virtual_time")?, row.json("shares")?))))
        .collect()
}

/// The shares of a queue with their weights.
pub(super) fn fairness(sharing: &Sharing, kept: Option<&Dues>) -> Fairness {
    let (virtual_time, dues) = kept.cloned().unwrap_or_default();
    let mut shares: BTreeMap<String, Share> = sharing
        .weights
        .iter()
        .map(|(key, weight)| (key.clone(), Share { weight: *weight, due: 0 }))
        .collect();
    for (key, due) in dues {
        shares.entry(key).or_default().due = due;
    }
    Fairness { virtual_time, shares }
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
        tx.run(sql::lanes::FAIRNESS_SET, args![*queue, fairness.virtual_time, json(&dues)?]).await?;
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
