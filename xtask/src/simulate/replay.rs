//! The virtual clock: submissions and ends in the order of their times, and after each moment the question who starts.
//! Hand-over costs nothing here: a run that may start runs at once. Nothing is read, written or measured.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use berth_domain::scheduling::{Limit, Limits};
use berth_domain::time::Time;

use super::cluster::{Cluster, Room};
use super::ordered::{Order, Ordered};
use super::ours::Ours;
use super::polyaxon::Polyaxon;
use super::trace::{Run, Trace};

/// By what rule runs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Berth's: the functions of `domain::scheduling` that admit.
    Berth,
    /// In the order of submission; nothing passes the first.
    Fifo,
    /// What Polyaxon documents: see [`Polyaxon`].
    Polyaxon,
    /// By the run's priority, then by submission; nothing passes the first.
    Priority,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Berth, Self::Fifo, Self::Polyaxon, Self::Priority];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Berth => "berth",
            Self::Fifo => "fifo",
            Self::Polyaxon => "polyaxon",
            Self::Priority => "priority",
        }
    }
}

/// How a trace went under a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The rule.
    pub rule: Rule,
    /// When each run of the trace started; none of what never did.
    pub starts: Vec<Option<Time>>,
    /// The runs, by their places in the trace, in the order in which they started.
    pub order: Vec<usize>,
    /// How often a run made room for another one; it began anew, later, and these are its last starts above.
    pub preempted: usize,
    /// How long those had run by then.
    pub lost: Duration,
}

/// The waiting runs, in the form that their rule wants.
enum Line<'a> {
    Ours(Ours),
    Ordered(Ordered<'a>),
    Polyaxon(Polyaxon<'a>),
}

/// What runs, and what has run.
struct Floor<'a> {
    runs: &'a [Run],
    /// The queue of each run.
    queues: Vec<usize>,
    room: Room,
    /// Since when each runs that does.
    running: BTreeMap<usize, Time>,
    /// When they end; also of those that have made room since.
    ends: BinaryHeap<Reverse<(Time, usize)>>,
    starts: Vec<Option<Time>>,
    order: Vec<usize>,
    preempted: usize,
    lost: Duration,
}

impl Floor<'_> {
    fn holds(&self, run: usize) -> bool {
        self.room.holds(self.queues[run], &self.runs[run].demand)
    }

    fn start(&mut self, run: usize, now: Time) {
        self.room.take(self.queues[run], &self.runs[run].demand);
        self.running.insert(run, now);
        self.starts[run] = Some(now);
        self.order.push(run);
        self.ends.push(Reverse((now.plus(self.runs[run].duration), run)));
    }

    /// Ends a run that runs; since when it did.
    fn stop(&mut self, run: usize) -> Option<Time> {
        let since = self.running.remove(&run)?;
        self.room.give_back(self.queues[run], &self.runs[run].demand);
        Some(since)
    }

    /// The next run that ends at `now`.
    fn next_end(&mut self, now: Time) -> Option<usize> {
        while self.ends.peek().is_some_and(|Reverse((at, _))| *at == now) {
            let Reverse((_, run)) = self.ends.pop()?;
            let ends_now = |since: &Time| since.plus(self.runs[run].duration) == now;
            if self.running.get(&run).is_some_and(ends_now) {
                self.stop(run);
                return Some(run);
            }
        }
        None
    }

    /// Has a run make room.
    fn preempt(&mut self, run: usize, now: Time) {
        let Some(since) = self.stop(run) else { return };
        self.starts[run] = None;
        self.order.retain(|started| *started != run);
        self.preempted += 1;
        self.lost += now.since(since);
    }
}

/// A replay under way.
pub struct Replay<'a> {
    rule: Rule,
    floor: Floor<'a>,
    line: Line<'a>,
    submitted: usize,
}

