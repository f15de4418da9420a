//! Why an attempt ended, in classes that the retry table speaks of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of failure ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// A non-zero exit or a signal of its own making.
    User,
    /// Killed for using more memory than it may.
    Oom,
    /// It ran longer than its `termination.timeout`.
    Timeout,
    /// Its image can't be had.
    Image,
    /// Refused by the executor or the API server; a secret or connection that can't be resolved.
    Config,
    /// Evicted by its node.
    Evicted,
    /// Preempted for something of higher priority.
    Preempted,
    /// Its node, machine or objects vanished.
    NodeLost,
    /// Its agent was lost and its queue says `replace`.
    AgentLost,
    /// Claimed too often without a start.
    Poison,
}

impl FailureClass {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::User,
        Self::Oom,
        Self::Timeout,
        Self::Image,
        Self::Config,
        Self::Evicted,
        Self::Preempted,
        Self::NodeLost,
        Self::AgentLost,
        Self::Poison,
    ];

    /// The name used in answers, annotations and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Oom => "oom",
            Self::Timeout => "timeout",
            Self::Image => "image",
            Self::Config => "config",
            Self::Evicted => "evicted",
            Self::Preempted => "preempted",
            Self::NodeLost => "node_lost",
            Self::AgentLost => "agent_lost",
            Self::Poison => "poison",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an attempt ended, as its executor saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It exited with 0.
    Succeeded,
    /// It failed.
    Failed(FailureClass),
    /// It ended because Berth asked it to.
    Stopped,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The main process's exit status, if it has one (128 + n for signal n).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// A word that programs may rely on: `Completed`, `ExitCode`, `CommandNotFound`, `Signal(9)`, ...
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}
