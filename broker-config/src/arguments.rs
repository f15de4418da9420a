//! A queue's optional arguments, and how RabbitMQ spells them.

use std::collections::BTreeMap;

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

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A limit that no message ever reaches. RabbitMQ up to 3.13 has none by default, 4.0 and later 20; `-1` means
/// "none" from 4.0 on, but 3.10 takes it and then drops a message at its first return (seen on 3.10.8). A number
/// this large means the same on every version, so that an upgrade changes no queue's arguments either.
pub const NO_DELIVERY_LIMIT: i64 = i32::MAX as i64;

/// The table to declare a queue with.
///
/// Quorum queues have no delivery limit ([`NO_DELIVERY_LIMIT`]): it would dead-letter healthy neighbours of a crash.
pub fn table(kind: QueueKind, arguments: &Arguments) -> BTreeMap<String, Value> {
    let mut table = BTreeMap::new();
    let mut set = |name: &str, value: Value| table.insert(name.to_owned(), value);
    if kind == QueueKind::Quorum {
        set("x-queue-type", Value::Text(kind.as_str().to_owned()));
        set("x-delivery-limit", Value::Int(NO_DELIVERY_LIMIT));
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
        let table = table(QueueKind::Quorum, &Arguments::default());
        assert_eq!(table.get("x-delivery-limit"), Some(&Value::Int(2_147_483_647)));
    }

    #[test]
    fn a_plain_classic_queue_is_declared_as_celery_declares_it() {
        assert!(table(QueueKind::Classic, &Arguments::default()).is_empty());
    }
}
