//! What every role that is a process of its own has: a name, a registry, readiness, its listener and its broker.

use std::net::SocketAddr;
use std::path::Path;

use berth_broker::{Broker, Settings, Tls};
use berth_broker_config::Names;
use berth_telemetry::metrics::build_info;
use berth_telemetry::{Health, Registry};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failed;
use super::traces::Traces;
use crate::failure::{Failure, Status};
use crate::settings::{BrokerKind, BrokerSettings, CelerySettings, TraceSettings};

/// A process's numbers and readiness.
pub(super) struct Replica {
    /// Its name, unique, and good as part of a queue's name.
    pub(super) name: String,
    pub(super) registry: Registry,
    pub(super) health: Health,
    pub(super) tasks: TaskTracker,
    pub(super) traces: Traces,
}

impl Replica {
    /// Those of a process in that role; within the runtime, which sends traces.
    pub(super) fn new(role: &str, traces: Option<&TraceSettings>) -> Result<Self, Failure> {
        let registry = Registry::new();
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process)).map_err(failed)?;
        build_info(&registry, role, env!("CARGO_PKG_VERSION")).map_err(failed)?;
        let health = Health::registered(&registry).map_err(failed)?;
        let name: String = uuid::Uuid::new_v4().simple().to_string().chars().take(12).collect();
        let traces = Traces::start(traces, &name, &registry)?;
        Ok(Self { name, registry, health, tasks: TaskTracker::new(), traces })
    }

    /// Serves `/metrics`, `/healthz` and `/readyz` on a listener of their own, if there is one.
    pub(super) async fn serve_probes(
        &self,
        listen: Option<SocketAddr>,
        shutdown: &CancellationToken,
    ) -> Result<(), Failure> {
        let Some(address) = listen else { return Ok(()) };
        let listener = bind(address, "metrics_listen").await?;
        let (registry, health, shutdown) = (self.registry.clone(), self.health.clone(), shutdown.clone());
        self.tasks.spawn(async move {
            if let Err(error) = berth_telemetry::serve(listener, registry, health, shutdown).await {
                tracing::error!(%error, "metrics are not served any more");
            }
        });
        Ok(())
    }
}

/// Listens, or says which setting can't be.
pub(super) async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default().to_lowercase();
        let failure =
            Failure::new(Status::Usage, format!("`{setting}`: can't listen on {address}: {reason}"));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => failure.hint("does another `berth` run there already?"),
            _ => failure,
        }
    })
}

/// A connection to the broker, which comes up when the broker does.
pub(super) fn connect(settings: &BrokerSettings, name: &str) -> Result<Broker, Failure> {
    if settings.kind == BrokerKind::Memory {
        return Ok(Broker::memory());
    }
    let mut broker = broker_settings(settings)?;
    broker.connection_name = format!("berth {name}");
    Broker::connect(broker).map_err(|error| Failure::usage(format!("`broker_url`: {error}")))
}

/// What the broker crate has to know of a broker.
pub(super) fn broker_settings(settings: &BrokerSettings) -> Result<Settings, Failure> {
    let mut broker = Settings::new(settings.url.expose_secret())
        .map_err(|error| Failure::usage(format!("`broker_url`: {error}")))?;
    broker.names = names(settings);
    broker.tls = tls(settings)?;
    broker.visibility_timeout = settings.visibility_timeout;
    broker.celery_prefix.clone_from(&settings.celery_prefix);
    if let Some(management) = &settings.management {
        broker.management = management
            .expose_secret()
            .parse()
            .map_err(|error| Failure::usage(format!("`broker_management_url`: {error}")))?;
    }
    Ok(broker)
}

/// The certificates that the broker's settings name.
fn tls(settings: &BrokerSettings) -> Result<Tls, Failure> {
    let read = |setting: &str, path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("`{setting}`: can't read {}: {error}", path.display())))
    };
    let ca = settings.ca_file.as_deref().map(|path| read("broker_ca_file", path)).transpose()?;
    let identity = match &settings.identity_files {
        Some((certificate, key)) => {
            Some((read("broker_cert_file", certificate)?, read("broker_key_file", key)?.into()))
        }
        None => None,
    };
    Tls::new(ca, identity).map_err(|error| Failure::usage(error.to_string()))
}

/// What Celery's tools may do and see.
pub(super) fn celery(
    settings: CelerySettings,
    broker: &BrokerSettings,
    connected: &Broker,
) -> Result<berth_scheduler::CelerySettings, Failure> {
    let CelerySettings { control, principals, events, submitters, results: url } = settings;
    let results = match url {
        Some(url) => {
            let wrong =
                |error: &dyn std::fmt::Display| Failure::usage(format!("`celery_result_url`: {error}"));
            let mut settings = Settings::new(url.expose_secret()).map_err(|error| wrong(&error))?;
            settings.connection_name = "berth results".to_owned();
            settings.tls = tls(broker)?;
            Some(Broker::connect(settings).map_err(|error| wrong(&error))?)
        }
        None => connected.stores_results().then(|| connected.clone()),
    };
    let broker = broker_settings(broker)?.place();
    Ok(berth_scheduler::CelerySettings { control, principals, events, submitters, results, broker })
}

/// The names on the broker.
pub(super) fn names(settings: &BrokerSettings) -> Names {
    Names { prefix: settings.prefix.clone() }
}

/// The type of the queues that offers go to.
pub(super) fn queue_kind(settings: &BrokerSettings) -> berth_broker_config::arguments::QueueKind {
    use berth_broker_config::arguments::QueueKind;
    if settings.classic_queues { QueueKind::Classic } else { QueueKind::Quorum }
}
