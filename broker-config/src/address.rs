//! Where a message goes or comes from, on any transport.

use serde::{Deserialize, Serialize};

/// A queue or a broadcast topic, as each transport reaches it.
///
/// On RabbitMQ a message is published to `exchange` (the default exchange if there is none) with the queue's
/// name as routing key. On Redis the list's key is the queue's name, which begins with `redis_prefix`: that is
/// kombu's `global_keyprefix`, under which the bookkeeping of un-acked messages lives too, so that a stock
/// Celery worker with that prefix reads the same queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    /// The queue's whole name; for a topic, the name of its exchange or channel.
    pub queue: String,
    /// The exchange to publish through; `None` is the default exchange.
    pub exchange: Option<String>,
    /// kombu's `global_keyprefix`; empty for queues that belong to others.
    pub redis_prefix: String,
    /// The queue goes when nobody has consumed it for this long, in milliseconds; `None`: it stays.
    pub idle_expiry_ms: Option<u32>,
}

impl Address {
    /// A queue of somebody else's (a Celery client's reply queue, say): default exchange, no key prefix.
    pub fn foreign(queue: impl Into<String>) -> Self {
        Self { queue: queue.into(), exchange: None, redis_prefix: String::new(), idle_expiry_ms: None }
    }

    /// The name a kombu client with `global_keyprefix = redis_prefix` knows the queue by.
    pub fn kombu_name(&self) -> &str {
        self.queue.strip_prefix(self.redis_prefix.as_str()).unwrap_or(&self.queue)
    }
}

#[cfg(test)]
mod tests {
    use crate::names::Names;

    #[test]
    fn a_stock_worker_with_the_agents_prefix_knows_the_queue_by_its_short_name() {
        let offers = Names::default().offers("a", "q");
        assert_eq!(offers.queue, "berth.a.run.q");
        assert_eq!(offers.redis_prefix, "berth.a.");
        assert_eq!(offers.kombu_name(), "run.q");
    }
}
