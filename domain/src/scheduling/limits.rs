//! What may be limited: runs that hold a slot, amounts of resources, and starts per period. The same three on every
//! level, counted by the same arithmetic when runs are admitted and when it is explained why they are not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::time::Time;

/// A limit on runs that hold a slot, and how many do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// At most so many; none is unlimited.
    pub limit: Option<u32>,
    /// So many now.
    pub used: u32,
}

impl Limit {
    /// How many more stay within it.
    #[must_use]
    pub fn room(self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| u64::from(limit.saturating_sub(self.used)))
    }

    /// Whether one more would pass it.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.limit.is_some_and(|limit| self.used >= limit)
    }
}

/// What a run takes of quotas while it holds a slot: amounts by resource name, none of them zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Demand(BTreeMap<String, Quantity>);

impl Demand {
    /// What is asked for of `resource`.
    #[must_use]
    pub fn of(&self, resource: &str) -> Quantity {
        self.0.get(resource).copied().unwrap_or(Quantity::ZERO)
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The amounts by resource.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(resource, amount)| (resource.as_str(), *amount))
    }
}

impl FromIterator<(String, Quantity)> for Demand {
    /// Leaves out what asks for nothing.
    fn from_iter<I: IntoIterator<Item = (String, Quantity)>>(amounts: I) -> Self {
        Self(amounts.into_iter().filter(|(_, amount)| *amount > Quantity::ZERO).collect())
    }
}

/// A limit on an amount that runs with a slot have together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Of what: a Kubernetes resource, `gpu`, `cost`, or a name of one's own.
    pub resource: String,
    /// At most so much.
    pub limit: Quantity,
    /// So much now.
    pub used: Quantity,
}

impl Quota {
    /// How many times so much more stays within it.
    #[must_use]
    pub fn room(&self, amount: Quantity) -> u64 {
        if amount <= Quantity::ZERO {
            u64::MAX
        } else {
            self.limit.saturating_sub(self.used).times_of(amount)
        }
    }

    /// Whether so much more stays within it. What asks for nothing always does, also where more is used than allowed.
    #[must_use]
    pub fn holds(&self, amount: Quantity) -> bool {
        amount <= Quantity::ZERO || self.used.checked_add(amount).is_some_and(|sum| sum <= self.limit)
    }

    /// Whether it could ever hold so much.
    #[must_use]
    pub fn could_hold(&self, amount: Quantity) -> bool {
        amount <= self.limit
    }
}

/// A limit on starts in any stretch of time of a given length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At most so many starts.
    pub starts: u32,
    /// In so much time.
    pub period: Duration,
    /// So many within the last period.
    pub used: u32,
    /// When the oldest of these is a period ago.
    pub frees_at: Option<Time>,
}

impl Rate {
    /// Whether one more start would pass it.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.used >= self.starts
    }
}

/// All limits of one thing: an organization, a project, an agent, a queue, a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Its slots.
    pub slots: Limit,
    /// Its quotas, one for each resource.
    pub quotas: Vec<Quota>,
    /// Its rate.
    pub rate: Option<Rate>,
}

impl Limits {
    /// No limits but on slots.
    #[must_use]
    pub fn slots(slots: Limit) -> Self {
        Self { slots, ..Self::default() }
    }

    /// Whether one more run with that demand may start.
    #[must_use]
    pub fn holds(&self, demand: &Demand) -> bool {
        !self.slots.is_full()
            && !self.rate.is_some_and(Rate::is_full)
            && self.quotas.iter().all(|quota| quota.holds(demand.of(&quota.resource)))
    }

    /// How many more runs with that demand may start.
    #[must_use]
    pub fn room(&self, demand: &Demand) -> u64 {
        let rate = self.rate.map_or(u64::MAX, |rate| u64::from(rate.starts.saturating_sub(rate.used)));
        let quotas = self.quotas.iter().map(|quota| quota.room(demand.of(&quota.resource)));
        quotas.fold(self.slots.room().min(rate), u64::min)
    }

    /// Counts the start of a run with that demand.
    pub fn take(&mut self, demand: &Demand) {
        self.take_all(demand, 1);
    }

    /// Counts the starts of so many runs with that demand.
    pub fn take_all(&mut self, demand: &Demand, runs: u32) {
        self.slots.used = self.slots.used.saturating_add(runs);
        if let Some(rate) = &mut self.rate {
            rate.used = rate.used.saturating_add(runs);
        }
        for quota in &mut self.quotas {
            quota.used = quota.used.saturating_add(demand.of(&quota.resource).saturating_times(runs));
        }
    }

    /// Counts the end of a run with that demand. What it took of a rate stays taken: that is a matter of time.
    pub fn give_back(&mut self, demand: &Demand) {
        self.slots.used = self.slots.used.saturating_sub(1);
        for quota in &mut self.quotas {
            quota.used = quota.used.saturating_sub(demand.of(&quota.resource));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn demand(resource: &str, amount: &str) -> Demand {
        [(resource.to_owned(), quantity(amount))].into_iter().collect()
    }

    fn quota(limit: &str, used: &str) -> Limits {
        let quota = Quota { resource: "gpu".into(), limit: quantity(limit), used: quantity(used) };
        Limits { quotas: vec![quota], ..Limits::default() }
    }

    #[test]
    fn a_quota_is_exact_to_its_last_billionth() {
        assert!(quota("1", "500m").holds(&demand("gpu", "500m")));
        assert!(!quota("1", "500m").holds(&demand("gpu", "500000001n")));
    }

    #[test]
    fn what_asks_for_nothing_of_a_resource_passes_its_quota_even_when_that_was_lowered() {
        assert!(quota("1", "5").holds(&demand("cpu", "64")));
        assert!(!quota("1", "5").holds(&demand("gpu", "1m")));
    }

    #[test]
    fn there_is_room_for_as_many_as_may_start_one_by_one() {
        let mut limits = quota("3", "500m");
        limits.slots.limit = Some(9);
        for (amount, room) in [("1", 2), ("2500m", 1), ("2501m", 0), ("0", 9)] {
            let asked = demand("gpu", amount);
            assert_eq!(limits.room(&asked), room, "{amount}");
            let mut counted = limits.clone();
            let mut starts = 0;
            while counted.holds(&asked) {
                counted.take(&asked);
                starts += 1;
            }
            assert_eq!(starts, room, "{amount}");
        }
        limits.rate = Some(Rate { starts: 2, period: Duration::from_secs(60), used: 1, frees_at: None });
        assert_eq!(limits.room(&Demand::default()), 1);
        assert_eq!(quota("1", "5").room(&demand("gpu", "1m")), 0, "it was lowered");
    }

    #[test]
    fn a_demand_has_no_zeros() {
        assert_eq!(demand("gpu", "0"), Demand::default());
        assert_eq!(demand("gpu", "2").of("gpu"), quantity("2"));
    }

    #[test]
    fn a_start_counts_for_slots_rate_and_quotas() {
        let mut limits = quota("3", "0");
        limits.slots.limit = Some(9);
        limits.rate = Some(Rate { starts: 2, period: Duration::from_secs(60), used: 0, frees_at: None });
        let one = demand("gpu", "1");
        limits.take(&one);
        limits.take(&one);
        assert_eq!((limits.slots.used, limits.quotas[0].used), (2, quantity("2")));
        assert!(!limits.holds(&one), "the rate is used up");
        limits.give_back(&one);
        assert_eq!((limits.slots.used, limits.quotas[0].used), (1, quantity("1")));
        assert!(!limits.holds(&one), "an end does not undo that it started");
    }
}