/// Replays a trace to its end.
#[must_use]
pub fn replay(trace: &Trace, cluster: &Cluster, rule: Rule) -> Outcome {
    let mut replay = Replay::new(trace, cluster, rule);
    while replay.step().is_some() {}
    replay.outcome()
}

impl<'a> Replay<'a> {
    /// A replay before its first moment. Runs of queues that the cluster does not have never start.
    #[must_use]
    pub fn new(trace: &'a Trace, cluster: &Cluster, rule: Rule) -> Self {
        let runs = trace.runs();
        let none = cluster.queues.len();
        let mut room = Room::of(cluster);
        // Where what waits in no queue of the cluster is counted; it holds nothing.
        room.queues.push(Limits::slots(Limit { limit: Some(0), used: 0 }));
        let queues: Vec<usize> = runs.iter().map(|run| cluster.queue(&run.queue).unwrap_or(none)).collect();
        let line = match rule {
            Rule::Berth => Line::Ours(Ours::new(runs, cluster)),
            Rule::Fifo => Line::Ordered(Ordered::new(runs, Order::Age)),
            Rule::Priority => Line::Ordered(Ordered::new(runs, Order::Priority)),
            Rule::Polyaxon => Line::Polyaxon(Polyaxon::new(runs, cluster)),
        };
        let floor = Floor {
            runs,
            queues,
            room,
            running: BTreeMap::new(),
            ends: BinaryHeap::new(),
            starts: vec![None; runs.len()],
            order: Vec::new(),
            preempted: 0,
            lost: Duration::ZERO,
        };
        Self { rule, floor, line, submitted: 0 }
    }

    /// Goes on to the next moment at which something is submitted or ends, and starts what may start then; nothing,
    /// when neither will happen any more.
    pub fn step(&mut self) -> Option<Time> {
        let runs = self.floor.runs;
        let next_end = self.floor.ends.peek().map(|Reverse((at, _))| *at);
        let next_run = runs.get(self.submitted).map(|run| run.submitted);
        let now = next_end.into_iter().chain(next_run).min()?;
        while let Some(run) = self.floor.next_end(now) {
            if let Line::Polyaxon(line) = &mut self.line {
                line.ended(run);
            }
        }
        while runs.get(self.submitted).is_some_and(|run| run.submitted == now) {
            match &mut self.line {
                Line::Ours(line) => line.submit(self.submitted, &runs[self.submitted], now),
                Line::Ordered(line) => line.submit(self.submitted),
                Line::Polyaxon(line) => line.submit(self.submitted),
            }
            self.submitted += 1;
        }
        self.start(now);
        Some(now)
    }

    fn start(&mut self, now: Time) {
        let Self { floor, line, .. } = self;
        match line {
            Line::Ours(line) => loop {
                let started = line.choose(now, &floor.room);
                if !started.is_empty() {
                    started.into_iter().for_each(|run| floor.start(run, now));
                    continue;
                }
                let leaving = line.make_room(now, &floor.room, &floor.running, floor.runs);
                if leaving.is_empty() {
                    break;
                }
                for run in leaving {
                    floor.preempt(run, now);
                    line.submit(run, &floor.runs[run], now);
                }
            },
            Line::Ordered(line) => {
                while let Some(run) = line.next(|run| floor.holds(run)) {
                    floor.start(run, now);
                }
            }
            Line::Polyaxon(line) => {
                line.hand_over(now);
                line.place(|run| {
                    let fits = floor.holds(run);
                    if fits {
                        floor.start(run, now);
                    }
                    fits
                });
            }
        }
    }

    /// The waiting runs under Berth's rules; none, under another.
    #[must_use]
    pub fn ours(&self) -> Option<&Ours> {
        if let Line::Ours(line) = &self.line { Some(line) } else { None }
    }

    /// How it has gone so far.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let Floor { starts, order, preempted, lost, .. } = self.floor;
        Outcome { rule: self.rule, starts, order, preempted, lost }
    }
}
