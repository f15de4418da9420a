//! The virtual clock: submissions and ends in the order of their times, and after each moment the question who starts.
//! Hand-over costs nothing here: a run that may start runs at once. Nothing is read, written or measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
}

/// The waiting runs, in the form that their rule wants.
enum Line<'a> {
    Ours(Ours),
    Ordered(Ordered<'a>),
    Polyaxon(Polyaxon<'a>),
}

/// A replay under way.
pub struct Replay<'a> {
    rule: Rule,
    runs: &'a [Run],
    /// The queue of each run.
    queues: Vec<usize>,
    room: Room,
    line: Line<'a>,
    submitted: usize,
    ends: BinaryHeap<Reverse<(Time, usize)>>,
    starts: Vec<Option<Time>>,
    order: Vec<usize>,
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
        let starts = vec![None; runs.len()];
        Self {
            rule,
            runs,
            queues,
            room,
            line,
            submitted: 0,
            ends: BinaryHeap::new(),
            starts,
            order: Vec::new(),
        }
    }

    /// Goes on to the next moment at which something is submitted or ends, and starts what may start then; nothing,
    /// when neither will happen any more.
    pub fn step(&mut self) -> Option<Time> {
        let next_end = self.ends.peek().map(|Reverse((at, _))| *at);
        let next_run = self.runs.get(self.submitted).map(|run| run.submitted);
        let now = next_end.into_iter().chain(next_run).min()?;
        while self.ends.peek().is_some_and(|Reverse((at, _))| *at == now) {
            let Some(Reverse((_, run))) = self.ends.pop() else { break };
            self.room.give_back(self.queues[run], &self.runs[run].demand);
            if let Line::Polyaxon(line) = &mut self.line {
                line.ended(run);
            }
        }
        while self.runs.get(self.submitted).is_some_and(|run| run.submitted == now) {
            match &mut self.line {
                Line::Ours(line) => line.submit(self.submitted, &self.runs[self.submitted]),
                Line::Ordered(line) => line.submit(self.submitted),
                Line::Polyaxon(line) => line.submit(self.submitted),
            }
            self.submitted += 1;
        }
        self.start(now);
        Some(now)
    }

    fn start(&mut self, now: Time) {
        let Self { runs, queues, room, line, ends, starts, order, .. } = self;
        let mut start = |room: &mut Room, run: usize| {
            room.take(queues[run], &runs[run].demand);
            starts[run] = Some(now);
            order.push(run);
            ends.push(Reverse((now.plus(runs[run].duration), run)));
        };
        match line {
            Line::Ours(line) => loop {
                let started = line.choose(now, room);
                if started.is_empty() {
                    break;
                }
                started.into_iter().for_each(|run| start(room, run));
            },
            Line::Ordered(line) => {
                while let Some(run) = line.next(|run| room.holds(queues[run], &runs[run].demand)) {
                    start(room, run);
                }
            }
            Line::Polyaxon(line) => {
                line.hand_over(now);
                line.place(|run| {
                    let fits = room.holds(queues[run], &runs[run].demand);
                    if fits {
                        start(room, run);
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
        Outcome { rule: self.rule, starts: self.starts, order: self.order }
    }
}
