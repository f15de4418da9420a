//! What a decision is made from: the limits with their uses, and the heads of the waiting lanes.

use crate::feature::Features;
use crate::id::{AgentId, ProjectId, QueueId, RunId};
use crate::time::Time;

/// A limit on runs that hold a slot, and how many do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// At most so many; none is unlimited.
    pub limit: Option<u32>,
    /// So many now.
    pub used: u32,
}

impl Limit {
    /// Whether one more would pass it.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.limit.is_some_and(|limit| self.used >= limit)
    }
}

/// That a queue starts nothing for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Why, in the words of who paused it.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when, if it ends by itself.
    pub until: Option<Time>,
}

impl Paused {
    /// Whether it has not ended by itself at `now`.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// An agent, as far as choosing goes.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    /// Which.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its slots.
    pub slots: Limit,
    /// Whether its lease holds.
    pub is_live: bool,
    /// What becomes of its runs while it is lost, for people.
    pub loss: Option<String>,
    /// Whether it takes nothing new.
    pub is_cordoned: bool,
    /// What of operations it can do; all, until it has said.
    pub can: Features,
}

/// A queue, as far as choosing goes.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueView {
    /// Which.
    pub id: QueueId,
    /// Its name in its agent.
    pub name: String,
    /// Whose it is.
    pub agent: AgentId,
    /// Its place among its agent's queues: larger first, and -1 above all.
    pub priority: i32,
    /// Its slots.
    pub slots: Limit,
    /// Attempts on the broker, and how many may be.
    pub window: Limit,
    /// Whether it starts nothing for now.
    pub paused: Option<Paused>,
}

/// A project, as far as choosing goes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectView {
    /// Which.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its slots.
    pub slots: Limit,
}

/// A waiting run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub run: RunId,
    /// Its own priority, 0 to 9, larger first.
    pub priority: u8,
    /// When it entered the backlog.
    pub queued_at: Time,
}

impl Candidate {
    /// Runs are chosen in the ascending order of this key: priority, age, id.
    #[must_use]
    pub fn order(&self) -> (std::cmp::Reverse<u8>, Time, RunId) {
        (std::cmp::Reverse(self.priority), self.queued_at, self.run)
    }
}

/// The waiting runs of one project in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The queue.
    pub queue: QueueId,
    /// The project.
    pub project: ProjectId,
    /// The first of them, by [`Candidate::order`]: as many as one round may start, or all there are.
    pub heads: Vec<Candidate>,
}

/// All that one round of choosing looks at, for one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Time,
    /// Whether offers can be published now.
    pub broker_is_up: bool,
    /// The organization's slots.
    pub organization: Limit,
    /// Its agents.
    pub agents: Vec<AgentView>,
    /// Their queues.
    pub queues: Vec<QueueView>,
    /// Its projects.
    pub projects: Vec<ProjectView>,
    /// What waits.
    pub lanes: Vec<Lane>,
}

impl Snapshot {
    /// The queue of that id.
    #[must_use]
    pub fn queue(&self, id: QueueId) -> Option<&QueueView> {
        self.queues.iter().find(|queue| queue.id == id)
    }

    /// The agent of that id.
    #[must_use]
    pub fn agent(&self, id: AgentId) -> Option<&AgentView> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    /// The project of that id.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> Option<&ProjectView> {
        self.projects.iter().find(|project| project.id == id)
    }
}
