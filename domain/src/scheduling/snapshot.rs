//! What a decision is made from: the limits with their uses, and the heads of the waiting lanes.

use std::cmp::Reverse;
use std::time::Duration;

use super::confine::Confinement;
use super::estimate::Pace;
use super::fairness::Fairness;
use super::limits::{Demand, Limit, Limits};
use super::protocol::QueueProtocol;
use super::settings::Preemption;
use crate::feature::Features;
use crate::id::{AgentId, ProjectId, QueueId, RunId};
use crate::time::Time;

/// That a queue, or an agent, starts nothing for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Why, in the words of who paused it.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when, if it ends by itself.
    pub until: Option<Time>,
    /// Whether it lets no new run in, either.
    pub drain: bool,
}

impl Paused {
    /// Why no new run is let in to `what` at `now`, for people; none if one is.
    #[must_use]
    pub fn refuses(&self, what: &str, now: Time) -> Option<String> {
        (self.drain && self.holds(now)).then(|| format!("{what} is being drained{}", self.told()))
    }

    /// By whom, until when and why.
    #[must_use]
    pub fn told(&self) -> String {
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        format!(" by {}{until}: {}", self.by, self.reason)
    }

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
    /// What of its runs is limited.
    pub limits: Limits,
    /// Whether its lease holds.
    pub is_live: bool,
    /// What becomes of its runs while it is lost, for people.
    pub loss: Option<String>,
    /// Whether it takes nothing new.
    pub is_cordoned: bool,
    /// Why, by whom and until when, if that was said.
    pub hold: Option<Paused>,
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
    /// By which protocol it is served.
    pub protocol: QueueProtocol,
    /// Its place among its agent's queues: larger first, and -1 above all.
    pub priority: i32,
    /// What of its runs is limited.
    pub limits: Limits,
    /// Whose turn it is, between the lanes of equal priority.
    pub fairness: Fairness,
    /// How fast it started runs lately.
    pub pace: Pace,
    /// How long a run waits for a quota before what it needs is kept for it; none: for ever.
    pub reserve_after: Option<Duration>,
    /// Attempts on the broker, and how many may be.
    pub window: Limit,
    /// Whether it starts nothing for now.
    pub paused: Option<Paused>,
    /// Whether its runs may end others.
    pub preemption: Preemption,
}

/// A project, as far as choosing goes.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectView {
    /// Which.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// What of its runs is limited.
    pub limits: Limits,
    /// What it may use.
    pub confinement: Confinement,
}

/// A run that other runs belong to, and that limits how many of them run at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineView {
    /// Which.
    pub id: RunId,
    /// Its name, or its id where it has none.
    pub name: String,
    /// What of its runs is limited.
    pub limits: Limits,
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
    pub fn order(&self) -> (Reverse<u8>, Time, RunId) {
        (Reverse(self.priority), self.queued_at, self.run)
    }
}

/// When it is a run's turn: the least goes first. By this order, what is kept for a run is kept from those after it;
/// shares take their turns by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Its queue's place among the queues of its agent.
    pub rank: Reverse<i64>,
    /// Its own priority.
    pub priority: Reverse<u8>,
    /// Since when it waits.
    pub queued_at: Time,
    /// Which.
    pub run: RunId,
}

/// A queue's priority as a place among queues: larger first, and -1 above all.
#[must_use]
pub fn rank(priority: i32) -> i64 {
    if priority < 0 { i64::MAX } else { i64::from(priority) }
}

/// Waiting runs that every rule treats alike: they count towards the same limits by the same amounts, and take their
/// turns together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The queue.
    pub queue: QueueId,
    /// The project.
    pub project: ProjectId,
    /// The pipelines that they are part of, the innermost first.
    pub pipelines: Vec<RunId>,
    /// Whose share of the queue they start from.
    pub share: String,
    /// What each of them takes of quotas.
    pub demand: Demand,
    /// The namespace that they name.
    pub namespace: Option<String>,
    /// The first of them, by [`Candidate::order`].
    pub heads: Vec<Candidate>,
    /// Whether more of them wait behind these.
    pub has_more: bool,
}

/// A run that holds a slot, as far as it could make room for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which.
    pub run: RunId,
    /// Where it waits when it has made room, without heads.
    pub lane: Lane,
    /// Its own priority, 0 to 9, larger first.
    pub priority: u8,
    /// Where it is.
    pub stands: Stands,
}

