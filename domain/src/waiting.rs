//! How much waits in queues, as whoever scales replicas by it reads it. What counts is decided in `scheduling`.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// How much waits in one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The queue's name in its agent.
    pub queue: String,
    /// Runs that wait for nothing but the agent's hand-over, on offer or not yet.
    pub admissible: u64,
    /// For how long the longest waiting one of these waits, in milliseconds; 0 if there is none.
    pub admissible_oldest_ms: u64,
    /// All waiting runs, whatever holds them back.
    pub backlog: u64,
    /// For how long the longest waiting one of these waits, in milliseconds; 0 if there is none.
    pub oldest_ms: u64,
}

/// What replicas are scaled by, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// When it was measured, by the clock of who serves it.
    pub at: Time,
    /// Queues, each with its agent's name.
    pub queues: Vec<(String, Waiting)>,
    /// Requests that all replicas of the API answer just now; none where that is not known.
    pub requests: Option<u64>,
}
