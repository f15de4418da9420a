//! `berth agent`: one replica of an agent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use berth_agent::artifacts::ArtifactsStore;
use berth_agent::connections::Connections;
use berth_agent::executor::KubernetesExecutor;
use berth_agent::executor::kubernetes::{Access, Settings as KubernetesSettings};
use berth_agent::executor::process::{ProcessExecutor, Settings as ProcessSettings, ShimCommand};
use berth_agent::uptime::Uptime;
use berth_agent::{Config, Executor, WaitingSender, archive};
use berth_broker::Broker;
use berth_broker_config::Names;
use berth_domain::time::Clock;
use berth_external_metrics::Server;
use berth_telemetry::metrics::AgentMetrics;
use tokio_util::sync::CancellationToken;

use super::replica::{Replica, connect, names};
use super::{external_metrics, failed, process, with_causes};
use crate::command::Surroundings;
use crate::failure::Failure;
use crate::settings::{
    self, AgentSettings, BrokerSettings, ExecutorKind, ExternalMetricsSettings, Given, MetricsSettings, Part,
    TraceSettings,
};

/// What processes inherit of the surroundings: nothing that may be secret.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL"];

/// What an agent in this process is made from, besides its connections.
pub(super) struct Parts {
    pub(super) settings: AgentSettings,
    pub(super) connections: Connections,
    pub(super) artifacts: Option<ArtifactsStore>,
    pub(super) inherited: BTreeMap<String, String>,
}

impl Parts {
    pub(super) fn read(
        surroundings: &Surroundings<'_>,
        resolved: &settings::Resolved,
    ) -> Result<Self, Failure> {
        let settings = AgentSettings::read(resolved, surroundings.variable)?;
        let connections = settings::connections(resolved, settings.executor, surroundings.read)?;
        let artifacts = settings::artifacts_store(resolved, &connections, surroundings.variable)?;
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), (surroundings.variable)(name)?)))
            .collect();
        Ok(Self { settings, connections, artifacts, inherited })
    }

    /// The agent's configuration on connections that are there already.
    pub(super) async fn config(
        self,
        broker: Broker,
        requests_broker: Broker,
        names: Names,
        replica: &Replica,
        waiting: Option<WaitingSender>,
    ) -> Result<Config, Failure> {
        let executor = match self.settings.executor {
            ExecutorKind::Process => process_executor(&self.settings, self.inherited)?,
            ExecutorKind::Kubernetes => {
                Executor::Kubernetes(kubernetes_executor(&self.settings, self.connections).await?)
            }
        };
        let AgentSettings { artifacts_hold: hold, artifacts_keep: keep, .. } = self.settings;
        let archive = self.artifacts.map(|store| archive::Settings { store, hold, keep });
        Ok(Config {
            name: self.settings.name,
            broker,
            requests_broker,
            names,
            executor,
            archive,
            prefetch: self.settings.prefetch,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            labels: self.settings.labels,
            clock: Clock::system(),
            uptime: Uptime::machine(),
            metrics: AgentMetrics::register(&replica.registry).map_err(failed)?,
            health: replica.health.clone(),
            tracer: replica.traces.tracer.clone(),
            waiting,
        })
    }
}

fn process_executor(
    settings: &AgentSettings,
    inherited: BTreeMap<String, String>,
) -> Result<Executor, Failure> {
    let program = program()?;
    let mut process = ProcessSettings::new(settings.data_dir.clone(), ShimCommand::berth(program));
    process.environment.extend(inherited);
    process.keep = settings.keep;
    process.grace = settings.grace;
    process.log_limit_bytes = settings.log_limit_bytes;
    let executor = ProcessExecutor::open(process)
        .map_err(|error| Failure::usage(format!("`data_dir`: {}", with_causes(&error))))?;
    Ok(Executor::Process(executor))
}

