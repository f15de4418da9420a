//! What the API is made of, and what every handler shares.

use std::sync::Arc;

use berth_broker::Broker;
use berth_broker_config::Names;
use berth_domain::spec;
use berth_domain::time::Clock;
use berth_domain::waiting::Load;
use berth_store::Store;
use berth_telemetry::metrics::{HttpMetrics, SubmissionMetrics};
use berth_telemetry::{Health, Registry, Tracer};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::directory::Directory;
use crate::feed::Feed;
use crate::layers::Limits;
use crate::stats::Stats;
use crate::wake::Wake;

/// Who may speak to this server.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Anybody at this machine; only for a loopback address. Tells the stock client that it is `dist: ce`.
    OpenOnLoopback {
        /// The `host:port` values that it answers to: its own, in every spelling.
        allowed_hosts: Vec<String>,
    },
    /// Bearers of tokens. Tells the stock client that it is `dist: ee`.
    Tokens,
}

/// What the API needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The state of record.
    pub store: Store,
    /// For wake-ups, and for agents' users.
    pub broker: Broker,
    /// For logs and inspection: a connection of its own, so that a flood of logs delays nothing else.
    pub requests_broker: Broker,
    /// The names on the broker.
    pub names: Names,
    /// The clock.
    pub clock: Clock,
    /// Who may speak to it.
    pub auth: Auth,
    /// How much it takes on.
    pub limits: Limits,
    /// How much an operation may ask of it.
    pub spec_limits: spec::Limits,
    /// Where its numbers go.
    pub registry: Registry,
    /// Its checks: `store` and `broker` are set by it.
    pub health: Health,
    /// The version of the binary.
    pub release: String,
    /// This replica's name, unique among the API's replicas and a valid part of a queue's name.
    pub replica: String,
    /// What records the hops of runs.
    pub tracer: Tracer,
    /// Where to put what waits, if somebody scales replicas by it: it holds what was measured last, if anything was.
    pub load: Option<watch::Sender<Option<Load>>>,
}

/// The numbers of the API.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// Requests.
    pub http: HttpMetrics,
    /// Runs accepted.
    pub submissions: SubmissionMetrics,
}

/// What handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub store: Store,
    pub broker: Broker,
    pub requests_broker: Broker,
    pub names: Names,
    pub clock: Clock,
    pub auth: Auth,
    pub limits: Limits,
    pub spec_limits: spec::Limits,
    pub registry: Registry,
    pub health: Health,
    pub release: String,
    pub replica: String,
    pub metrics: Metrics,
    pub tracer: Tracer,
    pub load: Option<watch::Sender<Option<Load>>>,
    pub wake: Wake,
    pub directory: Directory,
    pub stats: Stats,
    pub feed: Feed,
    /// Places for streams.
    pub streams: Arc<Semaphore>,
    /// Ends streams, first of all, when the server is to end.
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

/// How handlers get it.
pub(crate) type AppState = Arc<App>;

impl App {
    /// Registers the numbers and puts all together. Starts nothing.
    ///
    /// # Errors
    /// If the numbers are registered already.
    pub(crate) fn new(
        config: Config,
        shutdown: CancellationToken,
    ) -> Result<AppState, berth_telemetry::metrics::Error> {
        let metrics = Metrics {
            http: HttpMetrics::register(&config.registry)?,
            submissions: SubmissionMetrics::register(&config.registry)?,
        };
        let tasks = TaskTracker::new();
        let wake = Wake::new(config.broker.clone(), config.names.wake());
        Ok(Arc::new(Self {
            store: config.store,
            broker: config.broker,
            requests_broker: config.requests_broker,
            names: config.names,
            clock: config.clock,
            auth: config.auth,
            streams: Arc::new(Semaphore::new(config.limits.streams)),
            limits: config.limits,
            spec_limits: config.spec_limits,
            registry: config.registry,
            health: config.health,
            release: config.release,
            replica: config.replica,
            metrics,
            tracer: config.tracer,
            load: config.load,
            wake,
            directory: Directory::default(),
            stats: Stats::default(),
            feed: Feed::default(),
            shutdown,
            tasks,
        }))
    }

    /// Whether nobody has to sign in.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.auth, Auth::OpenOnLoopback { .. })
    }
}
