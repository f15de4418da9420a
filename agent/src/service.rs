//! One agent replica, put together: what it is given, what its parts share, how it begins and ends.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use berth_broker::{Broker, Requests};
use berth_broker_config::{Address, Names, build};
use berth_domain::labels::Labels;
use berth_domain::name::AgentName;
use berth_domain::protocol::FromAgentBody;
use berth_domain::time::Clock;
use berth_telemetry::metrics::AgentMetrics;
use berth_telemetry::{Health, Tracer};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::archive::{self, Archive};
use crate::executor::{Enlisted, Executor, Trouble};
use crate::lease::Lease;
use crate::out::Out;
use crate::uptime::Uptime;
use crate::{claims, control, culling, fence, intake, lease, reports, watch};

/// How long hand-overs that have begun may take to end once the replica is told to.
const FINISH: Duration = Duration::from_secs(5);
/// How long the good-byes may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a replica is made from.
#[derive(Debug, Clone)]
pub struct Config {
    /// The agent's name. Its replicas share it.
    pub name: AgentName,
    /// The connection for offers, claims, leases and reports.
    pub broker: Broker,
    /// The connection for answers to those who look, logs first of all: a flood of them must not delay a lease.
    pub requests_broker: Broker,
    /// The names on the broker.
    pub names: Names,
    /// What runs are started with.
    pub executor: Executor,
    /// Where logs are kept when their attempts are over, if they are.
    pub archive: Option<archive::Settings>,
    /// The most offers that are held un-acked for each queue. Too many, and other replicas starve while these wait;
    /// too few, and each waits for a round trip.
    pub prefetch: u16,
    /// The version of the binary.
    pub release: String,
    /// The agent's labels, for agent selectors.
    pub labels: Labels,
    /// The wall clock.
    pub clock: Clock,
    /// The clock that leases and claims are counted on.
    pub uptime: Uptime,
    /// What is measured.
    pub metrics: AgentMetrics,
    /// Where the replica says whether it has a lease.
    pub health: Health,
    /// What records the hops of runs.
    pub tracer: Tracer,
    /// Where to put how much waits in the agent's queues, if somebody wants to know.
    pub waiting: Option<WaitingSender>,
}

/// Takes in how much waits; holds the last that was told, if anything was.
pub type WaitingSender = tokio::sync::watch::Sender<Option<berth_domain::waiting::Load>>;

/// Why a replica can't begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The executor isn't usable.
    #[error("the executor can't be used")]
    Executor(#[from] Trouble),
}

/// What the parts of a replica share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: AgentName,
    pub(crate) replica: String,
    pub(crate) broker: Broker,
    pub(crate) names: Names,
    pub(crate) control: Address,
    pub(crate) executor: Executor,
    pub(crate) archive: Option<Archive>,
    pub(crate) prefetch: u16,
    pub(crate) release: String,
    pub(crate) labels: Labels,
    pub(crate) clock: Clock,
    pub(crate) metrics: AgentMetrics,
    pub(crate) health: Health,
    pub(crate) tracer: Tracer,
    pub(crate) out: Out,
    pub(crate) lease: Lease,
    pub(crate) claims: claims::Desk,
    pub(crate) reports: reports::Desk,
    pub(crate) requests: Requests,
    pub(crate) load: Load,
    pub(crate) waiting: Option<WaitingSender>,
    /// Cancelled when no new work is to be begun.
    pub(crate) closing: CancellationToken,
    /// Cancelled when everything is to end.
    pub(crate) stop: CancellationToken,
    pub(crate) tracker: TaskTracker,
    /// Hand-overs that have begun.
    pub(crate) handovers: TaskTracker,
}

/// How busy the replica is.
#[derive(Debug)]
pub(crate) struct Load {
    live: AtomicU32,
    held_offers: AtomicU32,
    handed_over: AtomicU64,
    rate: Mutex<(Instant, u64)>,
    queues: Mutex<Vec<String>>,
    trouble: AtomicBool,
}

impl Load {
    fn new() -> Self {
        Self {
            live: AtomicU32::new(0),
            held_offers: AtomicU32::new(0),
            handed_over: AtomicU64::new(0),
            rate: Mutex::new((Instant::now(), 0)),
            queues: Mutex::default(),
            trouble: AtomicBool::new(false),
        }
    }

