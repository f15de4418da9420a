//! Lost agents: an attempt is given up when it must have ended by itself, and what turns up of it later is compared
//! with when the next one began.

use std::time::Duration;

use super::Draft;
use super::Ignored;
use crate::id::AgentId;
use crate::lifecycle::state::GivenUp;
use crate::lifecycle::{Condition, End, FailureClass, Outcome, Status};
use crate::protocol::{Phase, Report};
use crate::time::Time;

impl Draft {
    /// Gives the attempt up. The next one enters the backlog at once, if the retry table has it follow at once.
    pub(super) fn agent_lost(&mut self, agent: AgentId, name: &str, jitter: f64) -> Result<(), Ignored> {
        let claim = self.state.claim.as_ref().ok_or(Ignored::NotClaimed)?;
        if !self.state.is_replaceable() {
            return Err(Ignored::NotReplaceable);
        }
        if self.state.object.is_none() && claim.over_at > self.now {
            return Err(Ignored::ClaimNotOver);
        }
        self.state.given_up.push(GivenUp {
            attempt: self.state.attempt,
            agent,
            agent_name: name.to_owned(),
            at: self.now,
            followed_at: None,
            overlapped: false,
        });
        // What it was to make room for waits for a place at an agent that is not there.
        self.state.make_room = None;
        let end = End {
            outcome: Outcome::Failed(FailureClass::AgentLost),
            exit_code: None,
            reason: "AgentLost".to_owned(),
            message: format!("Agent {name} was lost; without a lease it has ended the attempt itself"),
        };
        self.end(&end, self.now, jitter)?;
        if self.state.status == Status::Retrying && self.state.due_at.is_some_and(|due| due <= self.now) {
            self.queue()?;
        }
        Ok(())
    }

    /// Shows, once, that an attempt that was given up had lived on when the next one began. Its end tells how long;
    /// until then its agent is told to end it.
    pub(super) fn returned(&mut self, agent: AgentId, report: &Report, now_at: &str) -> Result<(), Ignored> {
        let (current, now) = (self.state.attempt, self.now);
        let other = Ignored::OtherAttempt { said: report.attempt, current };
        let found = self
            .state
            .given_up
            .iter_mut()
            .find(|given_up| given_up.agent == agent && given_up.attempt == report.attempt)
            .ok_or(other)?;
        let ended_at = report.at.min(now);
        let began_at = match (found.followed_at, &report.phase) {
            (Some(began_at), Phase::Ended(_)) if !found.overlapped && latest(ended_at) > began_at => began_at,
            _ => return Err(other),
        };
        found.overlapped = true;
        let message = format!(
            "Attempt {} lived at agent {} until {ended_at}, and attempt {} was claimed at {began_at} \
             (the run is at agent {now_at} now): the two may have overlapped",
            found.attempt,
            found.agent_name,
            found.attempt + 1,
        );
        self.conditions.push(Condition::new(Status::Warning, "Overlap", message, report.attempt, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests;

/// The last moment that a moment may stand for: Kubernetes tells whole seconds.
fn latest(told: Time) -> Time {
    let is_whole = told.micros() % 1_000_000 == 0;
    if is_whole { told.plus(Duration::from_micros(999_999)) } else { told }
}
