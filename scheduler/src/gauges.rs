//! Measures queues and agents for `/metrics`.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_telemetry::QueueNumbers;
use tokio::sync::Notify;

use crate::context::{Context, converge_forever};
use crate::outbox::Error;

/// How old a gauge may be.
const EVERY: Duration = Duration::from_secs(5);

/// Measures, until the shutdown.
pub(crate) async fn measure_forever(context: Context) {
    let mut shown = BTreeSet::new();
    converge_forever("measuring", &context, &Notify::new(), EVERY, async || measure(&context, &mut shown).await)
        .await;
}

async fn measure(context: &Context, shown: &mut BTreeSet<(String, String)>) -> Result<(), Error> {
    let now = context.clock.now();
    let mut seen = BTreeSet::new();
    for queue in context.store.queue_stats(now).await? {
        let numbers = QueueNumbers {
            backlog: queue.backlog,
            window: u64::from(queue.window),
            in_flight: queue.in_flight,
            oldest: queue.oldest_queued_at.map(|oldest| now.since(oldest)).unwrap_or_default(),
            dead_letters: queue.dead_letters,
            concurrency: queue.concurrency.map(u64::from),
            offers_outstanding: queue.offered,
            admissible: queue.admissible,
        };
        context.metrics.queue(&queue.agent, &queue.queue, &numbers);
        seen.insert((queue.agent, queue.queue));
    }
    for (agent, queue) in shown.difference(&seen) {
        context.metrics.forget_queue(agent, queue);
    }
    *shown = seen;
    for agent in context.store.all_agents().await? {
        let is_up = agent.lease_until.is_some_and(|until| until > now);
        context.metrics.agent_up(agent.name.as_str(), is_up);
    }
    Ok(())
}
