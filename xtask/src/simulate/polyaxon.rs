//! Polyaxon's rule, as its documentation has it: an agent's queues by priority; of a queue the older run first, as long as
//! the queue's concurrency and quota allow; what is handed over becomes pods at once, and counts until it has ended. A
//! run's own priority is its pods': it decides in which order Kubernetes places what is handed over. The commercial
//! scheduler's source is not public; what is not documented is chosen here: the first of a queue holds up the others of
//! that queue, and Kubernetes passes over a pod that doesn't fit.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use berth_domain::scheduling::{Limits, rank};
use berth_domain::time::Time;

use super::cluster::Cluster;
use super::trace::Run;

/// A queue with what waits in it, and what of it is handed over.
#[derive(Debug)]
struct Queue {
    rank: Reverse<i64>,
    handed_over: Limits,
    waiting: VecDeque<usize>,
}

/// The queues, and the pods that wait for a node.
#[derive(Debug)]
pub struct Polyaxon<'a> {
    runs: &'a [Run],
    queue_of: Vec<Option<usize>>,
    queues: Vec<Queue>,
    /// The places of `queues` in the order of their priority.
    order: Vec<usize>,
    /// The runs whose pods wait for a node, in the order in which Kubernetes tries them: by priority, then by age.
    pending: BTreeSet<(Reverse<u8>, Time, usize)>,
}

impl<'a> Polyaxon<'a> {
    /// Queues with nothing in them.
    #[must_use]
    pub fn new(runs: &'a [Run], cluster: &Cluster) -> Self {
        let queues: Vec<Queue> = cluster
            .queues
            .iter()
            .map(|queue| Queue {
                rank: Reverse(rank(queue.priority)),
                handed_over: queue.limits.clone(),
                waiting: VecDeque::new(),
            })
            .collect();
        let mut order: Vec<usize> = (0..queues.len()).collect();
        order.sort_by_key(|queue| queues[*queue].rank);
        let queue_of = runs.iter().map(|run| cluster.queue(&run.queue)).collect();
        Self { runs, queue_of, queues, order, pending: BTreeSet::new() }
    }

    /// Lines up a run in its queue.
    pub fn submit(&mut self, run: usize) {
        if let Some(queue) = self.queue_of[run] {
            self.queues[queue].waiting.push_back(run);
        }
    }

    /// Hands over what queues allow.
    pub fn hand_over(&mut self, now: Time) {
        for queue in &self.order {
            let queue = &mut self.queues[*queue];
            while let Some(run) = queue.waiting.front().copied()
                && queue.handed_over.holds(&self.runs[run].demand)
            {
                queue.waiting.pop_front();
                queue.handed_over.take(&self.runs[run].demand);
                self.pending.insert((Reverse(self.runs[run].priority), now, run));
            }
        }
    }

    /// Takes away the pods that find a node: those for which `places` says so, asked in their order.
    pub fn place(&mut self, mut places: impl FnMut(usize) -> bool) {
        self.pending.retain(|(_, _, run)| !places(*run));
    }

    /// A run has ended.
    pub fn ended(&mut self, run: usize) {
        if let Some(queue) = self.queue_of[run] {
            self.queues[queue].handed_over.give_back(&self.runs[run].demand);
        }
    }
}
