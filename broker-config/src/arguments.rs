//! A queue's optional arguments, and how each RabbitMQ version spells them.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// RabbitMQ's type of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// Replicated and durable. The default for offers.
    #[default]
    Quorum,
    /// For stock Celery workers that set a channel-wide prefetch, and for short-lived queues.
    Classic,
}

impl QueueKind {
    /// The value of `x-queue-type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Classic => "classic",
        }
    }
}

/// What a queue is declared with beyond its flags; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arguments {
    /// `x-expires`: the queue goes when it had no consumer for this long.
    pub expires_ms: Option<u32>,
    /// `x-message-ttl`.
    pub message_ttl_ms: Option<u32>,
    /// `x-max-length`, with `x-overflow: reject-publish`.
    pub max_length: Option<u32>,
    /// `x-max-priority` (classic queues only).
    pub max_priority: Option<u8>,
}

/// A value in RabbitMQ's table of arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A signed number.
    Int(i64),
    /// A text.
    Text(String),
}

/// The server's version, which decides what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// 4 in 4.1.2.
    pub major: u32,
    /// 1 in 4.1.2.
    pub minor: u32,
}

impl ServerVersion {
    /// The oldest RabbitMQ that Berth supports.
    pub const OLDEST: Self = Self { major: 3, minor: 10 };
}

/// A version text that has no two leading numbers.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a server version: it should begin like `3.10`")]
pub struct InvalidVersion(String);

impl FromStr for ServerVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
            digits.parse::<u32>().ok()
        });
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(InvalidVersion(text.to_owned())),
        }
    }
}

/// The table to declare a queue with.
///
/// Berth's quorum queues have no delivery limit: it would dead-letter healthy neighbours of a crash. Up to
/// 3.13 that is the default and `-1` is refused; since 4.0 the default is 20 and `-1` must be said
/// (RabbitMQ's guide to quorum queues, "Poison Message Handling").
pub fn table(kind: QueueKind, arguments: &Arguments, server: ServerVersion) -> BTreeMap<String, Value> {
    let mut table = BTreeMap::new();
    let mut set = |name: &str, value: Value| table.insert(name.to_owned(), value);
    if kind == QueueKind::Quorum {
        set("x-queue-type", Value::Text(kind.as_str().to_owned()));
        if server.major >= 4 {
            set("x-delivery-limit", Value::Int(-1));
        }
    }
    if let Some(expires) = arguments.expires_ms {
        set("x-expires", Value::Int(expires.into()));
    }
    if let Some(ttl) = arguments.message_ttl_ms {
        set("x-message-ttl", Value::Int(ttl.into()));
    }
    if let Some(length) = arguments.max_length {
        set("x-max-length", Value::Int(length.into()));
        set("x-overflow", Value::Text("reject-publish".to_owned()));
    }
    if let (Some(priority), QueueKind::Classic) = (arguments.max_priority, kind) {
        set("x-max-priority", Value::Int(priority.into()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_queues_have_no_delivery_limit_on_any_version() {
        let none = Arguments::default();
        let old = table(QueueKind::Quorum, &none, ServerVersion::OLDEST);
        assert_eq!(old.get("x-delivery-limit"), None);
        let new = table(QueueKind::Quorum, &none, ServerVersion { major: 4, minor: 1 });
        assert_eq!(new.get("x-delivery-limit"), Some(&Value::Int(-1)));
    }

    #[test]
    fn a_plain_classic_queue_is_declared_as_celery_declares_it() {
        assert!(table(QueueKind::Classic, &Arguments::default(), ServerVersion::OLDEST).is_empty());
    }

    #[test]
    fn versions_are_read_as_servers_write_them() {
        for (text, major, minor) in [("3.10.8", 3, 10), ("4.0.0-beta.1", 4, 0), ("4.1+12", 4, 1)] {
            assert_eq!(text.parse::<ServerVersion>().unwrap(), ServerVersion { major, minor });
        }
        assert!("".parse::<ServerVersion>().is_err());
        assert!("rabbit".parse::<ServerVersion>().is_err());
    }
}
