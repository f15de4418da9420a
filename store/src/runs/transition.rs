//! Changing where runs stand: pure decisions, applied under row locks, in few statements per batch.

use std::collections::BTreeSet;

use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::lifecycle::{Condition, DispatchState, Status, Step};
use berth_domain::time::Time;
use serde::Serialize;

use super::create::{id_rows, write_conditions};
use super::edits::{self, Edit};
use super::model::{RunHead, head};
use super::moves;
use crate::audit::{self, About, Audit};
use crate::changes::{self, NewChange};
use crate::db::{Tx, args, batches};
use crate::dead_letters::{self, DeadLetterRow};
use crate::history::counted;
use crate::{Error, Store, sql};

/// What to do with a run: a step of its state, and who did it if a person did.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The step.
    pub step: Step,
    /// Written to the audit log in the same transaction.
    pub audit: Option<Audit>,
    /// The queue and the agent that it moves to, if it does.
    pub to: Option<(QueueId, AgentId)>,
    /// What else of it changes.
    pub edit: Edit,
}

impl Decision {
    /// A step by somebody's hand.
    #[must_use]
    pub fn audited(step: Step, audit: Audit) -> Self {
        Self { step, audit: Some(audit), to: None, edit: Edit::default() }
    }

    /// A step that moves the run to another queue. Left out if that queue is gone by then.
    #[must_use]
    pub fn moving(step: Step, queue: QueueId, agent: AgentId) -> Self {
        Self { step, audit: None, to: Some((queue, agent)), edit: Edit::default() }
    }
}

impl From<Step> for Decision {
    fn from(step: Step) -> Self {
        Self { step, audit: None, to: None, edit: Edit::default() }
    }
}

/// The columns that mirror a dispatch state, so that indexes can find by it.
#[derive(Debug, Serialize)]
pub(crate) struct StateColumns<'a> {
    status: Status,
    attempt: u32,
    holds_slot: bool,
    offered: bool,
    /// 0 while it is admitted and the broker may not have it, so that the oldest offers come first.
    offered_at: Option<i64>,
    queued_at: Option<i64>,
    wake_at: Option<i64>,
    dispatch: &'a DispatchState,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    updated_at: i64,
    version: i64,
    replaceable: bool,
}

impl<'a> StateColumns<'a> {
    pub(crate) fn of(state: &'a DispatchState, version: i64, now: Time) -> Self {
        Self {
            status: state.status,
            attempt: state.attempt,
            holds_slot: state.status.holds_slot(),
            offered: state.is_offered(),
            offered_at: state.is_offered().then(|| {
                let made = state.offered.filter(|offered| offered.failing_since.is_none());
                made.map_or(0, |offered| offered.at.micros())
            }),
            queued_at: state.queued_at.map(Time::micros),
            wake_at: state.wake_at().map(Time::micros),
            dispatch: state,
            started_at: state.started_at.map(Time::micros),
            finished_at: state.finished_at.filter(|_| state.status.is_final()).map(Time::micros),
            updated_at: now.micros(),
            version,
            replaceable: state.is_replaceable(),
        }
    }
}

#[derive(Serialize)]
struct UpdateRow<'a> {
    id: RunId,
    #[serde(flatten)]
    state: StateColumns<'a>,
}

/// A condition's row.
#[derive(Debug, Serialize)]
pub(crate) struct ConditionRow<'a> {
    run_id: RunId,
    status: Status,
    reason: &'a str,
    message: &'a str,
    attempt: u32,
    at: i64,
}

impl<'a> ConditionRow<'a> {
    pub(crate) fn of(run_id: RunId, condition: &'a Condition) -> Self {
        Self {
            run_id,
            status: condition.status,
            reason: &condition.reason,
            message: &condition.message,
            attempt: condition.attempt,
            at: condition.at.micros(),
        }
    }
}

impl Store {
    /// Locks the runs (in the order of their ids), asks `decide` about each that exists, and writes what it
    /// decided with conditions, dead letters, changes and audit entries, in one transaction. Returns the runs
    /// that changed with their new states.
    ///
    /// `decide` sees each run once; if the commit fails, nothing of it holds, and the caller begins anew.
    ///
    /// # Errors
    /// If the database can't be used: then nothing has changed, unless the connection broke in the very commit;
    /// so whoever retries decides anew, from what is stored then.
    pub async fn transition<D: Into<Decision>>(
        &self,
        ids: &[RunId],
        now: Time,
        mut decide: impl FnMut(&RunHead) -> Option<D>,
    ) -> Result<Vec<(RunId, DispatchState)>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let heads = lock(&mut tx, ids).await?;
        let mut decided: Vec<(RunHead, Decision)> = heads
            .into_iter()
            .filter_map(|head| decide(&head).map(|decision| (head, decision.into())))
            .collect();
        let targets = moves::keep_possible(&mut tx, &mut decided).await?;
        if decided.is_empty() {
            return Ok(Vec::new());
        }
        apply(&mut tx, &decided, now).await?;
        moves::write(&mut tx, &decided, &targets, now).await?;
        edits::write(&mut tx, &decided).await?;
        tx.commit().await?;
        self.tally.add(counted(&decided, now));
        Ok(decided.into_iter().map(|(head, decision)| (head.id, decision.step.state)).collect())
    }
}

/// Locks runs and reads what decisions need.
pub(crate) async fn lock(tx: &mut Tx, ids: &[RunId]) -> Result<Vec<RunHead>, Error> {
    let ids: BTreeSet<_> = ids.iter().map(|id| id.uuid()).collect();
    tx.all(sql::runs::HEADS_LOCKED, args![id_rows(ids)?]).await?.iter().map(head).collect()
}

/// Writes what was decided about locked runs, but for where they move to.
pub(crate) async fn apply(tx: &mut Tx, decided: &[(RunHead, Decision)], now: Time) -> Result<(), Error> {
    let updates: Vec<UpdateRow<'_>> = decided
        .iter()
        .map(|(head, decision)| UpdateRow {
            id: head.id,
            state: StateColumns::of(&decision.step.state, head.version + 1, now),
        })
        .collect();
    for batch in batches(&updates)? {
        tx.run(sql::runs::UPDATE_STATE, args![batch]).await?;
    }
    let conditions: Vec<ConditionRow<'_>> = decided
        .iter()
        .flat_map(|(head, decision)| {
            decision.step.conditions.iter().map(|condition| ConditionRow::of(head.id, condition))
        })
        .collect();
    write_conditions(tx, &conditions).await?;
    let letters: Vec<DeadLetterRow<'_>> = decided
        .iter()
        .filter_map(|(head, decision)| {
            Some(DeadLetterRow::poison(head, decision.step.dead_letter.as_deref()?, now))
        })
        .collect();
    dead_letters::write(tx, &letters).await?;
    let changes: Vec<NewChange<'_>> = decided
        .iter()
        .map(|(head, decision)| {
            let status = decision.step.state.status;
            NewChange::run(head.id, &head.owner, head.project_id, head.version + 1, status, now)
        })
        .collect();
    changes::write(tx, &changes).await?;
    let entries: Vec<(&Audit, About<'_>)> = decided
        .iter()
        .filter_map(|(head, decision)| {
            let name = head.name.as_deref();
            let about = About { owner: &head.owner, kind: "run", id: Some(head.id.uuid()), name };
            decision.audit.as_ref().map(|audit| (audit, about))
        })
        .collect();
    audit::write(tx, &entries).await
}
