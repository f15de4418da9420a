//! The rules that can hold a lane back: written once, used to admit and to explain.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::{Demand, Limits, Quota};
use super::reserve::Reservations;
use super::snapshot::{AgentView, Lane, Paused, Snapshot};
use crate::feature::Features;
use crate::quantity::Quantity;
use crate::time::Time;

/// A rule's name, as answers and metrics spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Its time has not come.
    Schedule,
    /// Somebody has to approve it.
    Approval,
    /// Files are still to be uploaded.
    Upload,
    /// The next attempt waits for its back-off to end.
    RetryBackoff,
    /// Its queue is paused.
    Paused,
    /// Its queue or agent is being emptied: it starts nothing, and lets no new run in.
    Draining,
    /// Its agent takes nothing new.
    Cordoned,
    /// Its project may not use its queue, agent or namespace any more.
    Confined,
    /// Its queue or agent is gone, or its agent can't do what it needs.
    NoMatchingAgent,
    /// Its agent holds no lease.
    AgentLost,
    /// The broker can't be reached.
    BrokerDown,
    /// A concurrency limit is reached.
    Limit,
    /// A quota has too little left.
    Quota,
    /// A limit on starts per period is reached.
    Rate,
    /// Others, whose share of the queue is less used, go first.
    FairShare,
    /// What it asks for is kept for a run that has waited for it for long.
    Reserved,
    /// Others are before it, and nothing else holds it back.
    Behind,
    /// Enough of its queue is on the broker already.
    Window,
    /// The cluster finds no node for it.
    Unschedulable,
    /// Celery workers have it, or none of them is there: nobody knows.
    Workers,
}

/// How much a limit allows or has in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// Runs, or starts.
    Count(u32),
    /// Of a resource.
    Quantity(Quantity),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Quantity(quantity) => quantity.fmt(f),
        }
    }
}

/// A rule that holds a run back now, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Which.
    pub rule: Rule,
    /// What it is set on: `organization`, `project`, `agent`, `queue`, `pipeline`, `run`, `broker`.
    pub level: String,
    /// The name of that.
    pub name: String,
    /// The limit, if it is one.
    pub limit: Option<Amount>,
    /// How much of it is used.
    pub used: Option<Amount>,
    /// Some of the runs that use it.
    #[serde(default)]
    pub holders: Vec<String>,
    /// A sentence for people.
    pub message: String,
}

impl Block {
    /// A rule on something, without numbers.
    #[must_use]
    pub fn plain(rule: Rule, level: &str, name: &str, message: String) -> Self {
        Self {
            rule,
            level: level.to_owned(),
            name: name.to_owned(),
            limit: None,
            used: None,
            holders: Vec::new(),
            message,
        }
    }

    /// That an agent holds no lease, with what becomes of its runs.
    pub(super) fn agent_lost(agent: &AgentView, what: String) -> Self {
        let message = agent.loss.iter().fold(what, |what, loss| format!("{what}; {loss}"));
        Self::plain(Rule::AgentLost, "agent", &agent.name, message)
    }

    fn numbers(mut self, limit: Amount, used: Amount) -> Self {
        (self.limit, self.used) = (Some(limit), Some(used));
        self
    }
}

/// Which limits of `level` a start with that demand would pass.
fn passed(level: &str, name: &str, limits: &Limits, demand: &Demand) -> Vec<Block> {
    let mut found = Vec::new();
    if let Some(limit) = limits.slots.limit.filter(|_| limits.slots.is_full()) {
        let used = limits.slots.used;
        let message = format!("{level} {name} runs {used} of the {limit} that it may");
        let block = Block::plain(Rule::Limit, level, name, message);
        found.push(block.numbers(Amount::Count(limit), Amount::Count(used)));
    }
    for quota in &limits.quotas {
        let asked = demand.of(&quota.resource);
        if quota.holds(asked) {
            continue;
        }
        let Quota { resource, limit, used } = quota;
        let message = if quota.could_hold(asked) {
            format!(
                "it asks for {asked} of {resource}; {level} {name} uses {used} of the {limit} that it may"
            )
        } else {
            format!("it asks for {asked} of {resource}, and {level} {name} may never use more than {limit}")
        };
        let block = Block::plain(Rule::Quota, level, name, message);
        found.push(block.numbers(Amount::Quantity(*limit), Amount::Quantity(*used)));
    }
    if let Some(rate) = limits.rate.filter(|rate| rate.is_full()) {
        let next = rate.frees_at.map(|at| format!("; the next may start at {at}")).unwrap_or_default();
        let message = format!(
            "{level} {name} started {} in the last {} s, of the {} that it may{next}",
            rate.used,
            rate.period.as_secs_f64(),
            rate.starts
        );
        let block = Block::plain(Rule::Rate, level, name, message);
        found.push(block.numbers(Amount::Count(rate.starts), Amount::Count(rate.used)));
    }
    found
}

/// All the rules that hold a lane back, in the order in which an operator would look at them. None: its head
/// may start.
#[must_use]
pub fn blocks(snapshot: &Snapshot, lane: &Lane) -> Vec<Block> {
    blocks_with(snapshot, lane, &Reservations::of(snapshot))
}

