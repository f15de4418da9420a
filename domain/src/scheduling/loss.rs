//! Which agents are lost, and whose attempts may be replaced: counted by each scheduler for itself.
//!
//! A scheduler counts on its own steady clock from when it *saw* that a lease was granted, which is after the grant
//! was committed and so after the agent asked for it: neither clocks that differ nor clocks that jump make it count
//! more than the agent does. What it could not hear is nobody's silence: whenever it was deaf, everybody gets a full
//! period anew, and so it is when it has just begun.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use crate::id::AgentId;
use crate::protocol::{FENCED_SECONDS, LEASE_RENEWAL_SECONDS, LEASE_SECONDS};
use crate::time::Time;

/// How long an agent must be silent before its attempts are replaced: all of them have ended by themselves then, with
/// something to spare for clocks that don't run alike.
pub const REPLACE_AFTER: Duration = Duration::from_millis(FENCED_SECONDS * 1_000 + 500);

/// Between two looks no more may pass, or the scheduler counts as deaf: it was stopped, or its store was.
pub const MAX_GAP: Duration = Duration::from_secs(5);

/// A silence that is no longer usual, and not yet settled.
const OVERDUE: Range<Duration> =
    Duration::from_secs(LEASE_RENEWAL_SECONDS + 2)..Duration::from_secs(FENCED_SECONDS + 5);

/// How long an agent that is lost and has nothing to replace counts among those that seem lost at once.
const LATELY: Duration = Duration::from_secs(600);

/// How one look found an agent that has had a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// The agent.
    pub agent: AgentId,
    /// When its last lease was granted. Only compared, never counted from.
    pub granted_at: Time,
    /// Whether something that it said has not been taken in yet: it may be a request for a lease.
    pub is_unheard: bool,
    /// Whether it has attempts that could be replaced.
    pub has_replaceable: bool,
}

/// One look at all agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When, on the scheduler's own steady clock.
    pub at: Duration,
    /// Whether the scheduler could not hear since its last look.
    pub was_deaf: bool,
    /// What it saw.
    pub agents: Vec<Sighting>,
}

/// That nobody is replaced, since it would be more than half of all agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack {
    /// How many seem lost.
    pub lost: usize,
    /// Of so many.
    pub of: usize,
}

/// What follows from a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// Agents without a lease.
    pub lost: BTreeSet<AgentId>,
    /// Those of them whose attempts may be replaced now.
    pub gone: BTreeSet<AgentId>,
    /// Why there are none, if that is the reason.
    pub held_back: Option<HeldBack>,
}

/// What a scheduler remembers of its looks.
#[derive(Debug, Clone, Default)]
pub struct Roll {
    heard: BTreeMap<AgentId, Heard>,
    looked_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    granted_at: Time,
    /// When that was seen.
    at: Duration,
    /// Whether it was granted a lease while this scheduler looked.
    was_live: bool,
}

impl Roll {
    /// Whether an agent has been silent for so long that one should see whether it was heard, and look more often:
    /// until it is settled what becomes of it.
    #[must_use]
    pub fn is_overdue(&self, agent: AgentId, granted_at: Time, at: Duration) -> bool {
        self.heard
            .get(&agent)
            .is_some_and(|heard| heard.granted_at == granted_at && OVERDUE.contains(&silence(*heard, at)))
    }

    /// Takes a look in.
    pub fn look(&mut self, look: &Look) -> Losses {
        let is_first = self.looked_at.is_none();
        let was_away = self.looked_at.is_none_or(|last| look.at.saturating_sub(last) > MAX_GAP);
        self.looked_at = Some(look.at);
        self.heard.retain(|agent, _| look.agents.iter().any(|seen| seen.agent == *agent));
        for seen in &look.agents {
            // Who was not there before has just been granted its first lease.
            let anew = Heard { granted_at: seen.granted_at, at: look.at, was_live: !is_first };
            let heard = self.heard.entry(seen.agent).or_insert(anew);
            if heard.granted_at != seen.granted_at {
                *heard = Heard { was_live: true, ..anew };
            } else if was_away || look.was_deaf || seen.is_unheard {
                heard.at = look.at;
            }
        }
        let mut losses = Losses::default();
        let (mut lost, mut of) = (0, 0);
        for seen in &look.agents {
            let Some(heard) = self.heard.get(&seen.agent).copied() else { continue };
            let silence = silence(heard, look.at);
            if silence < Duration::from_secs(LEASE_SECONDS) {
                of += 1;
                continue;
            }
            losses.lost.insert(seen.agent);
            if seen.has_replaceable || (heard.was_live && silence < LATELY) {
                lost += 1;
                of += 1;
            }
            if silence >= REPLACE_AFTER {
                losses.gone.insert(seen.agent);
            }
        }
        if lost * 2 > of {
            losses.gone.clear();
            losses.held_back = Some(HeldBack { lost, of });
        }
        losses
    }
}

fn silence(heard: Heard, at: Duration) -> Duration {
    at.saturating_sub(heard.at)
}

#[cfg(test)]
mod tests;
