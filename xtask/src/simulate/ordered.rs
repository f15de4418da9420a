//! One line in one order, whose first holds up all that come after it: what most queues do.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::trace::Run;

/// Which run is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that was submitted first.
    Age,
    /// The one with the largest priority, and of these the one that was submitted first.
    Priority,
}

/// The line.
#[derive(Debug)]
pub struct Ordered<'a> {
    runs: &'a [Run],
    order: Order,
    /// Runs come in the order of their submission, so that their place in the trace is their age.
    waiting: BTreeSet<(Reverse<u8>, usize)>,
}

impl<'a> Ordered<'a> {
    /// A line with nothing in it.
    #[must_use]
    pub fn new(runs: &'a [Run], order: Order) -> Self {
        Self { runs, order, waiting: BTreeSet::new() }
    }

    /// Lines up a run.
    pub fn submit(&mut self, run: usize) {
        let priority = match self.order {
            Order::Age => 0,
            Order::Priority => self.runs[run].priority,
        };
        self.waiting.insert((Reverse(priority), run));
    }

    /// Takes the first out of the line, if it may start.
    pub fn next(&mut self, may_start: impl Fn(usize) -> bool) -> Option<usize> {
        let first = *self.waiting.first()?;
        may_start(first.1).then(|| self.waiting.remove(&first)).map(|_| first.1)
    }
}
