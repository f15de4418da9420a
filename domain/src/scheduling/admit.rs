//! Choosing: agents share the round in turn; of an agent its queues by priority, equal ones in turn; of a queue its
//! runs by priority, the turns of the shares, age and id, past every lane that a limit of its own holds back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::estimate::{Pace, Starts};
use super::fairness::{Fairness, dominant_part};
use super::limits::{Limit, Limits};
use super::preempt::{Victim, preempt};
use super::reserve::{Reservations, has_waited};
use super::rules::blocks_with;
use super::snapshot::{Candidate, Lane, Level, QueueView, Snapshot, rank};
use crate::id::{ProjectId, QueueId, RunId};
use crate::time::Time;

/// A run that may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The run.
    pub run: RunId,
    /// Its queue.
    pub queue: QueueId,
    /// Its project.
    pub project: ProjectId,
    /// Its lane's place in the snapshot.
    pub lane: usize,
}

/// What a round chose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The runs that start, in order.
    pub starts: Vec<Admission>,
    /// How far the shares of the queues have come in which something starts.
    pub fairness: BTreeMap<QueueId, Fairness>,
    /// How fast these queues start runs, this round included.
    pub paces: BTreeMap<QueueId, Pace>,
    /// The runs that are to make room; only where nothing starts.
    pub victims: Vec<Victim>,
}

/// Chooses the runs that may start now, at most `most` of them; where none may, those that are to make room.
#[must_use]
pub fn choose(snapshot: &Snapshot, most: usize) -> Choice {
    let choice = admit(snapshot, most);
    if choice.starts.is_empty() { Choice { victims: preempt(snapshot), ..choice } } else { choice }
}

/// Chooses the runs that may start now, in order, at most `most` of them.
///
/// What it returns never passes a limit of the snapshot, and it leaves no run that no rule holds back (but for
/// `most`, and for runs behind the heads that the snapshot has of each lane). One choice costs O(log n) in the
/// lanes that wait.
#[must_use]
pub fn admit(snapshot: &Snapshot, most: usize) -> Choice {
    let mut round = Round::new(snapshot);
    let mut starts = Vec::new();
    while starts.len() < most {
        let Some(admission) = round.next() else { break };
        starts.push(admission);
    }
    let (fairness, paces) = round.progress();
    Choice { starts, fairness, paces, victims: Vec::new() }
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

/// By what the shares of a queue take their turns, the least first: priority, what is due, age.
type ShareTurn = Reverse<(Reverse<u8>, i64, Time, RunId, usize)>;

/// A share of a queue with what waits of it.
struct OpenShare<'a> {
    key: &'a str,
    heads: BinaryHeap<Head<'a>>,
    /// Whether one of its lanes was held back by nothing but what all lanes of the queue share.
    waits: bool,
}

/// A queue with what waits in it, and what this round may still offer.
struct OpenQueue<'a> {
    view: &'a QueueView,
    window: Limit,
    fairness: Fairness,
    shares: Vec<OpenShare<'a>>,
    /// Each share that has heads, once.
    turns: BinaryHeap<ShareTurn>,
    /// How many started, by share and priority.
    starts: BTreeMap<(usize, u8), u32>,
}

/// An agent with its queues: bands of equal priority, each shared in turn; what has no more to offer is put aside.
struct OpenAgent<'a> {
    bands: VecDeque<VecDeque<OpenQueue<'a>>>,
    done: Vec<OpenQueue<'a>>,
}

/// What limits this round may still take from.
struct Uses<'a> {
    snapshot: &'a Snapshot,
    limits: BTreeMap<Level, Limits>,
    reservations: Reservations,
}

struct Round<'a> {
    uses: Uses<'a>,
    agents: VecDeque<OpenAgent<'a>>,
    done: Vec<OpenAgent<'a>>,
}

