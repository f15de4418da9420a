//! Where a trace is replayed: one agent with what it has, and its queues. All rules have the same, and none may pass it.

use std::collections::BTreeMap;

use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Demand, Limit, Limits, Quota, Sharing};

use super::trace::{Run, Trace};

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its place among the others: larger first, and -1 above all.
    pub priority: i32,
    /// What of its runs is limited.
    pub limits: Limits,
}

/// One agent with its queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// What the agent has: slots, and amounts of resources.
    pub limits: Limits,
    /// Its queues.
    pub queues: Vec<Queue>,
    /// How the runs of a queue share it, under Berth's rules.
    pub sharing: Sharing,
}

/// Limits on slots and amounts, of which nothing is used.
#[must_use]
pub fn limits(slots: Option<u32>, amounts: &BTreeMap<String, Quantity>) -> Limits {
    let quota = |(resource, limit): (&String, &Quantity)| Quota {
        resource: resource.clone(),
        limit: *limit,
        used: Quantity::ZERO,
    };
    Limits { quotas: amounts.iter().map(quota).collect(), ..Limits::slots(Limit { limit: slots, used: 0 }) }
}

impl Cluster {
    /// Adds the queues that the trace names and nobody described.
    pub fn add_queues_of(&mut self, trace: &Trace) {
        for run in trace.runs() {
            if self.queue(&run.queue).is_none() {
                let queue = Queue { name: run.queue.clone(), priority: -1, limits: Limits::default() };
                self.queues.push(queue);
            }
        }
    }

    /// The place of a queue among [`Cluster::queues`].
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<usize> {
        self.queues.iter().position(|queue| queue.name == name)
    }

    /// Whether a run could start if nothing else ran; others would wait for ever.
    #[must_use]
    pub fn could_hold(&self, run: &Run) -> bool {
        self.limits.holds(&run.demand)
            && self.queue(&run.queue).is_some_and(|queue| self.queues[queue].limits.holds(&run.demand))
    }
}

/// What is used while a trace is replayed.
#[derive(Debug, Clone)]
pub struct Room {
    /// Of the agent.
    pub agent: Limits,
    /// Of each queue.
    pub queues: Vec<Limits>,
}

impl Room {
    /// All of the cluster, and nothing of it used.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let queues = cluster.queues.iter().map(|queue| queue.limits.clone()).collect();
        Self { agent: cluster.limits.clone(), queues }
    }

    /// Whether a run of that queue may start.
    #[must_use]
    pub fn holds(&self, queue: usize, demand: &Demand) -> bool {
        self.agent.holds(demand) && self.queues[queue].holds(demand)
    }

    /// Counts its start.
    pub fn take(&mut self, queue: usize, demand: &Demand) {
        self.agent.take(demand);
        self.queues[queue].take(demand);
    }

    /// Counts its end.
    pub fn give_back(&mut self, queue: usize, demand: &Demand) {
        self.agent.give_back(demand);
        self.queues[queue].give_back(demand);
    }
}
