//! Making room: an attempt is asked to end for a run that goes before its own, and its run waits in its queue again, at
//! once, as soon as the end is known. It costs none of the user's retries.

use super::{Draft, Ignored};
use crate::id::RunId;
use crate::lifecycle::state::MakeRoom;
use crate::lifecycle::{FailureClass, Status};
use crate::time::Time;

impl Draft {
    pub(super) fn make_room(&mut self, by: RunId, reason: &str) -> Result<(), Ignored> {
        if !self.state.may_make_room() {
            return Err(Ignored::KeepsItsPlace);
        }
        self.become_status(Status::Stopping, "Preempted", reason)?;
        self.state.make_room = Some(MakeRoom { at: self.now, by, reason: reason.to_owned() });
        Ok(())
    }

    /// The attempt is over: nothing of it is alive. However it ended, unless it had succeeded, it follows again.
    pub(super) fn made_room(&mut self, at: Time) -> Result<(), Ignored> {
        let by = self.state.make_room.as_ref().map(|room| room.by.to_string()).unwrap_or_default();
        let message = format!("It made room for run {by}; attempt {} follows", self.state.attempt + 1);
        self.become_status_at(Status::Retrying, "Preempted", message, at)?;
        *self.state.own_retries.entry(FailureClass::Preempted).or_default() += 1;
        self.next_attempt();
        self.queue()
    }
}

#[cfg(test)]
mod tests;
