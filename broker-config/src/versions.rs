//! What the versions of RabbitMQ and Redis do differently, as far as it matters to Berth, and which are too old for it.
//!
//! Berth sends the same to every version from the oldest on: what differs is written down here, and tests hold what we
//! declare and send against each row, since not every version can be installed where tests run. The book has the same
//! tables, and says which versions tests ran on; a test compares them.

use std::fmt;

use crate::arguments::{Arguments, QueueKind, Value, table};

/// A broker's product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// RabbitMQ.
    RabbitMq,
    /// Redis.
    Redis,
}

impl Product {
    fn name(self) -> &'static str {
        match self {
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
        }
    }

    /// The series that are known, the oldest first.
    fn known(self) -> Vec<Series> {
        match self {
            Self::RabbitMq => RABBITMQ.iter().map(|row| row.series).collect(),
            Self::Redis => REDIS.iter().map(|row| row.series).collect(),
        }
    }
}

/// The first two numbers of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series(pub u16, pub u16);

impl Series {
    /// Of a version's text, `4.0.5` or `3.13.7+2.g1a2b3c4`; `None` if it does not begin with two numbers.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// How well a server's version is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// There is a row for it.
    Known,
    /// It is none of the rows', and not older than the oldest: it is worked with.
    Unknown,
}

/// A server that is too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooOld {
    product: &'static str,
    found: String,
    oldest: Series,
    newest: Series,
}

impl fmt::Display for TooOld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, found, oldest, newest } = self;
        write!(
            f,
            "{product} {found} is too old: Berth works with {oldest} and later, and knows those to {newest}"
        )
    }
}

impl std::error::Error for TooOld {}

/// Whether Berth works with a server of this version; the text is as the server says it.
///
/// # Errors
/// If it is older than the oldest version that Berth works with.
pub fn support(product: Product, text: &str) -> Result<Support, TooOld> {
    let Some(series) = Series::of(text) else { return Ok(Support::Unknown) };
    let known = product.known();
    let (Some(&oldest), Some(&newest)) = (known.first(), known.last()) else { return Ok(Support::Unknown) };
    if series < oldest {
        return Err(TooOld { product: product.name(), found: text.to_owned(), oldest, newest });
    }
    Ok(if known.contains(&series) { Support::Known } else { Support::Unknown })
}

/// What a series of RabbitMQ does.
#[derive(Clone, Copy, Debug)]
pub struct RabbitMq {
    /// Which.
    pub series: Series,
    /// After how many returns a quorum queue drops a message, where its arguments don't say.
    pub delivery_limit: Option<u32>,
    /// Whether a channel-wide prefetch is taken. Quorum queues never took one.
    pub channel_prefetch: bool,
    /// Whether queues are taken that are neither durable nor exclusive.
    pub transient_queues: bool,
    /// Whether classic queues can be mirrored by a policy.
    pub mirrored_classic: bool,
    /// Whether quorum queues keep two priorities apart.
    pub quorum_priorities: bool,
    /// The largest message, in MiB.
    pub largest_message_mib: u32,
    /// Whether a virtual host may give queues that name no type another one than `classic`.
    pub default_queue_type: bool,
}

const OLD: RabbitMq = RabbitMq {
    series: Series(3, 10),
    delivery_limit: None,
    channel_prefetch: true,
    transient_queues: true,
    mirrored_classic: true,
    quorum_priorities: false,
    largest_message_mib: 128,
    default_queue_type: false,
};

const NEW: RabbitMq = RabbitMq {
    series: Series(4, 0),
    delivery_limit: Some(20),
    channel_prefetch: true,
    transient_queues: true,
    mirrored_classic: false,
    quorum_priorities: true,
    largest_message_mib: 16,
    default_queue_type: true,
};

