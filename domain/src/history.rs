//! What queues did over time: steps, what is counted in them, and what is read out of them.
//!
//! A number that goes up and down (a gauge) is kept as the largest of its step; what happens is counted. Each
//! resolution is written by itself, so nothing has to be rolled up later.

mod waits;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

pub use waits::Waits;

/// A stretch of time that is looked at, with the resolution that it is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// The last hour, by the minute.
    Hour,
    /// The last 24 hours, by five minutes.
    Day,
    /// The last 7 days, by the hour.
    Week,
    /// The last 30 days, by four hours.
    Month,
}

/// A text that names no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range: use 1h, 24h, 7d or 30d")]
pub struct UnknownRange(pub String);

impl Range {
    /// All of them, the finest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Its name: `1h`, `24h`, `7d` or `30d`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
        })
    }

    /// How long one of its steps is.
    #[must_use]
    pub const fn step(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 60,
            Self::Day => 300,
            Self::Week => 3_600,
            Self::Month => 14_400,
        })
    }

    /// When the step began that `at` is in: a whole number of steps since 1970.
    #[must_use]
    pub fn step_of(self, at: Time) -> Time {
        // At most 14,400 million: it fits.
        let step = i64::try_from(self.step().as_micros()).unwrap_or(i64::MAX);
        Time::from_micros(at.micros().div_euclid(step) * step)
    }

    /// The first step of the range that ends now.
    #[must_use]
    pub fn first_step(self, now: Time) -> Time {
        self.step_of(now.minus(self.length()))
    }
}

impl std::str::FromStr for Range {
    type Err = UnknownRange;

    fn from_str(text: &str) -> Result<Self, UnknownRange> {
        Self::ALL
            .into_iter()
            .find(|range| range.as_str() == text)
            .ok_or_else(|| UnknownRange(text.chars().take(64).collect()))
    }
}

/// What is seen of a queue at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// Runs that wait.
    pub backlog: u64,
    /// Attempts that hold a slot.
    pub in_flight: u64,
    /// Waiting runs that nothing but the agent's hand-over holds back.
    pub admissible: u64,
    /// How long the oldest waiting run has waited, in milliseconds.
    pub oldest_ms: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

impl Gauges {
    /// Whether there is nothing to be seen: such a moment is not written down.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// What happened in a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs that were accepted into it.
    pub submitted: u64,
    /// Attempts that were admitted to start.
    pub started: u64,
    /// Runs that took a final status.
    pub finished: u64,
    /// Of those, the ones that failed.
    pub failed: u64,
    /// How long admitted attempts had waited.
    pub waits: Waits,
}

impl Counts {
    /// Adds what happened elsewhere, or later.
    pub fn add(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.started += other.started;
        self.finished += other.finished;
        self.failed += other.failed;
        self.waits.add(&other.waits);
    }
}

/// A step of a queue's history, or of several queues' together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When the step began.
    pub at: Time,
    /// The largest that was seen in it; of several queues, the sum of each one's largest.
    pub gauges: Gauges,
    /// What happened in it.
    pub counts: Counts,
}

impl Point {
    /// A step in which nothing was seen.
    #[must_use]
    pub fn idle(at: Time) -> Self {
        Self { at, gauges: Gauges::default(), counts: Counts::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_by_its_name_and_says_what_is_allowed() {
        for range in Range::ALL {
            assert_eq!(range.as_str().parse(), Ok(range));
            assert!(range.length().as_secs().is_multiple_of(range.step().as_secs()));
        }
        let error = "2h".parse::<Range>().unwrap_err();
        assert_eq!(error.to_string(), "`2h` is not a range: use 1h, 24h, 7d or 30d");
    }

    #[test]
    fn steps_are_the_same_for_every_replica() {
        let at = Time::parse("2026-11-29T11:23:45Z").unwrap();
        let steps = Range::ALL.map(|range| range.step_of(at).to_string());
        assert!(steps[0].starts_with("2026-11-29T11:23:00"), "{}", steps[0]);
        assert!(steps[1].starts_with("2026-11-29T11:20:00"), "{}", steps[1]);
        assert!(steps[2].starts_with("2026-11-29T11:00:00"), "{}", steps[2]);
        assert!(steps[3].starts_with("2026-11-29T08:00:00"), "{}", steps[3]);
    }
}
