//! Recognizing a store that was restored from a backup: it is behind what an agent has seen of it.
//!
//! Every grant of a lease is committed before the agent hears of it, with a moment that only grows and the store's
//! epoch (one unbroken history). The agent keeps both, in memory, and shows them when it asks again. A store that has
//! not got to that moment lost what it had committed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::AgentId;
use crate::time::Time;

/// How far an agent, or the store itself, has seen the store go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The store's epoch. Time-ordered: a later one is greater.
    pub epoch: Uuid,
    /// The agent whose lease was granted: a name may be given to another one.
    pub agent: AgentId,
    /// When it was granted last; grows with each grant.
    pub granted_at: Time,
}

impl Seen {
    /// Whether a store that stands at `store` has lost what this saw: it was restored from a backup.
    #[must_use]
    pub fn is_ahead_of(&self, store: &Self) -> bool {
        self.epoch > store.epoch
            || (self.epoch == store.epoch && self.agent == store.agent && self.granted_at > store.granted_at)
    }

    /// The later of the two; answers may come out of order.
    #[must_use]
    pub fn or_later(self, other: Self) -> Self {
        if (other.epoch, other.granted_at) > (self.epoch, self.granted_at) { other } else { self }
    }
}

/// That the store was restored, while what agents hold is not reconciled with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The epoch that began with it.
    pub epoch: Uuid,
    /// When it was noticed.
    pub noticed_at: Time,
    /// The agent that had seen the store further.
    pub noticed_by: String,
}

impl Restored {
    /// Why nothing starts, for people.
    #[must_use]
    pub fn reason(&self) -> String {
        format!(
            "the database was restored from a backup (noticed at {}: agent {} had seen it further); nothing starts \
             until every agent has told what it holds, or `berth admin check --accept-restore` is run",
            self.noticed_at, self.noticed_by
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(epoch: u128, agent: u128, micros: i64) -> Seen {
        let agent = AgentId::from_uuid(Uuid::from_u128(agent));
        Seen { epoch: Uuid::from_u128(epoch), agent, granted_at: Time::from_micros(micros) }
    }

    #[test]
    fn a_store_behind_what_was_seen_was_restored_and_none_else() {
        let store = seen(5, 1, 100);
        assert!(seen(5, 1, 101).is_ahead_of(&store), "it forgot a grant");
        assert!(seen(6, 1, 1).is_ahead_of(&store), "it forgot an epoch");
        assert!(!seen(5, 1, 100).is_ahead_of(&store) && !seen(5, 1, 99).is_ahead_of(&store));
        assert!(!seen(4, 1, 999).is_ahead_of(&store), "that was before this epoch");
        assert!(!seen(5, 2, 999).is_ahead_of(&store), "another agent had the name");
    }

    proptest! {
        #[test]
        fn whoever_keeps_the_later_is_never_ahead_of_a_store_that_only_grows(
            grants in prop::collection::vec((0_u128..3, 0_i64..50), 1..20),
            order in prop::collection::vec(0_usize..20, 1..20),
        ) {
            let mut grants = grants;
            grants.sort_unstable();
            let last = grants[grants.len() - 1];
            let store = seen(last.0, 1, last.1);
            let at = |n: usize| grants[n % grants.len()];
            let first = at(order[0]);
            let kept = order.iter().fold(seen(first.0, 1, first.1), |kept, n| {
                let (epoch, micros) = at(*n);
                kept.or_later(seen(epoch, 1, micros))
            });
            prop_assert!(!kept.is_ahead_of(&store));
        }
    }
}