async fn kubernetes_executor(
    settings: &AgentSettings,
    connections: Connections,
) -> Result<KubernetesExecutor, Failure> {
    let access = settings.kubeconfig.clone().map_or(Access::InCluster, Access::Kubeconfig);
    let mut kubernetes = KubernetesSettings::new(settings.name.to_string(), access);
    kubernetes.namespaces.clone_from(&settings.namespaces);
    kubernetes.connections = Arc::new(connections);
    kubernetes.helper_image.clone_from(&settings.helper_image);
    kubernetes.grace = settings.grace;
    kubernetes.keep = settings.pod_keep;
    kubernetes.server_timeout = settings.server_timeout;
    KubernetesExecutor::open(kubernetes)
        .await
        .map_err(|error| Failure::usage(format!("`kubeconfig`: {}", with_causes(&error))))
}

/// This binary, which supervisors are started from. On Linux the kernel's own link to it stays right when the file
/// is replaced by a newer one.
fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| failed(format_args!("can't find this program's own file: {error}")))
}

/// Runs it until it is asked to end. Runs go on without it.
///
/// # Errors
/// If a setting can't be used. A broker that is away is no error.
pub fn run(surroundings: &Surroundings<'_>, given: &Given) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Agent, given)?;
    let parts = Parts::read(surroundings, &resolved)?;
    let broker = BrokerSettings::read(&resolved)?;
    let metrics = MetricsSettings::read(&resolved)?;
    let traces = TraceSettings::read(&resolved)?;
    let external_metrics = ExternalMetricsSettings::read(&resolved, surroundings.variable)?;
    process::init_logs(&resolved)?;
    process::run(|shutdown| serve(parts, broker, metrics, traces, external_metrics, shutdown))
}

/// Ends and lets go of all that the agent has on its cluster. Needs no broker.
///
/// # Errors
/// If a setting can't be used, or something is left.
pub fn drain(surroundings: &Surroundings<'_>, given: &Given) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Agent, given)?;
    let settings = AgentSettings::read(&resolved, surroundings.variable)?;
    if settings.executor != ExecutorKind::Kubernetes {
        let words =
            "`drain`: there is nothing to drain with `--executor process`; use `--executor kubernetes`";
        return Err(Failure::usage(words.to_owned()));
    }
    process::init_logs(&resolved)?;
    process::run(|shutdown| async move {
        let executor = kubernetes_executor(&settings, Connections::default()).await?;
        match shutdown.run_until_cancelled(executor.drain()).await {
            Some(result) => result.map_err(|error| failed(with_causes(&error))),
            None => Err(failed("not everything was let go")),
        }
    })
}

async fn serve(
    parts: Parts,
    settings: BrokerSettings,
    metrics: MetricsSettings,
    traces: Option<TraceSettings>,
    external_metrics: Option<ExternalMetricsSettings>,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let replica = Replica::new("agent", traces.as_ref())?;
    replica.serve_probes(metrics.listen, &shutdown).await?;
    let waiting = external_metrics::serve(external_metrics, Server::Agent, &replica, &shutdown).await?;
    let name = parts.settings.name.clone();
    let broker = connect(&settings, &format!("agent {name}"))?;
    let requests_broker = connect(&settings, &format!("agent {name} logs"))?;
    replica.tasks.spawn(watch_broker(broker.clone(), replica.health.clone(), shutdown.clone()));
    let config =
        parts.config(broker.clone(), requests_broker.clone(), names(&settings), &replica, waiting).await?;
    let result = berth_agent::run(config, shutdown.clone()).await;
    shutdown.cancel();
    replica.tasks.close();
    replica.tasks.wait().await;
    broker.close().await;
    requests_broker.close().await;
    replica.traces.end().await;
    result.map_err(|error| failed(with_causes(&error)))
}

/// Shows in /readyz, and once per change in the log, whether the broker is there.
async fn watch_broker(broker: Broker, health: berth_telemetry::Health, shutdown: CancellationToken) {
    let mut connection = broker.connection();
    loop {
        let now = connection.borrow_and_update().clone();
        if now.up {
            health.up("broker");
        } else {
            health.down("broker", now.last_error.unwrap_or_else(|| "not connected yet".to_owned()));
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = connection.changed() => if changed.is_err() { return },
        }
    }
}
