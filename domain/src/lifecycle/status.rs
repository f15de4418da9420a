//! The statuses, by Polyaxon's names, and the edge table: the only place that says which may follow which.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted and committed; waits for an approval or an upload, or is about to be queued.
    Created,
    /// Held until its `schedule_at`; the scheduler's timer queues it then.
    OnSchedule,
    /// A finished run that somebody resumed; queued next.
    Resuming,
    /// Its operation is resolved.
    Compiled,
    /// In the backlog of its queue, until the scheduler admits it.
    Queued,
    /// Admitted: it holds a slot and is offered to its agent.
    Scheduled,
    /// Claimed by an agent replica, which creates its objects.
    Starting,
    /// Its main process runs.
    Running,
    /// Its main process has ended and what follows it (collecting outputs) has not.
    Processing,
    /// Somebody asked for a stop; something of it may still be alive.
    Stopping,
    /// Something is wrong and may heal by itself.
    Warning,
    /// The cluster finds no node for it.
    Unschedulable,
    /// An attempt failed and the next has a due time; it holds no slot.
    Retrying,
    /// Its agent can't be asked.
    Unknown,
    /// Final: it did what it should.
    Succeeded,
    /// Final: it did not, and no retry is left.
    Failed,
    /// Final: somebody stopped it, and nothing of it is alive.
    Stopped,
    /// Final: it was never started: expired, or skipped by hand or by a condition.
    Skipped,
    /// Final: something that it depends on failed.
    UpstreamFailed,
}

/// The text names no status.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a status")]
pub struct UnknownStatus(String);

impl Status {
    /// All of them, in the order of a run's life.
    pub const ALL: [Self; 19] = [
        Self::Created,
        Self::OnSchedule,
        Self::Resuming,
        Self::Compiled,
        Self::Queued,
        Self::Scheduled,
        Self::Starting,
        Self::Running,
        Self::Processing,
        Self::Stopping,
        Self::Warning,
        Self::Unschedulable,
        Self::Retrying,
        Self::Unknown,
        Self::Succeeded,
        Self::Failed,
        Self::Stopped,
        Self::Skipped,
        Self::UpstreamFailed,
    ];

    /// Whether it never changes again (but by force).
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped | Self::Skipped | Self::UpstreamFailed)
    }

    /// Whether it waits in the store, with nothing of it on a broker or at an agent.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::OnSchedule
                | Self::Resuming
                | Self::Compiled
                | Self::Queued
                | Self::Retrying
        )
    }

    /// Whether an agent claimed it and something of it may be alive there.
    #[must_use]
    pub const fn is_at_agent(self) -> bool {
        matches!(
            self,
            Self::Starting
                | Self::Running
                | Self::Processing
                | Self::Stopping
                | Self::Warning
                | Self::Unschedulable
                | Self::Unknown
        )
    }

    /// Whether it holds a slot of every limit that counts it: admitted, and its attempt has not ended.
    #[must_use]
    pub const fn holds_slot(self) -> bool {
        matches!(self, Self::Scheduled) || self.is_at_agent()
    }

    /// The edge table: whether a run may go from this status to `next`.
    ///
    /// Skipped phases are edges (a process may end before anybody saw it run). Going back happens in three
    /// ways only: a lost claim is offered again, a failed attempt is retried, a finished run is resumed.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use Status::*;
        match self {
            Created => {
                matches!(next, OnSchedule | Compiled | Queued | Stopped | Skipped | Failed | UpstreamFailed)
            }
            OnSchedule | Resuming => {
                matches!(next, Compiled | Queued | Stopped | Skipped | Failed | UpstreamFailed)
            }
            Compiled => matches!(next, OnSchedule | Queued | Stopped | Skipped | Failed | UpstreamFailed),
            Queued => matches!(next, Scheduled | Stopped | Skipped | Failed | UpstreamFailed),
            Scheduled => matches!(next, Starting | Queued | Stopped | Skipped | Failed),
            Starting | Running | Processing | Warning | Unschedulable | Unknown => {
                matches!(
                    next,
                    Running
                        | Processing
                        | Warning
                        | Unschedulable
                        | Unknown
                        | Stopping
                        | Retrying
                        | Succeeded
                        | Failed
                        | Stopped
                ) && self as u8 != next as u8
                    || (matches!(self, Starting | Unknown) && matches!(next, Scheduled))
            }
            // What was asked to make room for another run is tried again.
            Stopping => matches!(next, Stopped | Failed | Succeeded | Retrying),
            Retrying => matches!(next, Queued | Stopped | Skipped | Failed),
            Succeeded | Failed | Stopped | Skipped | UpstreamFailed => matches!(next, Resuming),
        }
    }

    /// The name, as Polyaxon spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::OnSchedule => "on_schedule",
            Self::Resuming => "resuming",
            Self::Compiled => "compiled",
            Self::Queued => "queued",
            Self::Scheduled => "scheduled",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Processing => "processing",
            Self::Stopping => "stopping",
            Self::Warning => "warning",
            Self::Unschedulable => "unschedulable",
            Self::Retrying => "retrying",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let lower = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == lower)
            .ok_or_else(|| UnknownStatus(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_a_final_status_but_a_resume() {
        for from in Status::ALL.into_iter().filter(|status| status.is_final()) {
            for to in Status::ALL {
                assert_eq!(from.may_become(to), to == Status::Resuming, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn every_status_can_reach_an_end_and_be_stopped() {
        for from in Status::ALL.into_iter().filter(|status| !status.is_final()) {
            assert!(from.may_become(Status::Stopped), "{from}");
            assert!(from.may_become(Status::Failed), "{from}");
        }
    }

    #[test]
    fn a_status_is_one_of_waiting_scheduled_at_the_agent_or_final() {
        for status in Status::ALL {
            let sides =
                [status.is_waiting(), status == Status::Scheduled, status.is_at_agent(), status.is_final()];
            assert_eq!(sides.into_iter().filter(|side| *side).count(), 1, "{status}");
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn no_status_follows_itself() {
        for status in Status::ALL {
            assert!(!status.may_become(status), "{status}");
        }
    }
}
