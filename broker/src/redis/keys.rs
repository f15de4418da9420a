//! The keys of one queue.

use berth_broker_config::{Address, Names};

/// What stands between a queue's name and its priority step (kombu's `sep`).
const SEPARATOR: &str = "\u{6}\u{16}";

/// How the key of a registry of queues ends.
pub(crate) const REGISTRY: &str = "._queues";

/// kombu's priority steps; 0 is served first.
const STEPS: [u8; 4] = [0, 3, 6, 9];

/// The keys of one queue and of its prefix's bookkeeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The list of priority step 0, whose name is the queue's; also the channel of hints that it was filled.
    pub(crate) queue: String,
    /// kombu's name of the queue.
    pub(crate) routing_key: String,
    /// A sorted set of the consumers that hold something, by the time at which each was last heard of.
    pub(crate) index: String,
    /// The lock of whoever brings back what dead consumers held.
    pub(crate) mutex: String,
    /// A set of the queues that were applied: a list that is empty doesn't exist.
    pub(crate) registry: String,
    /// Exists as long as somebody consumes a queue that goes when nobody does.
    pub(crate) live: String,
}

impl Keys {
    /// Those of a queue; before one of somebody else's stands `celery_prefix`.
    pub(crate) fn of(address: &Address, names: &Names, celery_prefix: &str) -> Self {
        // Queues of others keep their names; what we hold of them is under our own prefix.
        let own = format!("{}.", names.prefix);
        let is_foreign = address.redis_prefix.is_empty();
        let prefix = if is_foreign { &own } else { &address.redis_prefix };
        let before = if is_foreign { celery_prefix } else { "" };
        let routing_key = address.kombu_name().to_owned();
        Self {
            queue: format!("{before}{}", address.queue),
            index: format!("{prefix}_held.{routing_key}"),
            mutex: format!("{prefix}_restoring.{routing_key}"),
            registry: format!("{}{REGISTRY}", prefix.trim_end_matches('.')),
            live: format!("{prefix}_live.{routing_key}"),
            routing_key,
        }
    }

    /// The four lists, in the order in which they are served.
    pub(crate) fn lists(&self) -> [String; 4] {
        STEPS.map(|step| self.list_of_step(step))
    }

    /// The list of a message's priority: the largest step that is not above it.
    pub(crate) fn list(&self, priority: Option<u8>) -> String {
        let priority = priority.unwrap_or(0);
        let step = STEPS.iter().rev().find(|step| **step <= priority).copied().unwrap_or(0);
        self.list_of_step(step)
    }

    fn list_of_step(&self, step: u8) -> String {
        if step == 0 { self.queue.clone() } else { format!("{}{SEPARATOR}{step}", self.queue) }
    }

    /// A hash of what one consumer holds un-acked, by number.
    pub(crate) fn held_by(&self, consumer: &str) -> String {
        format!("{}/{consumer}", self.index)
    }
}

/// The queue that a list belongs to.
pub(crate) fn queue_of_list(list: &str) -> &str {
    list.split_once(SEPARATOR).map_or(list, |(queue, _)| queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_a_stock_worker_with_the_agents_prefix_looks() {
        let names = Names::default();
        let keys = Keys::of(&names.offers("a", "q"), &names, "tools:");
        assert_eq!(keys.queue, "berth.a.run.q");
        assert_eq!(keys.routing_key, "run.q");
        assert_eq!(keys.index, "berth.a._held.run.q");
        assert_eq!(keys.held_by("c"), "berth.a._held.run.q/c");
        assert_eq!(keys.list(Some(7)), "berth.a.run.q\u{6}\u{16}6");
        assert_eq!(keys.lists()[0], keys.list(None));
        assert_eq!(keys.registry, "berth.a._queues");
        let theirs = Keys::of(&Address::foreign("celery"), &names, "tools:");
        assert_eq!((theirs.queue.as_str(), theirs.routing_key.as_str()), ("tools:celery", "celery"));
        assert_eq!(theirs.index, "berth._held.celery");
        assert!(keys.lists().iter().all(|list| queue_of_list(list) == keys.queue));
    }
}
