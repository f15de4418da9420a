//! One entry of a run's status history, in the shape of Polyaxon's `V1StatusCondition`.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::time::Time;

/// A status that a run took, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The status.
    #[serde(rename = "type")]
    pub status: Status,
    /// A word that programs may rely on, in `UpperCamelCase`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The attempt that it is about, from 0.
    pub attempt: u32,
    /// When the status was taken.
    pub at: Time,
}

impl Condition {
    /// A condition of `attempt` at `at`.
    pub fn new(
        status: Status,
        reason: impl Into<String>,
        message: impl Into<String>,
        attempt: u32,
        at: Time,
    ) -> Self {
        Self { status, reason: reason.into(), message: message.into(), attempt, at }
    }
}