/// RabbitMQ, the oldest first. What its release notes call deprecated and still take counts as taken.
pub const RABBITMQ: [RabbitMq; 9] = [
    OLD,
    RabbitMq { series: Series(3, 11), default_queue_type: true, ..OLD },
    RabbitMq { series: Series(3, 12), default_queue_type: true, ..OLD },
    RabbitMq { series: Series(3, 13), default_queue_type: true, ..OLD },
    NEW,
    RabbitMq { series: Series(4, 1), ..NEW },
    RabbitMq { series: Series(4, 2), ..NEW },
    RabbitMq { series: Series(4, 3), channel_prefetch: false, transient_queues: false, ..NEW },
    RabbitMq { series: Series(4, 4), channel_prefetch: false, transient_queues: false, ..NEW },
];

/// What a series of Redis does.
#[derive(Clone, Copy, Debug)]
pub struct Redis {
    /// Which.
    pub series: Series,
    /// Whether a user that is made or reset may use every channel until its rule takes them away.
    pub channels_by_default: bool,
    /// Whether `ACL LIST` tells commands by categories that nobody has set.
    pub lists_categories: bool,
}

/// Redis, the oldest first.
pub const REDIS: [Redis; 7] = [
    Redis { series: Series(6, 2), channels_by_default: true, lists_categories: true },
    Redis { series: Series(7, 0), channels_by_default: false, lists_categories: true },
    Redis { series: Series(7, 2), channels_by_default: false, lists_categories: false },
    Redis { series: Series(7, 4), channels_by_default: false, lists_categories: false },
    Redis { series: Series(8, 0), channels_by_default: false, lists_categories: false },
    Redis { series: Series(8, 2), channels_by_default: false, lists_categories: false },
    Redis { series: Series(8, 4), channels_by_default: false, lists_categories: false },
];

