//! The scheduler: admits waiting runs, offers them to agents, answers claims, takes reports in, and keeps
//! what the brokers and agents hold in line with the store.
//!
//! Any number of replicas may run; none is a leader. Every loop reads all of its state from the store, is
//! idempotent, and is woken both by a hint and by a timer, so that a lost hint costs a moment and nothing else.
//! Decisions are `berth_domain`'s; this crate fetches, asks it, and writes.

mod celery;
mod context;
mod dispatch;
mod gauges;
mod intake;
mod link;
mod losses;
mod nudge;
mod outbox;
mod overflow;
mod retention;
mod sweep;
mod timers;
mod traces;
mod users;
mod workers;

use std::time::Duration;

use berth_broker::Broker;
use berth_broker_config::Names;
use berth_broker_config::arguments::QueueKind;
use berth_domain::time::Clock;
use berth_store::{RetentionSettings, Store};
use berth_telemetry::metrics::SchedulerMetrics;
use berth_telemetry::{Health, Tracer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use celery::{CelerySettings, Control, EventsWhen};
use context::Context;

/// What a scheduler replica needs.
#[derive(Clone)]
pub struct Config {
    /// The state of record, migrated.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
    /// The names on it.
    pub names: Names,
    /// The type of the queues that offers go to, on RabbitMQ.
    pub offers: QueueKind,
    /// Where times come from.
    pub clock: Clock,
    /// The version of the binary.
    pub release: String,
    /// This replica's name, unique among the control plane's.
    pub replica: String,
    /// What it measures.
    pub metrics: SchedulerMetrics,
    /// Where it says whether store and broker can be reached.
    pub health: Health,
    /// How long what has ended is kept.
    pub retention: RetentionSettings,
    /// What Celery's tools may do and see.
    pub celery: CelerySettings,
    /// What records the hops of runs.
    pub tracer: Tracer,
}

/// How long the loops have to end after the shutdown began.
const DRAIN: Duration = Duration::from_secs(8);

/// Runs a scheduler replica until `shutdown`, and returns when its loops have ended, 8 s later at the latest.
pub async fn run(config: Config, shutdown: CancellationToken) {
    let tracker = TaskTracker::new();
    let context = Context::new(config, shutdown.clone(), tracker.clone());
    tracing::info!(scheduler.replica = %context.replica, "scheduler begins");
    tracker.spawn(link::watch_connections(context.clone()));
    tracker.spawn(link::listen_for_wake_ups(context.clone()));
    tracker.spawn(link::serve_agents(context.clone()));
    tracker.spawn(dispatch::dispatch_forever(context.clone()));
    tracker.spawn(timers::fire_forever(context.clone()));
    tracker.spawn(nudge::nudge_forever(context.clone()));
    tracker.spawn(sweep::sweep_forever(context.clone()));
    tracker.spawn(losses::watch_forever(context.clone()));
    tracker.spawn(overflow::overflow_forever(context.clone()));
    tracker.spawn(gauges::measure_forever(context.clone()));
    tracker.spawn(retention::retain_forever(context.clone()));
    celery::start(&context);
    shutdown.cancelled().await;
    tracker.close();
    if tokio::time::timeout(DRAIN, tracker.wait()).await.is_err() {
        tracing::warn!(scheduler.replica = %context.replica, "scheduler's loops did not end in time");
    }
    tracing::info!(scheduler.replica = %context.replica, "scheduler ended");
}