/// The same, with what is kept for others in `snapshot`.
pub(super) fn blocks_with(snapshot: &Snapshot, lane: &Lane, reservations: &Reservations) -> Vec<Block> {
    let mut found = own_blocks(snapshot, lane);
    if let Some(head) = lane.heads.first() {
        found.extend(reservations.against(snapshot, lane, head).map(|kept| kept.block(snapshot)));
    }
    found
}

/// All of them but for what is kept for others.
pub(super) fn own_blocks(snapshot: &Snapshot, lane: &Lane) -> Vec<Block> {
    let Some(queue) = snapshot.queue(lane.queue) else {
        return vec![gone("queue", &lane.queue.to_string())];
    };
    let Some(agent) = snapshot.agent(queue.agent) else {
        return vec![gone("agent", &queue.agent.to_string())];
    };
    let mut found = Vec::new();
    if !snapshot.broker_is_up {
        let message = "the broker can't be reached; the run starts when it is back".to_owned();
        found.push(Block::plain(Rule::BrokerDown, "broker", "broker", message));
    }
    found.extend(paused(&queue.name, queue.paused.as_ref(), snapshot.now));
    if !agent.is_live && queue.protocol.needs_agent() {
        let what = format!("agent {} holds no lease: it is away, or was never started", agent.name);
        found.push(Block::agent_lost(agent, what));
    }
    found.extend(cordoned(&agent.name, agent.is_cordoned, agent.hold.as_ref()));
    found.extend(confined(snapshot, lane, &agent.name, &queue.name));
    for level in snapshot.levels(lane) {
        if let Some(view) = snapshot.level(level) {
            found.extend(passed(view.kind, view.name, view.limits, &lane.demand));
        }
    }
    if let Some(limit) = queue.window.limit.filter(|_| queue.window.is_full()) {
        let used = queue.window.used;
        let message = format!(
            "{used} attempts of queue {} are offered and not yet claimed; the next follow as the agent takes them",
            queue.name
        );
        let block = Block::plain(Rule::Window, "queue", &queue.name, message);
        found.push(block.numbers(Amount::Count(limit), Amount::Count(used)));
    }
    found
}

/// That a queue's pause holds at `now`.
pub(super) fn paused(queue: &str, paused: Option<&Paused>, now: Time) -> Option<Block> {
    let paused = paused.filter(|paused| paused.holds(now))?;
    let (rule, what) =
        if paused.drain { (Rule::Draining, "is being drained") } else { (Rule::Paused, "was paused") };
    Some(Block::plain(rule, "queue", queue, format!("queue {queue} {what}{}", paused.told())))
}

/// That an agent takes nothing new.
pub(super) fn cordoned(agent: &str, is_cordoned: bool, hold: Option<&Paused>) -> Option<Block> {
    let (rule, what) = match hold {
        Some(hold) if hold.drain => (Rule::Draining, "is being drained"),
        _ => (Rule::Cordoned, "is cordoned"),
    };
    let told = hold.map(Paused::told).unwrap_or_default();
    is_cordoned.then(|| Block::plain(rule, "agent", agent, format!("agent {agent} {what}{told}")))
}

/// That a lane's project may not use any more what its runs were submitted to.
fn confined(snapshot: &Snapshot, lane: &Lane, agent: &str, queue: &str) -> Option<Block> {
    let project = snapshot.project(lane.project).filter(|project| !project.confinement.is_empty())?;
    let (confinement, namespace) = (&project.confinement, lane.namespace.as_deref());
    let what = if let Some(allowed) = confinement.outside(agent, queue) {
        format!("{agent}/{queue}: it is confined to {allowed}")
    } else if confinement.allows_namespace(namespace) {
        return None;
    } else {
        let asked =
            namespace.map_or("a namespace of the agent's choice".to_owned(), |it| format!("namespace {it}"));
        format!("{asked}: it is confined to {}", confinement.namespaces_text())
    };
    let message = format!("project {} may not use {what}", project.name);
    Some(Block::plain(Rule::Confined, "project", &project.name, message))
}

/// That an agent can't do what a run needs. The one rule that is a run's own and not its lane's: the store holds such
/// runs back by the same comparison, and the others of the lane go past them.
#[must_use]
pub fn lacks(agent: &AgentView, needs: Features) -> Option<Block> {
    let missing = needs.without(agent.can);
    if missing.is_empty() {
        return None;
    }
    Some(Block::plain(Rule::NoMatchingAgent, "agent", &agent.name, lacking(&agent.name, agent.can, missing)))
}

/// What `missing` means for people.
#[must_use]
pub fn lacking(agent: &str, can: Features, missing: Features) -> String {
    let can = if can.is_empty() {
        "none of the features that operations may need".to_owned()
    } else {
        can.to_string()
    };
    format!("agent {agent} can't do {missing}; it can do {can}")
}

fn gone(level: &str, name: &str) -> Block {
    Block::plain(Rule::NoMatchingAgent, level, name, format!("its {level} {name} does not exist any more"))
}
