//! Ids that know what they identify. What they mean for storage and for the wire is up to others.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A UUID that identifies a thing of the kind `T`. Shown as 32 lower-case hex digits, as Polyaxon's API does.
pub struct Id<T> {
    raw: Uuid,
    kind: PhantomData<fn() -> T>,
}

/// The kinds of things that have an [`Id`]; never constructed.
pub mod kind {
    /// One execution of an operation.
    pub enum Run {}
    /// A project of an organization.
    pub enum Project {}
    /// A queue of an agent.
    pub enum Queue {}
    /// An agent: one deployment that executes runs.
    pub enum Agent {}
    /// An access token.
    pub enum Token {}
    /// A saved preset.
    pub enum Preset {}
    /// A message or a run that was set aside.
    pub enum DeadLetter {}
}

/// Identifies a run.
pub type RunId = Id<kind::Run>;
/// Identifies a project.
pub type ProjectId = Id<kind::Project>;
/// Identifies a queue.
pub type QueueId = Id<kind::Queue>;
/// Identifies an agent.
pub type AgentId = Id<kind::Agent>;
/// Identifies an access token.
pub type TokenId = Id<kind::Token>;
/// Identifies a saved preset.
pub type PresetId = Id<kind::Preset>;
/// Identifies a dead letter.
pub type DeadLetterId = Id<kind::DeadLetter>;

impl<T> Id<T> {
    /// A new time-ordered id (UUIDv7).
    #[must_use]
    pub fn new() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Takes a UUID as it is.
    #[must_use]
    pub const fn from_uuid(raw: Uuid) -> Self {
        Self { raw, kind: PhantomData }
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.raw
    }
}

impl<T> Default for Id<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.raw.simple(), f)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a UUID.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a UUID: 32 hex digits, with or without dashes")]
pub struct InvalidId(String);

impl<T> FromStr for Id<T> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(text).map(Self::from_uuid).map_err(|_| InvalidId(text.chars().take(64).collect()))
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_polyaxon_shows_it_and_read_back_in_both_spellings() {
        let id = RunId::new();
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.uuid().hyphenated().to_string().parse(), Ok(id));
        assert_eq!("x".parse::<RunId>(), Err(InvalidId("x".into())));
    }
}
