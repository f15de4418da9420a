//! `berth scheduler`: one replica of the scheduler.

use berth_api::{Auth, Limits};
use berth_broker::Broker;
use berth_domain::time::Clock;
use berth_store::Store;
use berth_telemetry::Registry;
use berth_telemetry::metrics::SchedulerMetrics;
use tokio_util::sync::CancellationToken;

use super::replica::{Replica, celery, connect, names, queue_kind};
use super::{failed, process, store};
use crate::command::Surroundings;
use crate::failure::Failure;
use crate::settings::{
    BrokerSettings, Given, MetricsSettings, Part, RetentionSettings, SchedulerSettings, TraceSettings,
};

/// Runs it until it is asked to end.
///
/// # Errors
/// If a setting can't be used. A broker or a database that is away is no error.
pub fn run(surroundings: &Surroundings<'_>, given: &Given) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Scheduler, given)?;
    let settings = SchedulerSettings::read(&resolved)?;
    let metrics = MetricsSettings::read(&resolved)?;
    let traces = TraceSettings::read(&resolved)?;
    process::init_logs(&resolved)?;
    process::run(|shutdown| serve(settings, metrics, traces, shutdown))
}

async fn serve(
    settings: SchedulerSettings,
    metrics: MetricsSettings,
    traces: Option<TraceSettings>,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let replica = Replica::new("scheduler", traces.as_ref())?;
    replica.serve_probes(metrics.listen, &shutdown).await?;
    let store = store::open(&settings.database).await?;
    let broker = connect(&settings.broker, "scheduler")?;
    if store::ready(&store, &replica.health, &shutdown).await {
        let celery = celery(settings.celery, &settings.broker, &broker)?;
        let submitters = celery.submitters.clone();
        let submissions = submissions(&replica, &replica.registry, &store, &broker, &settings.broker);
        let config = berth_scheduler::Config {
            store: store.clone(),
            broker: broker.clone(),
            names: names(&settings.broker),
            offers: queue_kind(&settings.broker),
            clock: Clock::system(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            replica: replica.name.clone(),
            metrics: SchedulerMetrics::register(&replica.registry).map_err(failed)?,
            health: replica.health.clone(),
            retention: retention(settings.retention),
            celery,
            tracer: replica.traces.tracer.clone(),
        };
        let taking = berth_api::take_in_submissions(submissions, submitters, shutdown.clone());
        let (taken, ()) = tokio::join!(taking, berth_scheduler::run(config, shutdown));
        taken.map_err(failed)?;
    }
    replica.tasks.close();
    replica.tasks.wait().await;
    broker.close().await;
    store.close().await;
    replica.traces.end().await;
    Ok(())
}

/// What submissions by Celery are taken in with: the API's own way from an operation to a run, without its server.
pub(super) fn submissions(
    replica: &Replica,
    registry: &Registry,
    store: &Store,
    broker: &Broker,
    settings: &BrokerSettings,
) -> berth_api::Config {
    berth_api::Config {
        store: store.clone(),
        broker: broker.clone(),
        requests_broker: broker.clone(),
        names: names(settings),
        clock: Clock::system(),
        auth: Auth::Tokens,
        limits: Limits::default(),
        spec_limits: berth_domain::spec::Limits::default(),
        registry: registry.clone(),
        health: replica.health.clone(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        replica: replica.name.clone(),
        tracer: replica.traces.tracer.clone(),
        load: None,
    }
}

/// The store's words for how long things are kept.
pub(super) fn retention(settings: RetentionSettings) -> berth_store::RetentionSettings {
    berth_store::RetentionSettings {
        finished_runs: settings.runs,
        changes: settings.events,
        audit: settings.audit,
        idempotency: settings.idempotency,
        dead_letters: settings.dead_letters,
        ..berth_store::RetentionSettings::default()
    }
}
