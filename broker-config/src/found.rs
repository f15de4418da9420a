//! What is on a broker, as plain properties: what a broker says of a thing, and what [`crate::topology`] wants
//! of it, in one form that can be compared. Reading it is the broker crate's.

use std::collections::{BTreeMap, BTreeSet};

use crate::arguments::table;
use crate::policies::FoundPolicies;
use crate::topology::{Binding, Exchange, Queue};
use crate::users::FoundUsers;

/// A thing's properties by RabbitMQ's names, as text; what has no value is left out.
pub type Properties = BTreeMap<String, String>;

/// What is on a broker, as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Exchanges by name; `None`: this broker has none (Redis), or they can't be seen.
    pub exchanges: Option<BTreeMap<String, Seen>>,
    /// Queues by name.
    pub queues: BTreeMap<String, Seen>,
    /// Bindings; `None`: this broker has none, or they can't be seen.
    pub bindings: Option<BTreeSet<Binding>>,
    /// Users that could be agents' by their names; `None`: this broker has none, or they can't be seen.
    pub users: Option<FoundUsers>,
    /// Policies; `None`: this broker has none, or they can't be seen.
    pub policies: Option<FoundPolicies>,
}

/// What is seen of an exchange or a queue that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// That it is there.
    Name,
    /// All its properties.
    Whole(Properties),
}

/// What a queue's properties should be.
pub fn of_queue(queue: &Queue) -> Properties {
    let arguments = table(queue.kind, &queue.arguments).into_iter();
    queue_properties(true, false, arguments.map(|(name, value)| (name, value.to_string())))
}

/// The properties of a queue with these flags and arguments.
pub fn queue_properties(
    durable: bool,
    auto_delete: bool,
    arguments: impl IntoIterator<Item = (String, String)>,
) -> Properties {
    let mut properties: Properties = arguments.into_iter().collect();
    // RabbitMQ takes an absent type for a classic queue.
    properties.entry("x-queue-type".to_owned()).or_insert_with(|| "classic".to_owned());
    properties.insert("durable".to_owned(), durable.to_string());
    properties.insert("auto_delete".to_owned(), auto_delete.to_string());
    properties
}

/// What an exchange's properties should be.
pub fn of_exchange(exchange: &Exchange) -> Properties {
    exchange_properties(exchange.kind.as_str(), true, false)
}

/// The properties of an exchange of this type, with these flags.
pub fn exchange_properties(kind: &str, durable: bool, auto_delete: bool) -> Properties {
    [("type", kind.to_owned()), ("durable", durable.to_string()), ("auto_delete", auto_delete.to_string())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, QueueKind};

    #[test]
    fn a_queue_without_a_type_is_a_classic_one() {
        let classic = Queue {
            kind: QueueKind::Classic,
            arguments: Arguments { expires_ms: Some(5), ..Arguments::default() },
            redis_prefix: String::new(),
        };
        let said = queue_properties(true, false, [("x-expires".to_owned(), "5".to_owned())]);
        assert_eq!(of_queue(&classic), said);
        assert_eq!(said["x-queue-type"], "classic");
    }
}
