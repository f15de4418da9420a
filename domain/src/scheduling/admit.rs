//! Choosing: agents share the round in turn; of an agent its queues by priority, equal ones in turn; of a
//! queue its runs by priority, age and id, past every lane that a limit of its own holds back.

use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::rules::blocks;
use super::snapshot::{Candidate, Limit, QueueView, Snapshot};
use crate::id::{ProjectId, QueueId, RunId};

/// A run that may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The run.
    pub run: RunId,
    /// Its queue.
    pub queue: QueueId,
    /// Its project.
    pub project: ProjectId,
}

/// Chooses the runs that may start now, in order, at most `most` of them.
///
/// What it returns never passes a limit of the snapshot, and it leaves no run that no rule holds back (but for
/// `most`, and for runs behind the heads that the snapshot has of each lane). One choice costs O(log n) in the
/// lanes that wait.
#[must_use]
pub fn admit(snapshot: &Snapshot, most: usize) -> Vec<Admission> {
    let mut round = Round::new(snapshot);
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let Some(admission) = round.next() else { break };
        chosen.push(admission);
    }
    chosen
}

/// The next run of a lane; the heap's greatest is the one to start first.
#[derive(PartialEq, Eq)]
struct Head<'a> {
    candidate: &'a Candidate,
    lane: usize,
    rest: &'a [Candidate],
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.candidate.order().cmp(&self.candidate.order())
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A queue with what waits in it, and the slots that this round may still take.
struct OpenQueue<'a> {
    view: &'a QueueView,
    slots: Limit,
    window: Limit,
    heads: BinaryHeap<Head<'a>>,
}

/// An agent with its queues: bands of equal priority, each shared in turn.
struct OpenAgent<'a> {
    slots: Limit,
    bands: VecDeque<VecDeque<OpenQueue<'a>>>,
}

struct Round<'a> {
    snapshot: &'a Snapshot,
    organization: Limit,
    projects: BTreeMap<ProjectId, Limit>,
    agents: VecDeque<OpenAgent<'a>>,
}

impl<'a> Round<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let mut waiting: BTreeMap<QueueId, BinaryHeap<Head<'a>>> = BTreeMap::new();
        for (index, lane) in snapshot.lanes.iter().enumerate() {
            // What blocks the lane before the round blocks it throughout: uses only grow.
            if let Some((candidate, rest)) = lane.heads.split_first()
                && blocks(snapshot, lane).is_empty()
            {
                waiting.entry(lane.queue).or_default().push(Head { candidate, lane: index, rest });
            }
        }
        let mut agents = VecDeque::new();
        for agent in &snapshot.agents {
            let mut bands: BTreeMap<std::cmp::Reverse<i64>, VecDeque<OpenQueue<'a>>> = BTreeMap::new();
            for view in snapshot.queues.iter().filter(|queue| queue.agent == agent.id) {
                if let Some(heads) = waiting.remove(&view.id) {
                    bands.entry(std::cmp::Reverse(rank(view.priority))).or_default().push_back(OpenQueue {
                        view,
                        slots: view.slots,
                        window: view.window,
                        heads,
                    });
                }
            }
            if !bands.is_empty() {
                agents.push_back(OpenAgent { slots: agent.slots, bands: bands.into_values().collect() });
            }
        }
        Self {
            snapshot,
            organization: snapshot.organization,
            projects: snapshot.projects.iter().map(|project| (project.id, project.slots)).collect(),
            agents,
        }
    }

    /// The next run, of the next agent in turn that has one.
    fn next(&mut self) -> Option<Admission> {
        while !self.organization.is_full() {
            let mut agent = self.agents.pop_front()?;
            if let Some(admission) = agent.next(self.snapshot, &mut self.projects) {
                self.organization.used += 1;
                self.agents.push_back(agent);
                return Some(admission);
            }
        }
        None
    }
}

impl<'a> OpenAgent<'a> {
    fn next(
        &mut self,
        snapshot: &'a Snapshot,
        projects: &mut BTreeMap<ProjectId, Limit>,
    ) -> Option<Admission> {
        while !self.slots.is_full() {
            let band = self.bands.front_mut()?;
            let Some(mut queue) = band.pop_front() else {
                self.bands.pop_front();
                continue;
            };
            if let Some(admission) = queue.next(snapshot, projects) {
                self.slots.used += 1;
                band.push_back(queue);
                return Some(admission);
            }
        }
        None
    }
}

impl<'a> OpenQueue<'a> {
    fn next(
        &mut self,
        snapshot: &'a Snapshot,
        projects: &mut BTreeMap<ProjectId, Limit>,
    ) -> Option<Admission> {
        while !self.slots.is_full() && !self.window.is_full() {
            let head = self.heads.pop()?;
            let project = snapshot.lanes[head.lane].project;
            let slots = projects.entry(project).or_default();
            if slots.is_full() {
                continue; // the lane is out for this round; the others go on
            }
            slots.used += 1;
            self.slots.used += 1;
            self.window.used += 1;
            let run = head.candidate.run;
            if let Some((candidate, rest)) = head.rest.split_first() {
                self.heads.push(Head { candidate, lane: head.lane, rest });
            }
            return Some(Admission { run, queue: self.view.id, project });
        }
        None
    }
}

/// Larger first, and -1 above all.
fn rank(priority: i32) -> i64 {
    if priority < 0 { i64::MAX } else { i64::from(priority) }
}

#[cfg(test)]
mod tests;
