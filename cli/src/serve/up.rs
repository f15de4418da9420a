//! `berth up`: API, scheduler and a local agent in one process, on SQLite and a broker in memory.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use berth_api::{Auth, Limits};
use berth_domain::name::DEFAULT;
use berth_domain::time::Clock;
use berth_store::{Audit, Error, NewAgent, NewProject, Phase, Store};
use berth_telemetry::metrics::SchedulerMetrics;
use berth_telemetry::{Health, Registry};
use tokio_util::sync::CancellationToken;

use super::agent::Parts;
use super::replica::{Replica, bind, celery, connect, names, queue_kind};
use super::{failed, process, scheduler, store, with_causes};
use crate::command::Surroundings;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{
    ApiSettings, BrokerSettings, CelerySettings, DatabaseSettings, Format, Given, Part, RetentionSettings,
    TraceSettings,
};

/// How often it is asked whether everything is ready.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After this it is said what is not.
const SLOW: Duration = Duration::from_secs(5);

struct Settings {
    api: ApiSettings,
    database: DatabaseSettings,
    broker: BrokerSettings,
    retention: RetentionSettings,
    celery: CelerySettings,
    agent: Parts,
    traces: Option<TraceSettings>,
}

/// Runs it until it is asked to end. Runs go on without it, and are found again.
///
/// # Errors
/// If a setting can't be used, or something else uses the address or the data folder.
pub fn run(surroundings: &Surroundings<'_>, given: &Given) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Up, given)?;
    let agent = Parts::read(surroundings, &resolved)?;
    let settings = Settings {
        api: ApiSettings::read(&resolved)?,
        database: DatabaseSettings::read(&resolved, Some(&agent.settings.data_dir))?,
        broker: BrokerSettings::read(&resolved)?,
        retention: RetentionSettings::read(&resolved)?,
        celery: CelerySettings::read(&resolved)?,
        agent,
        traces: TraceSettings::read(&resolved)?,
    };
    process::init_logs(&resolved)?;
    make_folder(&settings.agent.settings.data_dir)?;
    process::run(|shutdown| serve(settings, shutdown))
}

/// The folder holds specs, and specs may hold secrets: it is its owner's alone.
fn make_folder(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::usage(format!("`data_dir`: can't make {}: {error}", folder.display())))
}