impl<'a> Round<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let uses = Uses::new(snapshot);
        let mut waiting: BTreeMap<QueueId, BTreeMap<&'a str, OpenShare<'a>>> = BTreeMap::new();
        for (index, lane) in snapshot.lanes.iter().enumerate() {
            let Some((candidate, rest)) = lane.heads.split_first() else { continue };
            let share = waiting
                .entry(lane.queue)
                .or_default()
                .entry(&lane.share)
                .or_insert_with(|| OpenShare { key: &lane.share, heads: BinaryHeap::new(), waits: false });
            // What blocks the lane before the round blocks it throughout: uses only grow.
            if blocks_with(snapshot, lane, &uses.reservations).is_empty() {
                share.heads.push(Head { candidate, lane: index, rest });
            } else {
                share.waits |= uses.waits_for_all(lane);
            }
        }
        let mut agents = VecDeque::new();
        for agent in &snapshot.agents {
            let mut bands: BTreeMap<Reverse<i64>, VecDeque<OpenQueue<'a>>> = BTreeMap::new();
            for view in snapshot.queues.iter().filter(|queue| queue.agent == agent.id) {
                if let Some(shares) = waiting.remove(&view.id) {
                    let queue = OpenQueue::new(view, shares.into_values().collect());
                    bands.entry(Reverse(rank(view.priority))).or_default().push_back(queue);
                }
            }
            if !bands.is_empty() {
                agents.push_back(OpenAgent { bands: bands.into_values().collect(), done: Vec::new() });
            }
        }
        Self { uses, agents, done: Vec::new() }
    }

    /// The next run, of the next agent in turn that has one.
    fn next(&mut self) -> Option<Admission> {
        while let Some(mut agent) = self.agents.pop_front() {
            if let Some(admission) = agent.next(&mut self.uses) {
                self.agents.push_back(agent);
                return Some(admission);
            }
            self.done.push(agent);
        }
        None
    }

    fn progress(self) -> (BTreeMap<QueueId, Fairness>, BTreeMap<QueueId, Pace>) {
        let snapshot = self.uses.snapshot;
        self.agents
            .into_iter()
            .chain(self.done)
            .flat_map(|agent| agent.bands.into_iter().flatten().chain(agent.done))
            .filter(|queue| !queue.starts.is_empty())
            .map(|queue| {
                let (id, (fairness, pace)) = (queue.view.id, queue.advanced(snapshot));
                ((id, fairness), (id, pace))
            })
            .unzip()
    }
}

impl OpenAgent<'_> {
    fn next(&mut self, uses: &mut Uses<'_>) -> Option<Admission> {
        loop {
            let band = self.bands.front_mut()?;
            let Some(mut queue) = band.pop_front() else {
                self.bands.pop_front();
                continue;
            };
            if let Some(admission) = queue.next(uses) {
                band.push_back(queue);
                return Some(admission);
            }
            self.done.push(queue);
        }
    }
}

impl<'a> OpenQueue<'a> {
    fn new(view: &'a QueueView, shares: Vec<OpenShare<'a>>) -> Self {
        let fairness = view.fairness.clone();
        let mut queue = Self {
            view,
            window: view.window,
            fairness,
            shares,
            turns: BinaryHeap::new(),
            starts: BTreeMap::new(),
        };
        for index in 0..queue.shares.len() {
            queue.line_up(index);
        }
        queue
    }

    /// Gives a share its next turn, if it has something left.
    fn line_up(&mut self, index: usize) {
        let share = &self.shares[index];
        if let Some(head) = share.heads.peek() {
            let (priority, queued_at, run) = head.candidate.order();
            self.turns.push(Reverse((priority, self.fairness.due(share.key), queued_at, run, index)));
        }
    }

