//! Measures queues and agents for `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use berth_domain::id::AgentId;
use berth_domain::scheduling::{MIN_WINDOW, window};
use berth_store::QueueStats;
use berth_telemetry::metrics::QueueNumbers;
use tokio::sync::Notify;

use crate::context::{Context, Pace};
use crate::outbox::Error;

/// How old a gauge may be.
const EVERY: Duration = Duration::from_secs(5);

/// Measures, until the shutdown.
pub(crate) async fn measure_forever(context: Context) {
    let mut shown = BTreeSet::new();
    let hint = Notify::new();
    let mut pace = Pace::new("measuring", &context, &hint, EVERY);
    while pace.next().await {
        pace.round(measure(&context, &mut shown)).await;
    }
}

async fn measure(context: &Context, shown: &mut BTreeSet<(String, String)>) -> Result<(), Error> {
    let now = context.clock.now();
    let agents = context.store.all_agents().await?;
    let windows: BTreeMap<AgentId, u32> =
        agents.iter().map(|agent| (agent.id, window(agent.handover_rate))).collect();
    let mut seen = BTreeSet::new();
    for queue in context.store.queue_stats().await? {
        let numbers = QueueNumbers {
            backlog: queue.backlog,
            window: u64::from(windows.get(&queue.agent_id).copied().unwrap_or(MIN_WINDOW)),
            in_flight: queue.in_flight,
            oldest: queue.oldest_queued_at.map(|oldest| now.since(oldest)).unwrap_or_default(),
            dead_letters: queue.dead_letters,
            concurrency: queue.concurrency.map(u64::from),
            offers_outstanding: queue.offered,
            admissible: admissible(&queue),
        };
        context.metrics.queue(&queue.agent, &queue.queue, &numbers);
        seen.insert((queue.agent, queue.queue));
    }
    for (agent, queue) in shown.difference(&seen) {
        context.metrics.forget_queue(agent, queue);
    }
    *shown = seen;
    for agent in &agents {
        context.metrics.agent_up(agent.name.as_str(), agent.is_live(now));
    }
    Ok(())
}

/// Waiting runs that the queue's own limit leaves room for: what another agent replica could help with.
fn admissible(queue: &QueueStats) -> u64 {
    let room = queue
        .concurrency
        .map_or(u64::MAX, |limit| u64::from(limit).saturating_sub(queue.offered + queue.in_flight));
    queue.backlog.min(room)
}