/// What a series of RabbitMQ would do with a queue that is declared like this, other than what is meant; `None`: it
/// does what is meant.
#[must_use]
pub fn misunderstood(row: &RabbitMq, kind: QueueKind, arguments: &Arguments) -> Option<&'static str> {
    let table = table(kind, arguments);
    let has = |name: &str| table.contains_key(name);
    let is_quorum = kind == QueueKind::Quorum;
    if is_quorum && has("x-max-priority") && !row.quorum_priorities {
        return Some("a quorum queue has no priorities there");
    }
    if is_quorum && row.delivery_limit.is_some() && !has("x-delivery-limit") {
        return Some("messages that were returned too often are dropped");
    }
    if matches!(table.get("x-delivery-limit"), Some(Value::Int(limit)) if *limit < 0) {
        return Some("3.10 drops a message at its first return");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use crate::topology::Topology;
    use crate::{build, rights};

    const BOOK: &str = include_str!("../../docs/brokers.md");

    #[test]
    fn what_is_too_old_is_refused_by_name_and_what_is_newer_is_taken() {
        use Product::{RabbitMq, Redis};
        for (product, text, support_of) in [
            (RabbitMq, "3.10.8", Some(Support::Known)),
            (RabbitMq, "3.13.7+2.g1a2b3c4", Some(Support::Known)),
            (RabbitMq, "4.1.0-rc.1", Some(Support::Known)),
            (RabbitMq, "4.9.0", Some(Support::Unknown)),
            (RabbitMq, "5.0.0", Some(Support::Unknown)),
            (RabbitMq, "3.9.29", None),
            (RabbitMq, "2.8.7", None),
            (Redis, "6.2.14", Some(Support::Known)),
            (Redis, "7.0.15", Some(Support::Known)),
            (Redis, "8.0.1", Some(Support::Known)),
            (Redis, "7.1.0", Some(Support::Unknown)),
            (Redis, "10.0.0", Some(Support::Unknown)),
            (Redis, "6.0.16", None),
            (Redis, "unstable", Some(Support::Unknown)),
        ] {
            assert_eq!(support(product, text).ok(), support_of, "{product:?} {text}");
        }
        assert_eq!(
            support(RabbitMq, "3.8.2").unwrap_err().to_string(),
            "RabbitMQ 3.8.2 is too old: Berth works with 3.10 and later, and knows those to 4.4"
        );
        assert_eq!(
            support(Redis, "6.0.16").unwrap_err().to_string(),
            "Redis 6.0.16 is too old: Berth works with 6.2 and later, and knows those to 8.4"
        );
    }

    /// Everything that Berth declares.
    fn everything(kind: QueueKind) -> Topology {
        let names = Names::default();
        build::control_plane(&names, ["ci"])
            .with(build::agent(&names, "a", ["q"], kind))
            .with(build::control_queue(&names, "a", "r"))
            .with(build::reply_queue(&names, "a", "api"))
    }

    #[test]
    fn every_rabbitmq_does_what_is_meant_with_what_we_declare() {
        for row in &RABBITMQ {
            for (name, queue) in
                everything(QueueKind::Quorum).queues.iter().chain(&everything(QueueKind::Classic).queues)
            {
                assert_eq!(
                    misunderstood(row, queue.kind, &queue.arguments),
                    None,
                    "{name} on {}",
                    row.series
                );
            }
        }
    }

    #[test]
    fn a_queue_without_a_limit_of_its_own_would_be_another_on_4() {
        // What the rows are for: they tell of a declaration that is good on the oldest only.
        let bare = RabbitMq { delivery_limit: Some(20), ..OLD };
        assert_eq!(misunderstood(&bare, QueueKind::Quorum, &Arguments::default()), None);
        assert!(table(QueueKind::Quorum, &Arguments::default()).contains_key("x-delivery-limit"));
        assert!(!table(QueueKind::Classic, &Arguments::default()).contains_key("x-delivery-limit"));
    }

    #[test]
    fn what_is_sent_is_smaller_than_any_versions_largest_message() {
        // 512 KiB of a compiled operation, and its frame; logs come in pieces of 64 KiB.
        const LARGEST_MIB: u32 = 1;
        assert!(RABBITMQ.iter().all(|row| row.largest_message_mib > LARGEST_MIB));
    }

    #[test]
    fn an_agents_rule_means_the_same_on_every_redis() {
        let rule = rights::redis_acl(&Names::default(), "a", "00ff", 0);
        let words: Vec<&str> = rule.split(' ').collect();
        let at = |word: &str| words.iter().position(|it| *it == word);
        if REDIS.iter().any(|row| row.channels_by_default) {
            // There, one channel beside all of them is an error.
            assert!(at("reset") < at("resetchannels") && at("resetchannels") < at("&berth.a.*"), "{rule}");
        }
        // Selectors and key patterns by kind are of 7.0.
        assert!(!words.iter().any(|word| word.starts_with('(') || word.starts_with('%')), "{rule}");
        // A category may hold other commands in another version.
        assert!(!rule.contains("+@"), "{rule}");
    }

    fn yes(is_so: bool) -> &'static str {
        if is_so { "yes" } else { "no" }
    }

    #[test]
    fn the_book_has_the_same_tables() {
        for row in &RABBITMQ {
            let limit = row.delivery_limit.map_or("none".to_owned(), |limit| limit.to_string());
            let line = format!(
                "| {} | {limit} | {} | {} | {} | {} | {} MiB | {} |",
                row.series,
                yes(row.channel_prefetch),
                yes(row.transient_queues),
                yes(row.mirrored_classic),
                yes(row.quorum_priorities),
                row.largest_message_mib,
                yes(row.default_queue_type),
            );
            assert!(BOOK.contains(&line), "docs/brokers.md has no line\n{line}");
        }
        for row in &REDIS {
            let line = format!(
                "| {} | {} | {} |",
                row.series,
                yes(row.channels_by_default),
                yes(row.lists_categories)
            );
            assert!(BOOK.contains(&line), "docs/brokers.md has no line\n{line}");
        }
    }
}
