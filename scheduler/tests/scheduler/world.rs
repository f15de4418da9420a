//! A scheduler at work, with the store, the broker and the clock that it works with.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_broker::celery::control::NAMESPACE;
use berth_broker::{Broker, Message, Settings};
use berth_broker_config::Names;
use berth_broker_config::arguments::QueueKind;
use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{DispatchState, Event, RetryPolicy, Status, step};
use berth_domain::protocol::AttemptRef;
use berth_domain::time::{Clock, Time};
use berth_domain::trace::TraceContext;
use berth_scheduler::{CelerySettings, Config, Control, EventsWhen};
use berth_store::{
    Agent, Audit, DeadLetter, DeadLetterFilter, NewAgent, NewProject, NewRun, Options, Phase, Project,
    RetentionSettings, Run, Store,
};
use berth_telemetry::metrics::SchedulerMetrics;
use berth_telemetry::traces::Span;
use berth_telemetry::{Health, Registry, Tracer};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::replica::Replica;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The organization, and the agent that every test has.
pub(crate) const OWNER: &str = "acme";
pub(crate) const AGENT: &str = "local";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) names: Names,
    pub(crate) clock: Clock,
    pub(crate) project: Project,
    pub(crate) dir: TempDir,
    /// The numbers of each scheduler.
    pub(crate) registries: Vec<Registry>,
    /// What every scheduler recorded of runs that are in a trace.
    pub(crate) spans: Receiver<Span>,
    tracer: Tracer,
    shutdown: CancellationToken,
    ended: Vec<JoinHandle<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Time::from_micros(1_795_400_799_000_000));
        let url = format!("sqlite:{}", dir.path().join("berth.db").display());
        let store = Store::connect(&url, Options::default()).await.unwrap();
        store.migrate(Phase::Contract, clock.now()).await.unwrap();
        let by = Audit::new("tester", "test", clock.now());
        let new = NewProject { owner: OWNER.into(), name: "p".into(), ..NewProject::default() };
        let project = store.create_project(new, &by).await.unwrap();
        store.create_agent(NewAgent::named(OWNER, AGENT.parse().unwrap()), &by).await.unwrap();
        let (broker, names) = (Broker::memory(), Names::default());
        let shutdown = CancellationToken::new();
        let (tracer, spans) = Tracer::observed();
        let mut world = Self {
            store,
            broker,
            names,
            clock,
            project,
            dir,
            registries: Vec::new(),
            spans,
            tracer,
            shutdown,
            ended: Vec::new(),
        };
        world.start_scheduler();
        world.is_served(AGENT).await;
        world
    }

    /// One more scheduler beside those that are there.
    #[expect(clippy::disallowed_methods, reason = "a test waits for its task by hand")]
    pub(crate) fn start_scheduler(&mut self) {
        let registry = Registry::new();
        let config = Config {
            store: self.store.clone(),
            broker: self.broker.clone(),
            names: self.names.clone(),
            offers: QueueKind::Quorum,
            clock: self.clock.clone(),
            release: "0.1.0".to_owned(),
            replica: format!("s{}", self.ended.len() + 1),
            metrics: SchedulerMetrics::register(&registry).unwrap(),
            health: Health::new(),
            tracer: self.tracer.clone(),
            retention: RetentionSettings::default(),
            celery: CelerySettings {
                control: Control::Inspect,
                principals: [NAMESPACE.to_owned()].into(),
                events: EventsWhen::OnDemand,
                submitters: BTreeMap::new(),
                results: None,
                broker: Settings::new("memory:").unwrap().place(),
            },
        };
        self.registries.push(registry);
        self.ended.push(tokio::spawn(berth_scheduler::run(config, self.shutdown.clone())));
    }

    /// The world with a replica of its agent that holds a lease.
    pub(crate) async fn with_replica() -> (Self, Replica) {
        let world = Self::new().await;
        let mut replica = Replica::join(&world, AGENT, "r1").await;
        replica.lease().await;
        (world, replica)
    }

    /// The hops that were recorded since this was last asked.
    pub(crate) fn hops(&mut self) -> Vec<Span> {
        std::iter::from_fn(|| self.spans.try_recv().ok()).collect()
    }

    /// Ends every scheduler, which has to end in good time.
    pub(crate) async fn close(self) {
        self.shutdown.cancel();
        for ended in self.ended {
            tokio::time::timeout(PATIENCE, ended).await.expect("the scheduler ends").unwrap();
        }
        self.broker.close().await;
    }

    /// Waits until the agent's queues are on the broker.
    pub(crate) async fn is_served(&self, agent: &str) {
        let offers = self.names.offers(agent, "default");
        eventually("the agent's queues", async || self.broker.depth(&offers).await.ok()).await;
    }

    /// One more agent, with queues on the broker.
    pub(crate) async fn create_agent(&self, name: &str) {
        let new = NewAgent::named(OWNER, name.parse().unwrap());
        self.store.create_agent(new, &self.by("agent.create")).await.unwrap();
        self.wake().await;
        self.is_served(name).await;
    }

    pub(crate) async fn agent(&self) -> Agent {
        self.store.agent(OWNER, AGENT).await.unwrap()
    }

    pub(crate) fn by(&self, action: &str) -> Audit {
        Audit::new("tester", action, self.clock.now())
    }

    /// Tells the scheduler that something has changed, as other parts of the control plane do.
    pub(crate) async fn wake(&self) {
        self.broker.broadcast(&self.names.wake(), Message::json("{}")).await.unwrap();
    }

    /// A waiting run of the agent's default queue.
    pub(crate) async fn submit(&self) -> RunId {
        self.submit_with(RetryPolicy::default()).await
    }

    pub(crate) async fn submit_with(&self, policy: RetryPolicy) -> RunId {
        self.submit_so(policy, |_| {}).await
    }

    /// A waiting run that has a choice of queues.
    pub(crate) async fn submit_routed(&self, routing: Routing, on_agent_loss: OnAgentLoss) -> RunId {
        self.submit_so(RetryPolicy::default(), |run| {
            (run.routing, run.on_agent_loss) = (Some(routing), Some(on_agent_loss));
        })
        .await
    }

    /// A waiting run that goes before all others of its queue.
    pub(crate) async fn submit_first(&self) -> RunId {
        self.submit_so(RetryPolicy::default(), |run| run.priority = 9).await
    }

    /// A waiting run that is in a trace.
    pub(crate) async fn submit_traced(&self, policy: RetryPolicy, trace: &TraceContext) -> RunId {
        self.submit_so(policy, |run| run.trace = Some(trace.clone())).await
    }

    async fn submit_so(&self, policy: RetryPolicy, change: impl FnOnce(&mut NewRun)) -> RunId {
        let queue = self.store.queue(OWNER, AGENT, "default").await.unwrap();
        let mut run = NewRun::job(OWNER, self.project.id, DispatchState::new(policy));
        for event in [Event::Compile, Event::Queue] {
            let step = step(&run.dispatch, &event, self.clock.now(), 0.0).unwrap();
            run.dispatch = step.state;
            run.conditions.extend(step.conditions);
        }
        run.queue_id = Some(queue.id);
        run.agent_id = Some(queue.agent_id);
        run.content = Some("{\"kind\":\"operation\"}".to_owned());
        change(&mut run);
        let id = run.id;
        self.store.create_runs(&[run], &self.by("run.create")).await.unwrap().remove(0).unwrap();
        self.wake().await;
        id
    }

    pub(crate) async fn stop(&self, run: RunId) {
        let now = self.clock.now();
        let stop = Event::Stop { by: "tester" };
        self.store.transition(&[run], now, |head| step(&head.dispatch, &stop, now, 0.0).ok()).await.unwrap();
        self.wake().await;
    }

    pub(crate) async fn run(&self, id: RunId) -> Run {
        self.store.run_by_id(id).await.unwrap()
    }

    pub(crate) async fn status(&self, id: RunId) -> Status {
        self.run(id).await.status()
    }

    /// Waits until the run satisfies `holds`.
    pub(crate) async fn until(&self, id: RunId, what: &str, holds: impl Fn(&DispatchState) -> bool) -> Run {
        eventually(what, async || Some(self.run(id).await).filter(|run| holds(&run.dispatch))).await
    }

    /// Waits until the run has that status.
    pub(crate) async fn becomes(&self, id: RunId, status: Status) -> Run {
        self.until(id, status.as_str(), |state| state.status == status).await
    }

    /// Waits until the scheduler has admitted the run; gives its attempt.
    pub(crate) async fn admitted(&self, id: RunId) -> AttemptRef {
        let run = self.becomes(id, Status::Scheduled).await;
        AttemptRef { run: id, attempt: run.dispatch.attempt }
    }

    /// Waits for so many dead letters.
    pub(crate) async fn dead_letters(&self, count: usize) -> Vec<DeadLetter> {
        eventually("dead letters", async || {
            let filter = DeadLetterFilter { owner: OWNER.to_owned(), ..DeadLetterFilter::default() };
            let letters = self.store.dead_letters_after(&filter, None, 1_000).await.unwrap();
            (letters.len() == count).then_some(letters)
        })
        .await
    }

    /// Waits until so many offers lie in the agent's queue.
    pub(crate) async fn offers_lie(&self, count: u64) {
        let offers = self.names.offers(AGENT, "default");
        eventually("offers on the broker", async || {
            (self.broker.depth(&offers).await.ok()?.ready == count).then_some(())
        })
        .await;
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let answer = async {
        loop {
            looks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}
