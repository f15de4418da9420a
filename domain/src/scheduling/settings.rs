//! Limits and sharing as operators set them: read, checked and shown. What is used of them is the snapshot's.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::overflow::OVERFLOW_AFTER;
use crate::quantity::Quantity;

/// What is limited on any level beside its concurrency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitSettings {
    /// So much of each resource at a time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quota: BTreeMap<String, Quantity>,
    /// So many starts per period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateLimit>,
}

/// What a run limits of those that belong to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineSettings {
    /// So many at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// The rest.
    #[serde(flatten)]
    pub limits: LimitSettings,
}

impl LimitSettings {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is to change of limits; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitPatch {
    /// The quotas, all of them.
    pub quota: Option<BTreeMap<String, Quantity>>,
    /// Sets the rate, or takes it away.
    pub rate: Option<Option<RateLimit>>,
}

impl LimitPatch {
    /// Changes `limits`.
    pub fn apply(self, limits: &mut LimitSettings) {
        limits.quota = self.quota.unwrap_or_else(|| std::mem::take(&mut limits.quota));
        limits.rate = self.rate.unwrap_or(limits.rate);
    }
}

/// At most so many starts in any period: `30/m`, `5/10s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// At most so many, from 1.
    pub starts: u32,
    /// In so much time: from a second to a day.
    pub period: Duration,
}

/// The text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate: use starts per period, such as 30/m, 5/10s, 1000/h or 1/d (a second to a day)")]
pub struct InvalidRate(String);

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl FromStr for RateLimit {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let read = || {
            let (starts, period) = text.split_once('/')?;
            let digits = period.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let (_, seconds) = UNITS.iter().find(|(unit, _)| *unit == &period[digits.len()..])?;
            let count: u64 = if digits.is_empty() { 1 } else { whole(digits)? };
            let seconds = seconds.checked_mul(count).filter(|seconds| (1..=86_400).contains(seconds))?;
            let starts = u32::try_from(whole(starts)?).ok().filter(|starts| *starts > 0)?;
            Some(Self { starts, period: Duration::from_secs(seconds) })
        };
        read().ok_or_else(|| InvalidRate(text.chars().take(64).collect()))
    }
}

/// Digits and nothing else; a sign is no digit.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.period.as_secs().max(1);
        let (unit, length) =
            UNITS.into_iter().find(|(_, length)| seconds.is_multiple_of(*length)).unwrap_or(("s", 1));
        match seconds / length {
            1 => write!(f, "{}/{unit}", self.starts),
            count => write!(f, "{}/{count}{unit}", self.starts),
        }
    }
}

/// Between whom a queue's starts are shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FairnessBy {
    /// Nobody: whoever came first.
    None,
    /// Projects.
    #[default]
    Project,
    /// Users.
    User,
    /// The values of a label.
    Label(String),
}

/// The text names no way of sharing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not allowed: use none, project, user or label:KEY")]
pub struct InvalidFairness(String);

impl FromStr for FairnessBy {
    type Err = InvalidFairness;

    fn from_str(text: &str) -> Result<Self, InvalidFairness> {
        match text {
            "none" => Ok(Self::None),
            "project" => Ok(Self::Project),
            "user" => Ok(Self::User),
            _ => match text.strip_prefix("label:") {
                Some(key) if !key.is_empty() && key.len() <= 317 => Ok(Self::Label(key.to_owned())),
                _ => Err(InvalidFairness(text.chars().take(64).collect())),
            },
        }
    }
}

impl fmt::Display for FairnessBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Project => f.write_str("project"),
            Self::User => f.write_str("user"),
            Self::Label(key) => write!(f, "label:{key}"),
        }
    }
}

/// Whether runs that wait in a queue may end others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preemption {
    /// They wait.
    #[default]
    Never,
    /// A run that a limit holds back may have runs of its agent end that come after it by priority; those wait again.
    LowerPriority,
}

/// The text names no way of making room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not allowed: use never or lower_priority")]
pub struct InvalidPreemption(String);

impl FromStr for Preemption {
    type Err = InvalidPreemption;

    fn from_str(text: &str) -> Result<Self, InvalidPreemption> {
        match text {
            "never" => Ok(Self::Never),
            "lower_priority" => Ok(Self::LowerPriority),
            _ => Err(InvalidPreemption(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for Preemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "never",
            Self::LowerPriority => "lower_priority",
        })
    }
}

/// How long a run waits for a quota, if nothing else is said, before what it needs is kept for it.
pub const RESERVE_AFTER: Duration = Duration::from_secs(600);

/// How the runs of a queue share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sharing {
    /// Between whom.
    #[serde(skip_serializing_if = "is_default")]
    pub fairness: FairnessBy,
    /// Whose share is not 1: a project's or a user's name, or a label's value, with 1 to 1,000.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Seconds that a run waits for a quota before what it needs is kept for it; 0 keeps nothing, ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_after_seconds: Option<u32>,
    /// So many runs may wait; further ones are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_backlog: Option<u32>,
    /// Seconds that a run waits here before it goes to another of its queues; 0 for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow_after_seconds: Option<u32>,
    /// Whether its runs may end others.
    #[serde(skip_serializing_if = "is_default")]
    pub preemption: Preemption,
}

