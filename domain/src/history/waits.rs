//! How long runs waited, counted by size: a handful of numbers from which any quantile is read to within a tenth.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many buckets there are to a doubling: the bounds of one are 19 % apart.
const PER_DOUBLING: f64 = 4.0;

/// Waits by size. A bucket's number `b` stands for waits of up to 2^(b/4) milliseconds, 0 for those of up to one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits(BTreeMap<u16, u64>);

impl Waits {
    /// Counts a wait.
    pub fn note(&mut self, waited: Duration) {
        let bucket = (waited.as_secs_f64() * 1_000.0).max(1.0).log2() * PER_DOUBLING;
        // A Duration has at most 2^64 s: bucket 300.
        *self.0.entry(bucket.ceil() as u16).or_default() += 1;
    }

    /// So many waits of a bucket, as they were kept.
    pub fn note_bucket(&mut self, bucket: u16, count: u64) {
        *self.0.entry(bucket).or_default() += count;
    }

    /// Adds others.
    pub fn add(&mut self, others: &Self) {
        for (bucket, count) in others.buckets() {
            self.note_bucket(bucket, count);
        }
    }

    /// Buckets with how many waits are in them.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// The wait that so much of all was not longer than, e.g. 0.95; none if there were no waits. In a bucket, waits count as
    /// spread evenly.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let all: u64 = self.0.values().sum();
        let wanted = part.clamp(0.0, 1.0) * all as f64;
        let mut below = 0_u64;
        for (bucket, count) in self.buckets() {
            if (below + count) as f64 >= wanted {
                let lower = if bucket == 0 { 0.0 } else { bound(bucket - 1) };
                let share = (wanted - below as f64) / count.max(1) as f64;
                let millis = lower + (bound(bucket) - lower) * share;
                return Some(Duration::try_from_secs_f64(millis / 1_000.0).unwrap_or(Duration::MAX));
            }
            below += count;
        }
        None
    }
}

/// The upper bound of a bucket in milliseconds.
fn bound(bucket: u16) -> f64 {
    // The largest that `note` makes is 300; what a store was made to hold may be anything.
    (f64::from(bucket.min(300)) / PER_DOUBLING).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Waits::default().quantile(0.5), None);
    }

    #[test]
    fn the_longest_duration_is_counted_and_read() {
        let mut waits = Waits::default();
        waits.note(Duration::MAX);
        waits.note_bucket(u16::MAX, 1);
        assert!(waits.quantile(1.0).is_some());
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_a_fifth_of_the_true_one(
            mut millis in proptest::collection::vec(1_u64..5_000_000, 1..300),
            part in 0.01_f64..1.0,
        ) {
            let mut waits = Waits::default();
            let mut halves = (Waits::default(), Waits::default());
            for (at, milli) in millis.iter().enumerate() {
                let waited = Duration::from_millis(*milli);
                waits.note(waited);
                if at % 2 == 0 { halves.0.note(waited) } else { halves.1.note(waited) }
            }
            halves.0.add(&halves.1);
            prop_assert_eq!(&halves.0, &waits);
            millis.sort_unstable();
            let rank = (part * millis.len() as f64).ceil() as usize;
            let truth = millis[rank.clamp(1, millis.len()) - 1] as f64;
            let read = waits.quantile(part).unwrap().as_secs_f64() * 1_000.0;
            prop_assert!(read <= truth * 1.2 && read >= truth / 1.2 - 1.0, "{} read as {}", truth, read);
        }
    }
}