    pub(crate) fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    pub(crate) fn set_live(&self, live: usize) {
        self.live.store(u32::try_from(live).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    pub(crate) fn held_offers(&self) -> u32 {
        self.held_offers.load(Ordering::Relaxed)
    }

    pub(crate) fn hold_offer(&self) {
        self.held_offers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn let_go_offer(&self) {
        self.held_offers.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn hand_over(&self) {
        self.handed_over.fetch_add(1, Ordering::Relaxed);
    }

    /// Hand-overs per second since this was last asked.
    pub(crate) fn rate(&self) -> f64 {
        let total = self.handed_over.load(Ordering::Relaxed);
        let mut last = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = last.0.elapsed().as_secs_f64().max(0.001);
        let handed_over = u32::try_from(total - last.1).unwrap_or(u32::MAX);
        *last = (Instant::now(), total);
        f64::from(handed_over) / seconds
    }

    pub(crate) fn queues(&self) -> Vec<String> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_queues(&self, queues: Vec<String>) {
        *self.queues.lock().unwrap_or_else(PoisonError::into_inner) = queues;
    }

    /// Whether the executor was found unable to create anything.
    pub(crate) fn in_trouble(&self) -> bool {
        self.trouble.load(Ordering::Relaxed)
    }

    /// Notes whether it is. True if that is news.
    pub(crate) fn set_trouble(&self, trouble: bool) -> bool {
        self.trouble.swap(trouble, Ordering::Relaxed) != trouble
    }
}

/// Runs one replica of an agent until `shutdown`. Runs go on without it: their supervisors, or the cluster, own them.
///
/// # Errors
/// If it can't begin. A broker or a scheduler that is away is no error: it waits.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let replica: String = Uuid::new_v4().simple().to_string().chars().take(12).collect();
    let enlisted = Arc::new(config.executor.enlist(&replica)?);
    let hints = config.executor.watch()?;
    let (claims, outgoing) = claims::Desk::new(config.uptime.clone());
    let control = config.names.control(config.name.as_str(), &replica);
    let out_address = config.names.out(config.name.as_str());
    let shared = Arc::new(Shared {
        control,
        out: Out::new(config.broker.clone(), out_address, replica.clone()),
        lease: Lease::new(config.uptime.clone()),
        claims,
        reports: reports::Desk::default(),
        requests: Requests::new(config.requests_broker, config.names.clone(), config.name.as_str()),
        load: Load::new(),
        waiting: config.waiting,
        closing: shutdown,
        stop: CancellationToken::new(),
        tracker: TaskTracker::new(),
        handovers: TaskTracker::new(),
        name: config.name,
        replica,
        broker: config.broker,
        names: config.names,
        executor: config.executor,
        archive: config.archive.map(Archive::new),
        prefetch: config.prefetch.max(1),
        release: config.release,
        labels: config.labels,
        clock: config.clock,
        metrics: config.metrics,
        health: config.health,
        tracer: config.tracer,
    });
    tracing::info!(agent.name = %shared.name, agent.replica = %shared.replica, "agent.started");
    spawn_parts(&shared, hints, outgoing);
    let (kept, stop) = (enlisted.clone(), shared.stop.clone());
    shared.tracker.spawn(async move { stop.run_until_cancelled(kept.keep()).await });
    shared.closing.cancelled().await;
    close(&shared, &enlisted).await;
    Ok(())
}

fn spawn_parts(
    shared: &Arc<Shared>,
    hints: crate::executor::Watch,
    outgoing: crate::gather::Gather<berth_domain::protocol::ClaimRequest>,
) {
    let tracker = &shared.tracker;
    let (a, b, c, d, e) = (shared.clone(), shared.clone(), shared.clone(), shared.clone(), shared.clone());
    let (f, g, h) = (shared.clone(), shared.clone(), shared.clone());
    let claims = claims::send(outgoing, shared.out.clone());
    let stop = shared.stop.clone();
    tracker.spawn(async move { stop.run_until_cancelled(claims).await });
    tracker.spawn(async move { control::listen(a).await });
    tracker.spawn(async move { lease::keep(&b).await });
    tracker.spawn(async move { fence::keep(&f).await });
    tracker.spawn(async move { reports::send(&c).await });
    tracker.spawn(async move { watch::look(&d, hints).await });
    tracker.spawn(async move { culling::keep(&g).await });
    tracker.spawn(async move { archive::sweep_forever(&h).await });
    shared.handovers.spawn(async move { intake::consume(e).await });
}

/// Ends in good order: offers go back, hand-overs that have begun end, and the scheduler is told.
async fn close(shared: &Shared, enlisted: &Enlisted) {
    shared.handovers.close();
    let finish = async { tokio::join!(shared.handovers.wait(), shared.executor.leave()) };
    if tokio::time::timeout(FINISH, finish).await.is_err() {
        tracing::warn!(left = shared.handovers.len(), "agent.closing: some hand-overs did not end in time");
    }
    shared.stop.cancel();
    let goodbye = async {
        if let Err(error) = shared.out.say(FromAgentBody::Goodbye).await {
            tracing::debug!(%error, "agent.goodbye.unsent");
        }
        if let Err(error) = shared.broker.delete_queue(&shared.control).await {
            tracing::debug!(%error, "agent.control.undeleted: it expires by itself");
        }
        if let Err(error) = enlisted.resign().await {
            tracing::debug!(%error, "agent.replica.listed: the others find out a little later");
        }
    };
    if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
        tracing::debug!("agent.goodbye.unsent in time");
    }
    shared.tracker.close();
    if tokio::time::timeout(GOODBYE, shared.tracker.wait()).await.is_err() {
        tracing::warn!(left = shared.tracker.len(), "agent.closing: some tasks did not end in time");
    }
    tracing::info!(agent.name = %shared.name, agent.replica = %shared.replica, "agent.stopped");
}

/// What the replica's own control queue is on the broker.
pub(crate) fn control_topology(shared: &Shared) -> berth_broker_config::Topology {
    build::control_queue(&shared.names, shared.name.as_str(), &shared.replica)
}