impl Sharing {
    /// How long a run waits for a quota before what it needs is kept for it; none: for ever.
    #[must_use]
    pub fn reserve_after(&self) -> Option<Duration> {
        match self.reserve_after_seconds {
            None => Some(RESERVE_AFTER),
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(u64::from(seconds))),
        }
    }

    /// How long a run waits here before it goes to another of its queues; none: for ever.
    #[must_use]
    pub fn overflow_after(&self) -> Option<Duration> {
        match self.overflow_after_seconds {
            None => Some(OVERFLOW_AFTER),
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(u64::from(seconds))),
        }
    }
}

/// What is to change of a queue's sharing; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharingPatch {
    /// Between whom.
    pub fairness: Option<FairnessBy>,
    /// The weights, all of them.
    pub weights: Option<BTreeMap<String, u32>>,
    /// Seconds before what a run needs is kept for it, or those by default.
    pub reserve_after_seconds: Option<Option<u32>>,
    /// How many may wait, or any number.
    pub max_backlog: Option<Option<u32>>,
    /// Seconds before a run goes to another of its queues, or those by default.
    pub overflow_after_seconds: Option<Option<u32>>,
    /// Whether its runs may end others.
    pub preemption: Option<Preemption>,
}

impl SharingPatch {
    /// Changes `sharing`.
    pub fn apply(self, sharing: &mut Sharing) {
        sharing.fairness = self.fairness.unwrap_or_else(|| std::mem::take(&mut sharing.fairness));
        sharing.weights = self.weights.unwrap_or_else(|| std::mem::take(&mut sharing.weights));
        sharing.reserve_after_seconds = self.reserve_after_seconds.unwrap_or(sharing.reserve_after_seconds);
        sharing.max_backlog = self.max_backlog.unwrap_or(sharing.max_backlog);
        sharing.overflow_after_seconds =
            self.overflow_after_seconds.unwrap_or(sharing.overflow_after_seconds);
        sharing.preemption = self.preemption.unwrap_or(sharing.preemption);
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
as_text!(RateLimit, FairnessBy, Preemption);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_shown() {
        for (text, shown, seconds) in [
            ("30/m", "30/m", 60),
            ("5/10s", "5/10s", 10),
            ("1/60s", "1/m", 60),
            ("1000/24h", "1000/d", 86_400),
            ("7/90m", "7/90m", 5_400),
        ] {
            let rate: RateLimit = text.parse().unwrap();
            assert_eq!((rate.to_string().as_str(), rate.period.as_secs()), (shown, seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "30",
            "/m",
            "30/",
            "0/m",
            "-1/m",
            "+1/m",
            "1/0s",
            "1/2d",
            "1/ms",
            "1.5/m",
            "1/m/s",
            "30 /m",
            "9999999999/s",
        ] {
            let error = text.parse::<RateLimit>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a rate: use starts per period")), "{error}");
        }
    }

    #[test]
    fn ways_of_sharing_are_read_as_they_are_shown() {
        for text in ["none", "project", "user", "label:team"] {
            assert_eq!(text.parse::<FairnessBy>().unwrap().to_string(), text);
        }
        let error = "label:".parse::<FairnessBy>().unwrap_err();
        assert_eq!(error.to_string(), "`label:` is not allowed: use none, project, user or label:KEY");
    }

    #[test]
    fn ways_of_making_room_are_read_as_they_are_shown() {
        for text in ["never", "lower_priority"] {
            assert_eq!(text.parse::<Preemption>().unwrap().to_string(), text);
        }
        let error = "always".parse::<Preemption>().unwrap_err();
        assert_eq!(error.to_string(), "`always` is not allowed: use never or lower_priority");
    }

    #[test]
    fn what_is_not_set_is_not_written() {
        assert_eq!(serde_json::to_string(&Sharing::default()).unwrap(), "{}");
        let limits: LimitSettings =
            serde_json::from_str(r#"{"quota": {"gpu": "8"}, "rate": "30/m"}"#).unwrap();
        assert_eq!(serde_json::to_string(&limits).unwrap(), r#"{"quota":{"gpu":"8"},"rate":"30/m"}"#);
    }
}