    fn next(&mut self, uses: &mut Uses<'_>) -> Option<Admission> {
        while !self.window.is_full() {
            let Reverse((.., index)) = self.turns.pop()?;
            let share = &mut self.shares[index];
            let Some(head) = share.heads.pop() else { continue };
            let lane = &uses.snapshot.lanes[head.lane];
            let admission = Admission {
                run: head.candidate.run,
                queue: lane.queue,
                project: lane.project,
                lane: head.lane,
            };
            let may_start = uses.may_start(lane, head.candidate);
            if may_start {
                uses.take(lane);
                self.window.used += 1;
                *self.starts.entry((index, head.candidate.priority)).or_default() += 1;
                self.fairness.start(share.key, dominant_part(&self.view.limits, &lane.demand));
                match head.rest.split_first() {
                    Some((candidate, rest)) => share.heads.push(Head { candidate, lane: head.lane, rest }),
                    // Whose turn it is now is not known: the next of this lane may come before all others.
                    None if lane.has_more => {
                        share.waits = true;
                        self.turns.clear();
                        return Some(admission);
                    }
                    None => {}
                }
            } else {
                // The lane is out for this round; the others go on.
                share.waits |= uses.waits_for_all(lane);
            }
            self.line_up(index);
            if may_start {
                return Some(admission);
            }
        }
        None
    }

    /// How far its shares have come after the round, and how fast it is.
    fn advanced(self, snapshot: &Snapshot) -> (Fairness, Pace) {
        let (mut fairness, mut pace) = (self.fairness, self.view.pace.clone());
        let waiting = |share: &OpenShare<'_>| share.waits || !share.heads.is_empty();
        let started: Vec<Starts<'_>> = self
            .starts
            .iter()
            .map(|(&(share, priority), &count)| {
                let share = &self.shares[share];
                Starts { share: share.key, priority, count, waits: share.waits_at(priority, snapshot) }
            })
            .collect();
        pace.note(snapshot.now, &started, self.shares.iter().any(waiting));
        fairness.advance(self.shares.iter().filter(|share| waiting(share)).map(|share| share.key));
        (fairness, pace)
    }
}

impl OpenShare<'_> {
    /// Whether runs of that priority are left, as far as is known.
    fn waits_at(&self, priority: u8, snapshot: &Snapshot) -> bool {
        let is_left = |head: &Head<'_>| {
            let mut known = std::iter::once(head.candidate).chain(head.rest);
            snapshot.lanes[head.lane].has_more || known.any(|candidate| candidate.priority == priority)
        };
        self.waits || self.heads.iter().any(is_left)
    }
}

impl<'a> Uses<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let levels = snapshot.lanes.iter().flat_map(|lane| snapshot.levels(lane));
        let limits =
            levels.filter_map(|level| Some((level, snapshot.level(level)?.limits.clone()))).collect();
        Self { snapshot, limits, reservations: Reservations::of(snapshot) }
    }

    fn may_start(&mut self, lane: &Lane, head: &Candidate) -> bool {
        let snapshot = self.snapshot;
        let holds = |level| self.limits.get(&level).is_none_or(|limits| limits.holds(&lane.demand));
        if snapshot.levels(lane).all(holds) {
            return self.reservations.against(snapshot, lane, head).is_none();
        }
        if has_waited(snapshot, lane, head) {
            for level in snapshot.levels(lane) {
                self.reservations.keep(snapshot, lane, head, level, self.limits.get(&level));
            }
        }
        false
    }

    fn take(&mut self, lane: &Lane) {
        for level in self.snapshot.levels(lane) {
            if let Some(limits) = self.limits.get_mut(&level) {
                limits.take(&lane.demand);
            }
        }
    }

    /// Whether a lane that may not start is held back by nothing but limits that all lanes of its queue count towards.
    fn waits_for_all(&self, lane: &Lane) -> bool {
        let is_shared = |level: &Level| !matches!(level, Level::Project(_) | Level::Pipeline(_));
        self.snapshot
            .levels(lane)
            .filter(|level| !is_shared(level))
            .all(|level| self.limits.get(&level).is_none_or(|limits| limits.holds(&lane.demand)))
    }
}

#[cfg(test)]
mod tests;
