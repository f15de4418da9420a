//! Why a run waits: its place, the rules that hold it back, and when it may start.

use serde::{Deserialize, Serialize};

use super::estimate::{Ahead, Estimate, estimate};
use super::overflow::Outlook;
use super::rules::{Block, Rule, blocks, lacks};
use super::snapshot::{Holder, Lane, Snapshot, Stands};
use super::waits::Wait;
use crate::feature::Features;
use crate::id::QueueId;
use crate::lifecycle::{DispatchState, Status};
use crate::time::Time;

/// The answer to "why is it waiting".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The run's status.
    pub status: Status,
    /// Its place among the waiting runs of its queue, from 1; none if it does not wait there.
    pub position: Option<u64>,
    /// How many wait in its queue.
    pub of: Option<u64>,
    /// The rules that hold it back now.
    pub blocked_by: Vec<Block>,
    /// When it may start.
    pub estimate: Option<Estimate>,
    /// What it had waited for up to now, in all its attempts: it is remembered for some time, and told to about a second.
    pub waited: Vec<Wait>,
    /// Why no node of its agent could take it, as far as the agent said what nodes it has: a hint, and not a rule,
    /// since nodes come and go.
    #[serde(default)]
    pub placement: Vec<String>,
    /// Where else a waiting run may go, and when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Outlook>,
}

/// Where a run stands in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place, from 1.
    pub position: u64,
    /// Of so many.
    pub of: u64,
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The run's dispatch state.
    pub state: &'a DispatchState,
    /// What limits it counts towards; itself the head, if it is queued.
    pub lane: &'a Lane,
    /// Its place in its queue, if it is queued.
    pub place: Option<Place>,
    /// What it waits for before it may be queued: `approval` or `upload`.
    pub pending: Option<&'a str>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// All lanes of its queue, counted against it; none, if it does not wait there or nobody has counted.
    pub ahead: &'a [Ahead<'a>],
}

/// Explains a run by the rules that [`super::admit`] goes by.
#[must_use]
pub fn explain(snapshot: &Snapshot, asked: Asked<'_>) -> Explanation {
    let Asked { state, lane, place, pending, needs, ahead } = asked;
    let queue = lane.queue;
    let agent = snapshot.queue(queue).and_then(|queue| snapshot.agent(queue.agent));
    let blocked_by = match state.status {
        Status::Queued => {
            let mut found = blocks(snapshot, lane);
            note_who_leaves(snapshot, lane, &mut found);
            found.extend(agent.and_then(|agent| lacks(agent, needs)));
            if found.is_empty()
                && let Some(place) = place.filter(|place| place.position > 1)
            {
                found.push(behind(snapshot, queue, place));
            }
            found
        }
        Status::OnSchedule => waiting_until(Rule::Schedule, "it is held until", state.due_at),
        Status::Retrying => waiting_until(Rule::RetryBackoff, "its next attempt waits until", state.due_at),
        Status::Created => pending.into_iter().map(pending_block).collect(),
        Status::Scheduled => {
            agent_blocks(snapshot, queue, |agent| format!("it is offered to agent {agent}, which is away"))
        }
        Status::Unschedulable => vec![Block::plain(
            Rule::Unschedulable,
            "run",
            "",
            "the cluster finds no node for it; its conditions have the cluster's own words".to_owned(),
        )],
        Status::Starting if state.is_handed() => vec![workers(snapshot, queue, state)],
        // It has started, and nobody can tell how it goes on.
        status if status.is_at_agent() => agent_blocks(snapshot, queue, |agent| {
            let then =
                if state.is_replaceable() { "it ends there by itself" } else { "it goes on there unseen" };
            format!("agent {agent}, which has it, is away; {then}")
        }),
        _ => Vec::new(),
    };
    let can = agent.is_some_and(|agent| lacks(agent, needs).is_none());
    let estimate = if state.status == Status::Queued && can && !ahead.is_empty() {
        estimate(snapshot, lane, ahead)
    } else {
        None
    };
    Explanation {
        status: state.status,
        position: place.map(|place| place.position),
        of: place.map(|place| place.of),
        blocked_by,
        estimate,
        waited: Vec::new(),
        placement: Vec::new(),
        overflow: None,
    }
}

/// Says which runs make room for the head of `lane`, where limits hold it back.
fn note_who_leaves(snapshot: &Snapshot, lane: &Lane, found: &mut [Block]) {
    let Some(head) = lane.heads.first() else { return };
    let leaves = |holder: &&Holder| matches!(holder.stands, Stands::Leaves { by } if by == head.run);
    let leaving: Vec<String> =
        snapshot.holders.iter().filter(leaves).map(|holder| holder.run.to_string()).collect();
    let limit = found.iter_mut().find(|block| matches!(block.rule, Rule::Limit | Rule::Quota));
    if let (Some(block), false) = (limit, leaving.is_empty()) {
        block.message = format!("{}; room is made for it by run {}", block.message, leaving.join(", "));
    }
}

fn behind(snapshot: &Snapshot, queue: QueueId, place: Place) -> Block {
    let name = snapshot.queue(queue).map_or("", |queue| queue.name.as_str());
    let ahead = place.position - 1;
    let message = format!("{ahead} of the {} runs that wait in queue {name} come first", place.of);
    Block::plain(Rule::Behind, "queue", name, message)
}

/// It was handed to workers, and none has said that it began.
fn workers(snapshot: &Snapshot, queue: QueueId, state: &DispatchState) -> Block {
    let name = snapshot.queue(queue).map_or("", |queue| queue.name.as_str());
    let until = state.claim.as_ref().map(|claim| format!(" until {}", claim.over_at)).unwrap_or_default();
    let message = format!(
        "it was handed to the Celery workers of queue {name}, and none has said that it began: they are busy, or none is \
         there; their answer is waited for{until}"
    );
    Block::plain(Rule::Workers, "queue", name, message)
}

fn waiting_until(rule: Rule, what: &str, until: Option<Time>) -> Vec<Block> {
    let until = until.map_or_else(|| "an unknown time".to_owned(), |until| until.to_string());
    vec![Block::plain(rule, "run", "", format!("{what} {until}"))]
}

fn pending_block(pending: &str) -> Block {
    if pending == "upload" {
        Block::plain(Rule::Upload, "run", "", "its files are still to be uploaded".to_owned())
    } else {
        Block::plain(Rule::Approval, "run", "", "somebody has to approve it".to_owned())
    }
}

/// What is offered to an agent, or is there, waits for that alone.
fn agent_blocks(snapshot: &Snapshot, queue: QueueId, what: impl FnOnce(&str) -> String) -> Vec<Block> {
    let queue = snapshot.queue(queue).filter(|queue| queue.protocol.needs_agent());
    let Some(agent) = queue.and_then(|queue| snapshot.agent(queue.agent)) else { return Vec::new() };
    if agent.is_live {
        return Vec::new();
    }
    vec![Block::agent_lost(agent, what(&agent.name))]
}
