//! What warnings are made of: plain numbers of one moment.

use std::time::Duration;

use crate::scheduling::{Hold, Rule};
use crate::time::Time;

/// An organization, or a whole installation, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// When.
    pub now: Time,
    /// The release of the control plane.
    pub release: String,
    /// Its agents.
    pub agents: Vec<AgentFacts>,
    /// Their queues.
    pub queues: Vec<QueueFacts>,
    /// Why the broker can't be reached, if so.
    pub broker_down: Option<String>,
    /// Why the broker takes nothing, if so.
    pub broker_alarm: Option<String>,
    /// Until when a scheduler is known to have worked.
    pub scheduler_seen: Option<Time>,
    /// For how long schedulers may be silent.
    pub scheduler_silence: Duration,
}

/// An agent at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentFacts {
    /// Its name.
    pub agent: String,
    /// Until when its lease holds, or did; none if it has never had one.
    pub lease_until: Option<Time>,
    /// Its runs that have not ended.
    pub runs: u64,
    /// The release of its binary.
    pub release: Option<String>,
    /// By how much the clock of the replica with the worst one is ahead; less than none is behind.
    pub clock_ahead_ms: Option<i64>,
}

/// A queue at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Its agent's name.
    pub agent: String,
    /// Its name.
    pub queue: String,
    /// Runs that wait.
    pub backlog: u64,
    /// Since when the oldest waits.
    pub oldest_queued_at: Option<Time>,
    /// Whether it starts runs: neither it nor its agent is paused.
    pub is_open: bool,
    /// Live replicas of its agent; none if it is served by others, who are not known.
    pub consumers: Option<u64>,
    /// Since when publishing an admitted attempt fails: the oldest of them.
    pub unpublished_since: Option<Time>,
    /// Attempts on offer that were claimed more than [`super::LOST_CLAIMS`] times in vain.
    pub lost_claims: u64,
    /// Dead letters of the last hour.
    pub dead_letters_lately: u64,
    /// What has held some of its runs back for longest.
    pub starved: Option<Starved>,
    /// Runs that are between two statuses.
    pub stuck: Option<Stuck>,
}

/// That a limit holds runs back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starved {
    /// Since when.
    pub since: Time,
    /// What kind of limit: `a limit`, `a quota`, `a rate`.
    pub rule: String,
    /// What it is set on, e.g. ``project `p` ``.
    pub of: String,
}

impl Starved {
    /// What holds runs back since then, if it is a limit that somebody set: everything else ends by itself, or has a warning
    /// of its own.
    #[must_use]
    pub fn by(hold: &Hold, since: Time) -> Option<Self> {
        let rule = match hold.rule {
            Rule::Limit => "a limit",
            Rule::Quota => "a quota",
            Rule::Rate => "a rate",
            _ => return None,
        };
        Some(Self { since, rule: rule.to_owned(), of: format!("{} `{}`", hold.level, hold.name) })
    }
}

/// That runs are between two statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// Since when the oldest is.
    pub since: Time,
    /// How many are.
    pub count: u64,
}
