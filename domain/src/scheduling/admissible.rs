//! What nothing but its agent's hand-over holds back: the work that another replica of an agent could help with.
//!
//! The rules are those that admit, but for what an agent's replicas are there to change: how much is on offer already, and
//! whether there is a replica at all. A broker that is away is passed over too, so that nobody scales down for an outage.
//! It counts with whole lanes, so that it costs what lanes wait and not what runs do. Pure.

use std::collections::BTreeMap;

use super::limits::Limits;
use super::reserve::{Reservations, has_waited};
use super::rules::{Rule, blocks_with, cordoned, paused};
use super::snapshot::{Lane, Level, Snapshot};
use crate::id::QueueId;
use crate::time::Time;

/// What of a queue could start, if it were handed over at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Admissible {
    /// Waiting runs that every limit leaves room for.
    pub waiting: u64,
    /// Since when the longest waiting one of those waits that are next in their lanes.
    pub oldest: Option<Time>,
    /// Attempts on offer that may be claimed. They have their room already.
    pub offered: u64,
}

/// What of each queue is admissible. `waiting` says of each lane of the snapshot how many runs wait in it; of its heads only
/// the first is looked at.
///
/// Limits that several lanes share are given out in the order of their heads' turns, so that the sum over all queues never
/// passes one. Where something is kept for a run that has waited for long, a lane that asks for the same counts one at most.
#[must_use]
pub fn admissible(snapshot: &Snapshot, waiting: &[u64]) -> BTreeMap<QueueId, Admissible> {
    let mut found: BTreeMap<QueueId, Admissible> = BTreeMap::new();
    for queue in &snapshot.queues {
        let agent = snapshot.agent(queue.agent);
        let is_closed = paused(&queue.name, queue.paused.as_ref(), snapshot.now).is_some()
            || agent
                .is_none_or(|agent| cordoned(&agent.name, agent.is_cordoned, agent.hold.as_ref()).is_some());
        if !is_closed {
            found.entry(queue.id).or_default().offered = u64::from(queue.window.used);
        }
    }
    let mut lanes: Vec<(&Lane, u64)> =
        snapshot.lanes.iter().zip(waiting).map(|(lane, waiting)| (lane, *waiting)).collect();
    lanes.retain(|(lane, _)| !lane.heads.is_empty());
    lanes.sort_by_key(|(lane, _)| lane.heads.first().map(|head| snapshot.turn(lane, head)));
    let mut room = Room::of(snapshot);
    for (lane, waiting) in lanes {
        let runs = room.take(lane, waiting);
        if runs > 0 {
            let of = found.entry(lane.queue).or_default();
            of.waiting += runs;
            of.oldest = of.oldest.into_iter().chain(lane.heads.first().map(|head| head.queued_at)).min();
        }
    }
    found
}

/// What limits leave room for.
struct Room<'a> {
    snapshot: &'a Snapshot,
    limits: BTreeMap<Level, Limits>,
    reservations: Reservations,
}

impl<'a> Room<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let levels = snapshot.lanes.iter().flat_map(|lane| snapshot.levels(lane));
        let limits =
            levels.filter_map(|level| Some((level, snapshot.level(level)?.limits.clone()))).collect();
        Self { snapshot, limits, reservations: Reservations::of(snapshot) }
    }

    /// How many of the `waiting` runs of a lane may start; they take their room.
    fn take(&mut self, lane: &Lane, waiting: u64) -> u64 {
        let Some(head) = lane.heads.first() else { return 0 };
        let blocks = blocks_with(self.snapshot, lane, &self.reservations);
        let passed_over = |rule| matches!(rule, Rule::Window | Rule::AgentLost | Rule::BrokerDown);
        if !blocks.iter().all(|block| passed_over(block.rule)) {
            return 0;
        }
        let levels: Vec<Level> = self.snapshot.levels(lane).collect();
        let left = levels
            .iter()
            .filter_map(|level| self.limits.get(level))
            .map(|limits| limits.room(&lane.demand))
            .min();
        let mut runs = waiting.min(left.unwrap_or(u64::MAX));
        if self.reservations.keeps_of(self.snapshot, lane) {
            runs = runs.min(1);
        }
        if left == Some(0) && has_waited(self.snapshot, lane, head) {
            for level in &levels {
                self.reservations.keep(self.snapshot, lane, head, *level, self.limits.get(level));
            }
        }
        for level in levels {
            if let Some(limits) = self.limits.get_mut(&level) {
                limits.take_all(&lane.demand, u32::try_from(runs).unwrap_or(u32::MAX));
            }
        }
        runs
    }
}
