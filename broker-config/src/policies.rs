//! RabbitMQ's policies: the one of ours, and what those of others do to our queues.
//!
//! A policy changes queues that exist, whoever declared them; one policy at most applies to a queue, and one of an
//! operator's beside it. Those of others are theirs: what they change is told, and nothing of them is touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arguments::{NO_DELIVERY_LIMIT, QueueKind, Value};
use crate::found::Properties;
use crate::names::Names;
use crate::rights::escape;
use crate::topology::Queue;

/// What is to hold of all queues whose names fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A regular expression of names.
    pub pattern: String,
    /// Of several that fit, the one with the greatest holds.
    pub priority: i32,
    /// What holds.
    pub definition: BTreeMap<String, Value>,
}

/// What a policy is for, in RabbitMQ's words. Told apart by their type queues are from 3.12 on only.
pub const APPLY_TO: &str = "queues";

/// The policy by which no queue under the prefix, an agent's own among them, holds more than so many bytes: whoever
/// publishes more is refused. With its name.
#[must_use]
pub fn limit(names: &Names, bytes: u64) -> (String, Policy) {
    let bytes = Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX));
    let overflow = Value::Text("reject-publish".to_owned());
    let definition = [("max-length-bytes", bytes), ("overflow", overflow)];
    let definition = definition.map(|(name, value)| (name.to_owned(), value)).into();
    let pattern = format!("^{}", escape(&format!("{}.", names.prefix)));
    (format!("{}.limit", names.prefix), Policy { pattern, priority: 0, definition })
}

impl Policy {
    /// Its properties, as they are compared.
    #[must_use]
    pub fn properties(&self) -> Properties {
        let definition = self.definition.iter().map(|(name, value)| (name.clone(), value.to_string()));
        properties(&self.pattern, APPLY_TO, self.priority.into(), definition)
    }
}

/// The properties of a policy.
pub fn properties(
    pattern: &str,
    apply_to: &str,
    priority: i64,
    definition: impl IntoIterator<Item = (String, String)>,
) -> Properties {
    let own = [
        ("pattern", pattern.to_owned()),
        ("apply-to", apply_to.to_owned()),
        ("priority", priority.to_string()),
    ];
    own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(definition).collect()
}

/// The policies of a virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPolicies {
    /// By name.
    pub policies: BTreeMap<String, Properties>,
    /// An operator's, by name.
    pub operators: BTreeMap<String, Properties>,
    /// What holds of each queue for which there is any.
    pub effects: BTreeMap<String, Effect>,
}

/// What policies make of a queue, as the broker says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The name of the policy that applies, if one does.
    pub policy: Option<String>,
    /// That of the operator's.
    pub operator: Option<String>,
    /// What holds by both.
    pub definition: Properties,
}

/// What of an effect makes a queue mean something else than Berth takes it for: messages are dropped, or the queue goes.
pub fn altered<'a>(queue: &Queue, effect: &'a Effect) -> impl Iterator<Item = (&'a String, &'a String)> {
    let refuses =
        effect.definition.get("overflow").is_some_and(|overflow| overflow.starts_with("reject-publish"));
    let is_quorum = queue.kind == QueueKind::Quorum;
    effect.definition.iter().filter(move |(name, value)| match name.as_str() {
        "message-ttl" | "expires" => true,
        "max-length" | "max-length-bytes" => !refuses,
        "delivery-limit" => is_quorum && value.parse().is_ok_and(|limit: i64| limit < NO_DELIVERY_LIMIT),
        _ => false,
    })
}

impl FoundPolicies {
    /// The name of the policy that gave a queue this property.
    #[must_use]
    pub fn giver<'a>(&self, effect: &'a Effect, property: &str, value: &str) -> Option<&'a str> {
        let has = |policies: &BTreeMap<String, Properties>, name: &Option<String>| {
            let policy = name.as_ref().and_then(|name| policies.get(name));
            policy.and_then(|policy| policy.get(property)).is_some_and(|it| it == value)
        };
        if has(&self.operators, &effect.operator) && !has(&self.policies, &effect.policy) {
            return effect.operator.as_deref();
        }
        effect.policy.as_deref().or(effect.operator.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;

    fn told(kind: QueueKind, definition: &[(&str, &str)]) -> Vec<String> {
        let queue = Queue { kind, arguments: Arguments::default(), redis_prefix: String::new() };
        let definition = definition.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let effect = Effect { definition: definition.collect(), ..Effect::default() };
        altered(&queue, &effect).map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn what_drops_messages_or_queues_is_told_and_nothing_else() {
        let none: [&str; 0] = [];
        for (definition, wanted) in [
            (&[("message-ttl", "60000")][..], &["message-ttl=60000"][..]),
            (&[("expires", "1")], &["expires=1"]),
            (&[("max-length", "5")], &["max-length=5"]),
            (&[("max-length-bytes", "5"), ("overflow", "drop-head")], &["max-length-bytes=5"]),
            (&[("max-length", "5"), ("overflow", "reject-publish")], &none),
            (&[("delivery-limit", "20")], &["delivery-limit=20"]),
            (&[("delivery-limit", "-1")], &["delivery-limit=-1"]),
            (&[("queue-leader-locator", "balanced"), ("ha-mode", "all")], &none),
        ] {
            assert_eq!(told(QueueKind::Quorum, definition), wanted, "{definition:?}");
        }
        assert_eq!(told(QueueKind::Classic, &[("delivery-limit", "20")]), none);
    }

    #[test]
    fn our_own_policy_fits_our_names_only_and_drops_nothing() {
        let (name, policy) = limit(&Names::default(), 1024);
        assert_eq!((name.as_str(), policy.pattern.as_str()), ("berth.limit", r"^berth\."));
        let effect = Effect { definition: policy.properties(), ..Effect::default() };
        let queue =
            Queue { kind: QueueKind::Quorum, arguments: Arguments::default(), redis_prefix: String::new() };
        assert_eq!(altered(&queue, &effect).count(), 0);
        assert_eq!(policy.properties()["max-length-bytes"], "1024");
    }

    #[test]
    fn a_property_is_of_the_policy_that_has_it() {
        let of = |name: &str, value: &str| {
            BTreeMap::from([("p".to_owned(), Properties::from([(name.to_owned(), value.to_owned())]))])
        };
        let operators = of("max-length", "5").into_values().map(|policy| ("o".to_owned(), policy)).collect();
        let found = FoundPolicies { policies: of("message-ttl", "1"), operators, effects: BTreeMap::new() };
        let (policy, operator) = (Some("p".to_owned()), Some("o".to_owned()));
        let effect = Effect { policy, operator, definition: Properties::new() };
        assert_eq!(found.giver(&effect, "max-length", "5"), Some("o"));
        assert_eq!(found.giver(&effect, "message-ttl", "1"), Some("p"));
    }
}
