//! Whose turn it is: start-time fair queuing between the shares of a queue (P. Goyal, H. Vin, H. Cheng, "Start-time
//! Fair Queuing", SIGCOMM 1996). A start costs its share the part of the queue that it takes, divided by the share's
//! weight; the share that has used least starts next. A share that was idle, or that only limits of its own held back,
//! begins where the others are: it saves nothing up.

use std::collections::BTreeMap;

use super::limits::{Demand, Limits};

/// What a start costs that takes the whole of a queue, at weight 1.
pub const WHOLE: i64 = 1_000_000_000;
/// Of a queue whose slots are not limited, a start takes at least the part that it would if there were so many.
const UNLIMITED_SLOTS: i64 = 1_000;

/// The shares of a queue, and how far its starts have come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fairness {
    /// Where the shares that can start something are, at the least, in parts of [`WHOLE`].
    pub virtual_time: i64,
    /// Each share that has started something or has a weight, by its key.
    pub shares: BTreeMap<String, Share>,
}

/// A share of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of two shares that both wait, one with three times the weight starts three times as much. From 1.
    pub weight: u32,
    /// Where its next start is due, in parts of [`WHOLE`].
    pub due: i64,
}

impl Default for Share {
    fn default() -> Self {
        Self { weight: 1, due: 0 }
    }
}

impl Fairness {
    /// Where the next start of a share is due: the least goes first.
    #[must_use]
    pub fn due(&self, share: &str) -> i64 {
        self.shares.get(share).map_or(0, |share| share.due).max(self.virtual_time)
    }

    /// Counts a start of a share that takes `part` of the queue, in parts of [`WHOLE`].
    pub fn start(&mut self, share: &str, part: i64) {
        let due = self.due(share);
        let entry = self.shares.entry(share.to_owned()).or_default();
        // At least 1, so that no number of starts is free.
        let cost = (part / i64::from(entry.weight.max(1))).max(1);
        entry.due = due.saturating_add(cost);
    }

    /// Moves on to where the least of `waiting` is, the shares that could start something if the queue had room; if
    /// there are none, past all that was started. What is then as if it had never been is forgotten.
    pub fn advance<'a>(&mut self, waiting: impl IntoIterator<Item = &'a str>) {
        let least = waiting.into_iter().map(|share| self.due(share)).min();
        let most = || self.shares.values().map(|share| share.due).max();
        let reached = least.or_else(most).unwrap_or(self.virtual_time);
        self.virtual_time = self.virtual_time.max(reached);
        self.shares.retain(|_, share| share.weight != 1 || share.due > self.virtual_time);
    }
}

/// The part of a queue with these limits that one run takes, in parts of [`WHOLE`]: the largest of its slots and each
/// of its quotas, the dominant resource (A. Ghodsi et al., "Dominant Resource Fairness", NSDI 2011).
#[must_use]
pub fn dominant_part(limits: &Limits, demand: &Demand) -> i64 {
    let slots = limits.slots.limit.map_or(UNLIMITED_SLOTS, |limit| i64::from(limit.max(1)));
    let quotas = limits.quotas.iter().map(|quota| {
        let (asked, limit) = (demand.of(&quota.resource).nano_units(), quota.limit.nano_units());
        if limit <= 0 {
            return 0;
        }
        // Saturates at the whole: nothing larger than the quota ever starts.
        let part = asked.checked_mul(i128::from(WHOLE)).map_or(i128::from(WHOLE), |parts| parts / limit);
        i64::try_from(part.clamp(0, i128::from(WHOLE))).unwrap_or(WHOLE)
    });
    quotas.fold(WHOLE / slots, i64::max)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scheduling::{Limit, Quota};

    /// Lets the share that is due start, so many times; how often each did.
    fn starts(fairness: &mut Fairness, waiting: &[&str], count: usize) -> BTreeMap<String, usize> {
        let mut started = BTreeMap::new();
        for _ in 0..count {
            let next = waiting.iter().min_by_key(|share| (fairness.due(share), **share)).unwrap();
            fairness.start(next, WHOLE / 10);
            fairness.advance(waiting.iter().copied());
            *started.entry((*next).to_owned()).or_default() += 1;
        }
        started
    }

    fn weighted(weights: &[(&str, u32)]) -> Fairness {
        let shares =
            weights.iter().map(|(key, weight)| ((*key).to_owned(), Share { weight: *weight, due: 0 }));
        Fairness { virtual_time: 0, shares: shares.collect() }
    }

    #[test]
    fn shares_converge_to_their_weights() {
        let mut fairness = weighted(&[("a", 3), ("b", 1)]);
        for _ in 0..20 {
            let window = starts(&mut fairness, &["a", "b"], 200);
            assert!((145..=155).contains(&window["a"]), "{window:?}");
        }
    }

    #[test]
    fn who_comes_late_is_next_and_has_saved_nothing_up() {
        let mut fairness = Fairness::default();
        starts(&mut fairness, &["a"], 10_000);
        let window = starts(&mut fairness, &["a", "b"], 100);
        assert_eq!((window["a"], window["b"]), (50, 50));
    }

    #[test]
    fn a_start_out_of_turn_takes_nothing_from_those_that_wait() {
        let mut fairness = Fairness::default();
        for _ in 0..100 {
            fairness.start("urgent", WHOLE / 10);
            fairness.advance(["urgent", "patient"]);
        }
        assert_eq!(fairness.due("patient"), 0);
        assert!(fairness.due("urgent") > 0);
    }

    #[test]
    fn when_nothing_waits_all_are_equal_again() {
        let mut fairness = Fairness::default();
        fairness.start("a", WHOLE / 10);
        fairness.advance([]);
        assert_eq!((fairness.due("a"), fairness.due("b")), (WHOLE / 10, WHOLE / 10));
        assert!(fairness.shares.is_empty());
    }

    #[test]
    fn the_dominant_resource_is_what_a_run_has_most_of() {
        let quota = |resource: &str, limit: &str| Quota {
            resource: resource.into(),
            limit: limit.parse().unwrap(),
            used: "0".parse().unwrap(),
        };
        let limits = Limits {
            slots: Limit { limit: Some(100), used: 0 },
            quotas: vec![quota("gpu", "8"), quota("cpu", "64")],
            rate: None,
        };
        let demand = |gpu: &str, cpu: &str| -> Demand {
            [("gpu".into(), gpu.parse().unwrap()), ("cpu".into(), cpu.parse().unwrap())].into_iter().collect()
        };
        assert_eq!(dominant_part(&limits, &demand("2", "1")), WHOLE / 4);
        assert_eq!(dominant_part(&limits, &demand("0", "32")), WHOLE / 2);
        assert_eq!(dominant_part(&limits, &demand("0", "0")), WHOLE / 100);
        assert_eq!(dominant_part(&Limits::default(), &demand("2", "1")), WHOLE / 1_000);
    }
}
