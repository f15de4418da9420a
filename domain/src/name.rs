//! Names of agents, queues and projects: parsed once at the edge, proofs afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes; a DNS label.
pub const MAX_LENGTH: usize = 63;

/// The name that holds where nothing else is said: of the owner, the project, the agent's queue.
pub const DEFAULT: &str = "default";

/// The text is not a name.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit")]
pub struct InvalidName(String);

/// A name of an agent, a queue, a namespace or a project's label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// The name of an agent, unique in an installation.
pub type AgentName = Slug;
/// The name of a queue, unique in its agent.
pub type QueueName = Slug;

impl Slug {
    /// The name `default`.
    #[must_use]
    pub fn default_name() -> Self {
        Self(DEFAULT.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A slug that stands for any text, in labels and file names: its letters, and a short hash where they differ.
    ///
    /// Stock clients may send names in any Unicode; two different texts never share a slug but by a hash collision.
    #[must_use]
    pub fn standing_for(text: &str) -> Self {
        use sha2::{Digest, Sha256};
        if let Ok(slug) = text.parse() {
            return slug;
        }
        let mut kept = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                kept.push(c);
            } else if !kept.is_empty() && !kept.ends_with('-') {
                kept.push('-');
            }
            if kept.len() >= 48 {
                break;
            }
        }
        let kept = kept.trim_end_matches('-');
        let digest = Sha256::digest(text.as_bytes());
        let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self(if kept.is_empty() { format!("x-{hash}") } else { format!("{kept}-{hash}") })
    }
}

impl FromStr for Slug {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bytes = text.as_bytes();
        let fits = !bytes.is_empty()
            && bytes.len() <= MAX_LENGTH
            && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a run names its queue: `agent/queue`, or `queue` on the default agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueRef {
    /// The agent, if one was named.
    pub agent: Option<AgentName>,
    /// The queue.
    pub queue: QueueName,
}

impl FromStr for QueueRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.trim().split_once('/') {
            Some((agent, queue)) => Ok(Self { agent: Some(agent.parse()?), queue: queue.parse()? }),
            None => Ok(Self { agent: None, queue: text.trim().parse()? }),
        }
    }
}

impl fmt::Display for QueueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.agent {
            Some(agent) => write!(f, "{agent}/{}", self.queue),
            None => write!(f, "{}", self.queue),
        }
    }
}

impl Serialize for QueueRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QueueRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "default", "gpu-a100", "0", &"x".repeat(63)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn any_text_has_a_slug_of_its_own() {
        assert_eq!(Slug::standing_for("train").as_str(), "train");
        let slugs = ["My Project", "my project", "Ünïcode", "日本", ""].map(Slug::standing_for);
        for slug in &slugs {
            assert_eq!(slug.as_str().parse::<Slug>().as_ref(), Ok(slug));
        }
        assert_eq!(slugs.iter().collect::<std::collections::BTreeSet<_>>().len(), slugs.len());
    }

    #[test]
    fn a_queue_is_written_with_or_without_its_agent() {
        assert_eq!("eu/gpu".parse::<QueueRef>().unwrap().to_string(), "eu/gpu");
        assert_eq!("gpu".parse::<QueueRef>().unwrap().agent, None);
        assert!("a/b/c".parse::<QueueRef>().is_err());
    }
}