async fn serve(settings: Settings, shutdown: CancellationToken) -> Result<(), Failure> {
    let replica = Replica::new("up", settings.traces.as_ref())?;
    let listener = bind(settings.api.listen, "listen").await?;
    let address = listener.local_addr().map_err(failed)?;
    let clock = Clock::system();
    let store = store::open(&settings.database).await?;
    prepare(&store, &clock, &settings.agent).await.map_err(|error| store::failure(&error))?;
    let broker = connect(&settings.broker, "up")?;
    // Inside the process there is nothing that a flood of logs could hold up.
    let requests_broker = match settings.broker.kind {
        crate::settings::BrokerKind::Memory => broker.clone(),
        _ => connect(&settings.broker, "up logs")?,
    };
    let names = names(&settings.broker);
    let data_dir = settings.agent.settings.data_dir.clone();
    let agent =
        settings.agent.config(broker.clone(), requests_broker.clone(), names.clone(), &replica, None).await?;
    let scheduler = berth_scheduler::Config {
        store: store.clone(),
        broker: broker.clone(),
        names: names.clone(),
        offers: queue_kind(&settings.broker),
        clock: clock.clone(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        replica: replica.name.clone(),
        metrics: SchedulerMetrics::register(&replica.registry).map_err(failed)?,
        health: replica.health.clone(),
        retention: scheduler::retention(settings.retention),
        celery: celery(settings.celery, &settings.broker, &broker)?,
        tracer: replica.traces.tracer.clone(),
    };
    let api = berth_api::Config {
        store: store.clone(),
        broker: broker.clone(),
        requests_broker: requests_broker.clone(),
        names,
        clock,
        auth: Auth::OpenOnLoopback { allowed_hosts: allowed_hosts(address) },
        limits: Limits::default(),
        spec_limits: berth_domain::spec::Limits::default(),
        registry: replica.registry.clone(),
        health: replica.health.clone(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        replica: replica.name.clone(),
        tracer: replica.traces.tracer.clone(),
        load: None,
    };
    // The API's own numbers are registered already.
    let submissions = scheduler::submissions(&replica, &Registry::new(), &store, &broker, &settings.broker);
    let submitters = scheduler.celery.submitters.clone();
    let stop = shutdown.clone();
    let together = async {
        tokio::join!(
            ending(&stop, async {
                berth_api::take_in_submissions(submissions, submitters, stop.clone()).await.map_err(failed)
            }),
            ending(&stop, async { berth_api::run(api, listener, stop.clone()).await.map_err(failed) }),
            ending(&stop, async {
                berth_scheduler::run(scheduler, stop.clone()).await;
                Ok(())
            }),
            ending(&stop, async {
                let ran = berth_agent::run(agent, stop.clone()).await;
                ran.map_err(|error| failed(with_causes(&error)))
            }),
        )
    };
    replica.tasks.spawn(announce(replica.health.clone(), address, data_dir, stop.clone()));
    let (submissions, api, scheduler, agent) = together.await;
    replica.tasks.close();
    replica.tasks.wait().await;
    broker.close().await;
    requests_broker.close().await;
    store.close().await;
    replica.traces.end().await;
    submissions.and(api).and(scheduler).and(agent)
}

/// When one of them ends, the others are asked to.
async fn ending(
    stop: &CancellationToken,
    service: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let result = service.await;
    stop.cancel();
    result
}

/// The schema, and what users find on a first start: a project, an agent, its queue.
async fn prepare(store: &Store, clock: &Clock, agent: &Parts) -> Result<(), Error> {
    let now = clock.now();
    for name in store.migrate(Phase::Contract, now).await? {
        tracing::debug!(migration = name, "the database was brought up");
    }
    let audit = Audit::new("berth up", "up", now);
    let project = NewProject { owner: DEFAULT.to_owned(), name: DEFAULT.to_owned(), ..NewProject::default() };
    exists_already(store.create_project(project, &audit).await.map(drop))?;
    let mut local = NewAgent::named(DEFAULT, agent.settings.name.clone());
    local.is_default = true;
    exists_already(store.create_agent(local, &audit).await.map(drop))
}

fn exists_already(made: Result<(), Error>) -> Result<(), Error> {
    match made {
        Err(Error::Conflict { .. }) => Ok(()),
        other => other,
    }
}

/// Every way to write the address that we listen on.
fn allowed_hosts(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    ["127.0.0.1", "localhost", "[::1]"]
        .into_iter()
        .map(|host| format!("{host}:{port}"))
        .chain([address.to_string()])
        .collect()
}

/// Says once that everything is ready, on the standard output, where a script can wait for it.
async fn announce(
    health: Health,
    address: SocketAddr,
    data_dir: std::path::PathBuf,
    stop: CancellationToken,
) {
    let began = tokio::time::Instant::now();
    let mut warned = false;
    loop {
        let readiness = health.readiness();
        let seen = ["store", "broker", "lease"].iter().all(|check| readiness.up.contains(check));
        if seen && readiness.is_ready() {
            break;
        }
        if !warned && began.elapsed() > SLOW {
            tracing::warn!(?readiness, "not everything is ready yet");
            warned = true;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    let line = format!("berth is ready: http://{address} (data in {})", data_dir.display());
    if let Err(failure) = Output::standard(Format::Table).line(&line) {
        tracing::debug!(%failure, "nobody reads the standard output");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_own_address_is_an_allowed_host() {
        let hosts = allowed_hosts("127.0.0.2:81".parse().unwrap());
        assert_eq!(hosts, ["127.0.0.1:81", "localhost:81", "[::1]:81", "127.0.0.2:81"]);
    }
}
