//! What befell an attempt's objects, told as a condition of the status that the run is in: why it takes long, say. Told
//! once, however often it happens, and bounded: nobody's trouble may flood the history.

use super::{Condition, Draft, Ignored, Notice};
use crate::lifecycle::{Noticed, Status};
use crate::time::Time;

/// How much is told of one attempt, and for one reason.
const MAX_NOTICES: usize = 16;
const MAX_OF_A_REASON: usize = 4;

/// How long a message may be, in characters.
const MAX_TEXT: usize = 2_048;

impl Draft {
    pub(super) fn notice(&mut self, notice: &Notice) -> Result<(), Ignored> {
        self.check_attempt(notice.attempt)?;
        let status = self.state.status;
        if status.is_final() {
            return Err(Ignored::Final(status));
        }
        let Some(claim) = self.state.claim.as_ref().filter(|_| status.is_at_agent()) else {
            return Err(Ignored::NotClaimed);
        };
        if self.state.object.as_ref().is_some_and(|object| object.uid != notice.uid) {
            return Err(Ignored::OtherObject);
        }
        let at = notice.at.max(claim.at).min(self.now);
        self.tell_once(status, &notice.reason, &notice.message, notice.attempt, at)
    }

    /// A condition that changes no status, unless it was told before or as much was told as is kept.
    pub(super) fn tell_once(
        &mut self,
        status: Status,
        reason: &str,
        message: &str,
        attempt: u32,
        at: Time,
    ) -> Result<(), Ignored> {
        let noticed = Noticed { reason: reason.to_owned(), message: hash(message) };
        if self.state.noticed.contains(&noticed) {
            return Err(Ignored::Late);
        }
        let of_its_reason = self.state.noticed.iter().filter(|one| one.reason == reason).count();
        if self.state.noticed.len() >= MAX_NOTICES || of_its_reason >= MAX_OF_A_REASON {
            return Err(Ignored::ToldEnough);
        }
        let message: String = message.chars().take(MAX_TEXT).collect();
        self.state.noticed.push(noticed);
        self.conditions.push(Condition::new(status, reason, message, attempt, at));
        Ok(())
    }
}

/// FNV-1a: the same in every release, since it is stored.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