/// Where a run that holds a slot is, as far as it could make room for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is offered and nobody has claimed it: nothing is lost if it waits again.
    Offered,
    /// It has been at its agent since then.
    Live {
        /// Since when.
        since: Time,
    },
    /// It makes room for that run already.
    Leaves {
        /// For which.
        by: RunId,
    },
    /// It is not to be asked: somebody stops it, or it was asked as often as its retries allow.
    Keeps,
}

/// All that one round of choosing looks at, for one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Time,
    /// Whether offers can be published now.
    pub broker_is_up: bool,
    /// What of the organization's runs is limited.
    pub organization: Limits,
    /// Its agents.
    pub agents: Vec<AgentView>,
    /// Their queues.
    pub queues: Vec<QueueView>,
    /// Its projects.
    pub projects: Vec<ProjectView>,
    /// Its pipelines that have waiting runs.
    pub pipelines: Vec<PipelineView>,
    /// What waits.
    pub lanes: Vec<Lane>,
    /// What holds slots at agents with a queue in which something waits that may end others; of the rest nothing is known.
    pub holders: Vec<Holder>,
}

/// What is known of a level.
#[derive(Debug, Clone, Copy)]
pub struct LevelView<'a> {
    /// `organization`, `project`, `agent`, `queue`, `pipeline`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
    /// What of its runs is limited.
    pub limits: &'a Limits,
}

/// Something that limits are set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The organization.
    Organization,
    /// A project of it.
    Project(ProjectId),
    /// An agent of it.
    Agent(AgentId),
    /// A queue of an agent.
    Queue(QueueId),
    /// A run that others belong to.
    Pipeline(RunId),
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

    /// What is known of a level; nothing, if it is not in the snapshot: then it limits nothing.
    #[must_use]
    pub fn level(&self, level: Level) -> Option<LevelView<'_>> {
        let view = |kind, name, limits| LevelView { kind, name, limits };
        match level {
            Level::Organization => Some(view("organization", "default", &self.organization)),
            Level::Project(id) => self.project(id).map(|it| view("project", it.name.as_str(), &it.limits)),
            Level::Agent(id) => self.agent(id).map(|it| view("agent", it.name.as_str(), &it.limits)),
            Level::Queue(id) => self.queue(id).map(|it| view("queue", it.name.as_str(), &it.limits)),
            Level::Pipeline(id) => {
                let found = self.pipelines.iter().find(|pipeline| pipeline.id == id);
                found.map(|it| view("pipeline", it.name.as_str(), &it.limits))
            }
        }
    }

    /// When it is a run's turn.
    #[must_use]
    pub fn turn(&self, lane: &Lane, candidate: &Candidate) -> Turn {
        let rank = self.queue(lane.queue).map_or(i64::MIN, |queue| rank(queue.priority));
        Turn {
            rank: Reverse(rank),
            priority: Reverse(candidate.priority),
            queued_at: candidate.queued_at,
            run: candidate.run,
        }
    }

    /// Everything with limits that a start of `lane` counts towards, the widest first.
    pub fn levels<'a>(&'a self, lane: &'a Lane) -> impl Iterator<Item = Level> + 'a {
        let agent = self.queue(lane.queue).map(|queue| Level::Agent(queue.agent));
        [Some(Level::Organization), Some(Level::Project(lane.project)), agent, Some(Level::Queue(lane.queue))]
            .into_iter()
            .flatten()
            .chain(lane.pipelines.iter().map(|pipeline| Level::Pipeline(*pipeline)))
    }

    /// The limits of a level, to count with.
    pub(super) fn limits_mut(&mut self, level: Level) -> Option<&mut Limits> {
        match level {
            Level::Organization => Some(&mut self.organization),
            Level::Project(id) => self.projects.iter_mut().find(|it| it.id == id).map(|it| &mut it.limits),
            Level::Agent(id) => self.agents.iter_mut().find(|it| it.id == id).map(|it| &mut it.limits),
            Level::Queue(id) => self.queues.iter_mut().find(|it| it.id == id).map(|it| &mut it.limits),
            Level::Pipeline(id) => self.pipelines.iter_mut().find(|it| it.id == id).map(|it| &mut it.limits),
        }
    }
}
