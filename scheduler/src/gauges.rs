//! Measures queues and agents for `/metrics`, and for the history that the store keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use berth_domain::history::Gauges;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::scheduling::{MIN_WINDOW, window};
use berth_domain::time::Time;
use berth_domain::waiting::Waiting;
use berth_domain::warning::warnings;
use berth_store::{Agent, BrokerFacts, QueueStats};
use berth_telemetry::metrics::QueueNumbers;
use tokio::sync::Notify;

use crate::context::{Context, Pace};
use crate::outbox::Error;

/// How old a gauge may be.
const EVERY: Duration = Duration::from_secs(5);
/// One measurement of so many is written down, and looked at for what is wrong.
const WRITTEN: u32 = 6;

/// Measures, until the shutdown.
pub(crate) async fn measure_forever(context: Context) {
    let mut shown = BTreeSet::new();
    let hint = Notify::new();
    let mut pace = Pace::new("measuring", &context, &hint, EVERY);
    let mut rounds = 0_u32;
    while pace.next().await {
        let is_written = rounds.is_multiple_of(WRITTEN);
        pace.round(measure(&context, &mut shown, is_written)).await;
        rounds = rounds.wrapping_add(1);
    }
    leave(&context).await;
}

async fn measure(
    context: &Context,
    shown: &mut BTreeSet<(String, String)>,
    is_written: bool,
) -> Result<(), Error> {
    let now = context.clock.now();
    let agents = context.store.all_agents().await?;
    let windows: BTreeMap<AgentId, u32> =
        agents.iter().map(|agent| (agent.id, window(agent.handover_rate))).collect();
    let queues = context.store.queue_stats(None, now).await?;
    let mut waiting: BTreeMap<AgentId, Vec<Waiting>> = BTreeMap::new();
    for queue in &queues {
        waiting.entry(queue.agent_id).or_default().push(queue.waiting(now));
    }
    context.note_waiting(waiting);
    let mut seen = BTreeSet::new();
    for queue in &queues {
        let numbers = QueueNumbers {
            backlog: queue.backlog,
            window: u64::from(windows.get(&queue.agent_id).copied().unwrap_or(MIN_WINDOW)),
            in_flight: queue.in_flight,
            oldest: oldest(queue, now),
            dead_letters: queue.dead_letters,
            concurrency: queue.concurrency.map(u64::from),
            offers_outstanding: queue.offered,
            admissible: queue.admissible,
            admissible_oldest: since(queue.admissible_oldest, now),
        };
        context.metrics.queue(&queue.agent, &queue.queue, &numbers);
        seen.insert((queue.agent.clone(), queue.queue.clone()));
    }
    for (agent, queue) in shown.difference(&seen) {
        context.metrics.forget_queue(agent, queue);
    }
    *shown = seen;
    for agent in &agents {
        context.metrics.agent_up(agent.name.as_str(), agent.is_live(now));
    }
    if is_written {
        write(context, &queues, now).await?;
        warn(context, &agents, &queues, now).await?;
    }
    Ok(())
}

async fn warn(context: &Context, agents: &[Agent], queues: &[QueueStats], now: Time) -> Result<(), Error> {
    let broker = {
        let connection = context.broker.connection();
        let connection = connection.borrow();
        BrokerFacts { down: connection.why_down(), alarm: connection.alarm.clone() }
    };
    let facts = context.store.warning_facts(agents, queues, broker, &context.release, now).await?;
    let wrong = warnings(&facts);
    context.metrics.warnings(wrong.iter().map(|warning| {
        let object = &warning.object;
        let (agent, queue) = (object.agent.as_deref(), object.queue.as_deref());
        let (name, severity) = (warning.name.as_str(), warning.name.severity().as_str());
        [name, severity, agent.unwrap_or_default(), queue.unwrap_or_default()]
    }));
    Ok(())
}

async fn write(context: &Context, queues: &[QueueStats], now: Time) -> Result<(), Error> {
    let is_ours = context.store.take_history_turn(&context.replica, now).await?;
    let seen: Option<Vec<(QueueId, Gauges)>> =
        is_ours.then(|| queues.iter().map(|queue| (queue.queue_id, gauges(queue, now))).collect());
    context.store.write_history(seen.as_deref(), now).await?;
    Ok(())
}

/// Writes what was counted last, and leaves the turn to another replica.
async fn leave(context: &Context) {
    let now = context.clock.now();
    let written = context.store.write_history(None, now).await;
    let left = context.store.leave_history_turn(&context.replica, now).await;
    if let Err(error) = written.and(left) {
        tracing::debug!(%error, "the last of the history could not be written");
    }
}

fn gauges(queue: &QueueStats, now: Time) -> Gauges {
    Gauges {
        backlog: queue.backlog,
        in_flight: queue.in_flight,
        admissible: queue.admissible,
        oldest_ms: u64::try_from(oldest(queue, now).as_millis()).unwrap_or(u64::MAX),
        dead_letters: queue.dead_letters,
    }
}

fn oldest(queue: &QueueStats, now: Time) -> Duration {
    since(queue.oldest_queued_at, now)
}

fn since(oldest: Option<Time>, now: Time) -> Duration {
    oldest.map(|oldest| now.since(oldest)).unwrap_or_default()
}
