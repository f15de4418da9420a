//! What holds lanes back, written down as it changes, so that a run that has started can be told what it had waited for.

use std::collections::{BTreeMap, BTreeSet};

use berth_domain::id::{ProjectId, QueueId};
use berth_domain::scheduling::{Hold, LaneKey, Spell};
use berth_domain::time::Time;
use serde::Serialize;

use super::snapshot::Place;
use crate::db::{Tx, args, batches, json_text};
use crate::{Error, Store, sql};

/// How many spells of a lane are read at most.
const MOST: i64 = 10_000;

#[derive(Serialize)]
struct Begun<'a> {
    owner: &'a str,
    queue_id: QueueId,
    project_id: ProjectId,
    lane: &'a str,
    hold: &'a Hold,
    since: i64,
}

/// Writes down what has begun and what has ended to hold lanes back; `holds` says it of each of the `places` in which
/// something waits.
pub(super) async fn note(
    tx: &mut Tx,
    owner: &str,
    places: &[Place],
    holds: &BTreeMap<usize, BTreeSet<Hold>>,
    now: Time,
) -> Result<(), Error> {
    let mut open: Vec<(i64, Place, Hold)> = Vec::new();
    for row in tx.all(sql::waits::OPEN, args![owner]).await? {
        let place =
            Place { queue: row.id("queue_id")?, project: row.id("project_id")?, lane: row.text("lane")? };
        open.push((row.int("id")?, place, row.json("hold")?));
    }
    let mut begun: BTreeSet<(&Place, &Hold)> = holds
        .iter()
        .filter_map(|(at, holds)| Some((places.get(*at)?, holds)))
        .flat_map(|(place, holds)| holds.iter().map(move |hold| (place, hold)))
        .collect();
    let mut ended: Vec<i64> = Vec::new();
    for (id, place, hold) in &open {
        if !begun.remove(&(place, hold)) {
            ended.push(*id);
        }
    }
    if !ended.is_empty() {
        tx.run(sql::waits::END, args![json_text(&ended)?, now]).await?;
    }
    let rows: Vec<Begun<'_>> = begun
        .iter()
        .map(|(place, hold)| Begun {
            owner,
            queue_id: place.queue,
            project_id: place.project,
            lane: &place.lane,
            hold,
            since: now.micros(),
        })
        .collect();
    for batch in batches(&rows)? {
        tx.run(sql::waits::BEGIN, args![batch]).await?;
    }
    Ok(())
}

impl Store {
    /// What held a lane back between two moments, as far as it is remembered.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn spells(
        &self,
        (queue, project, lane): (QueueId, ProjectId, &LaneKey),
        from: Time,
        until: Time,
    ) -> Result<Vec<Spell>, Error> {
        let rows =
            self.db.all(sql::waits::OF_LANE, args![queue, project, lane.text(), from, until, MOST]).await?;
        rows.iter()
            .map(|row| {
                Ok(Spell {
                    hold: row.json("hold")?,
                    since: row.time("since")?,
                    until: row.opt_time("ended_at")?,
                })
            })
            .collect()
    }
}
