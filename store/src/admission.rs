//! Admission: one admitter per organization at a time chooses from a snapshot and admits, in one transaction.
//!
//! Slots are only ever taken here, under the organization's lock; everything else releases them. So what the
//! snapshot says is used is never less than what is, and no limit is passed, at any number of schedulers.

mod admissible;
mod holders;
mod kept;
mod snapshot;
mod uses;
mod waits;

use std::collections::{HashMap, HashSet};

use berth_domain::id::{ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::{Choice, Snapshot, Victim, holds};
use berth_domain::time::Time;

use crate::db::{Tx, args};
use crate::history::counted;
use crate::runs::create::id_rows;
use crate::runs::timers::{OfferedRun, offered};
use crate::runs::transition::{self, Decision};
use crate::{Error, Store, sql};

/// What the snapshot can't know from the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// Whether offers can be published now.
    pub broker_is_up: bool,
    /// The organization's own limit.
    pub organization_limit: Option<u32>,
    /// How many waiting runs of each lane to look at: no more of one lane start in one round.
    pub heads: u32,
    /// Whether to write down what holds runs back: once in a while, since it looks at all lanes again.
    pub notes_waits: bool,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self { broker_is_up: true, organization_limit: None, heads: 256, notes_waits: false }
    }
}

/// How a round of admission went.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// Another replica admits for this organization at this moment.
    Busy,
    /// These were admitted, in the order they were chosen in: publish them.
    Runs(Vec<OfferedRun>),
    /// Nothing may start, and these make room: what nobody had claimed waits again already, of the rest their agents are to
    /// be told.
    MadeRoom(Vec<RunId>),
}

impl Store {
    /// Takes the organization's admission lock, lets `choose` choose from a snapshot, and admits what it chose
    /// and what still waits, in one transaction.
    ///
    /// # Errors
    /// If the database can't be used: then nothing was admitted, unless the connection broke in the very commit
    /// (what was admitted then shows up in [`Store::offered_runs`]).
    pub async fn with_admission(
        &self,
        owner: &str,
        now: Time,
        options: AdmissionOptions,
        choose: impl FnOnce(&Snapshot) -> Choice + Send,
    ) -> Result<Admitted, Error> {
        let mut tx = self.db.begin().await?;
        let locked = tx.one(sql::lanes::TRY_LOCK, args![owner]).await?;
        if !locked.map(|row| row.bool("locked")).transpose()?.unwrap_or(false) {
            return Ok(Admitted::Busy);
        }
        let (snapshot, places) = snapshot::load(&mut tx, owner, now, options).await?;
        let choice = choose(&snapshot);
        if options.notes_waits {
            waits::note(&mut tx, owner, &places, &holds(&snapshot, &choice), now).await?;
        }
        let chosen: Vec<RunId> = choice.starts.iter().map(|start| start.run).collect();
        if chosen.is_empty() {
            let asked = make_room(&mut tx, &choice.victims, now).await?;
            // Also where nothing was written: dropped, it would hold the lock for a moment longer, in which the next round
            // would take it for another replica's.
            tx.commit().await?;
            if asked.is_empty() {
                return Ok(Admitted::Runs(Vec::new()));
            }
            return Ok(Admitted::MadeRoom(asked));
        }
        let lane_of: HashMap<RunId, (QueueId, ProjectId)> = snapshot
            .lanes
            .iter()
            .flat_map(|lane| lane.heads.iter().map(|head| (head.run, (lane.queue, lane.project))))
            .collect();
        let mut decided = Vec::new();
        for head in transition::lock(&mut tx, &chosen).await? {
            // Stopped, expired or moved since the snapshot: it counts elsewhere now, or not at all.
            let stays = head.dispatch.status == Status::Queued
                && head
                    .queue_id
                    .is_some_and(|queue| lane_of.get(&head.id) == Some(&(queue, head.project_id)));
            if !stays {
                continue;
            }
            if let Ok(step) = step(&head.dispatch, &Event::Admit, now, 0.0) {
                decided.push((head, Decision::from(step)));
            }
        }
        if decided.is_empty() {
            tx.commit().await?;
            return Ok(Admitted::Runs(Vec::new()));
        }
        transition::apply(&mut tx, &decided, now).await?;
        kept::write(
            &mut tx,
            owner,
            &snapshot,
            &choice,
            |run| decided.iter().any(|(head, _)| head.id == run),
            now,
        )
        .await?;
        let ids = id_rows(decided.iter().map(|(head, _)| head.id.uuid()))?;
        let rows = tx.all(sql::runs::OFFERED_BY_ID, args![ids]).await?;
        let mut runs = rows.iter().map(offered).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        self.tally.add(counted(&decided, now));
        let place: HashMap<RunId, usize> = chosen.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        runs.sort_by_key(|run| place.get(&run.id).copied());
        Ok(Admitted::Runs(runs))
    }

    /// The snapshot that admission would choose from now, without its lock: for explanations.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn snapshot(
        &self,
        owner: &str,
        now: Time,
        options: AdmissionOptions,
    ) -> Result<Snapshot, Error> {
        let mut tx = self.db.begin_read().await?;
        Ok(snapshot::load(&mut tx, owner, now, options).await?.0)
    }
}

/// Has those runs make room that still may.
async fn make_room(tx: &mut Tx, victims: &[Victim], now: Time) -> Result<Vec<RunId>, Error> {
    if victims.is_empty() {
        return Ok(Vec::new());
    }
    let by_run: HashMap<RunId, &Victim> = victims.iter().map(|victim| (victim.run, victim)).collect();
    let ids: Vec<RunId> = victims.iter().flat_map(|victim| [victim.run, victim.by]).collect();
    let heads = transition::lock(tx, &ids).await?;
    // Stopped or moved since the snapshot, a run needs no room.
    let waiting: HashSet<RunId> =
        heads.iter().filter(|head| head.dispatch.status == Status::Queued).map(|head| head.id).collect();
    let mut decided = Vec::new();
    for head in heads {
        let Some(victim) = by_run.get(&head.id).filter(|victim| waiting.contains(&victim.by)) else {
            continue;
        };
        let reason = victim.reason.as_str();
        let event = if head.dispatch.is_offered() {
            Event::Withdraw { reason }
        } else {
            Event::MakeRoom { by: victim.by, reason }
        };
        if let Ok(step) = step(&head.dispatch, &event, now, 0.0) {
            decided.push((head, Decision::from(step)));
        }
    }
    if !decided.is_empty() {
        transition::apply(tx, &decided, now).await?;
    }
    Ok(decided.into_iter().map(|(head, _)| head.id).collect())
}
