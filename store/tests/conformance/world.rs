//! Stores to test with, and a small world to put in them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use berth_domain::id::{ProjectId, RunId};
use berth_domain::lifecycle::{ClaimLimits, DispatchState, Event, RetryPolicy, Step, step};
use berth_domain::name::AgentName;
use berth_domain::protocol::{Identity, LeaseRequest};
use berth_domain::time::Time;
use berth_store::{Agent, Audit, NewAgent, NewProject, NewRun, Options, Phase, Project, Queue, Store};
use berth_test_servers::Postgres;

pub(crate) const NOW: Time = Time::from_micros(1_795_400_799_000_000);

/// `NOW` and so many seconds.
pub(crate) fn after(seconds: u64) -> Time {
    NOW.plus(Duration::from_secs(seconds))
}

pub(crate) fn audit(action: &str) -> Audit {
    Audit::new("tester", action, NOW)
}

/// A store in a SQLite file, and the folder that holds it.
pub(crate) async fn sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&folder), Options::default()).await.unwrap();
    store.migrate(Phase::Contract, NOW).await.unwrap();
    (store, folder)
}

pub(crate) fn sqlite_url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("berth.db").display())
}

static SERVER: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of an empty database of a server that all tests share.
pub(crate) fn postgres_url() -> String {
    let server = SERVER.get_or_init(Postgres::start);
    server.create_database(&format!("test{}", DATABASES.fetch_add(1, Ordering::SeqCst)))
}

/// A store in an empty database of PostgreSQL.
pub(crate) async fn postgres() -> Store {
    let url = tokio::task::spawn_blocking(postgres_url).await.unwrap();
    let store = Store::connect(&url, Options { max_connections: 8, ..Options::default() }).await.unwrap();
    store.migrate(Phase::Contract, NOW).await.unwrap();
    store
}

/// A project, and a live agent with its default queue.
pub(crate) struct World {
    pub(crate) project: Project,
    pub(crate) agent: Agent,
    pub(crate) queue: Queue,
}

impl World {
    pub(crate) async fn new(store: &Store) -> Self {
        let project = project(store, "p").await;
        let mut new = NewAgent::named("acme", "local".parse::<AgentName>().unwrap());
        new.is_default = true;
        let agent = store.create_agent(new, &audit("agent.create")).await.unwrap();
        store.grant_lease(agent.id, "r1", &lease("m1"), NOW).await.unwrap();
        let queue = store.queue("acme", "local", "default").await.unwrap();
        Self { project, agent, queue }
    }

    /// A waiting run.
    pub(crate) fn queued(&self, priority: u8, at: Time) -> NewRun {
        self.queued_in(self.project.id, priority, at)
    }

    pub(crate) fn queued_in(&self, project: ProjectId, priority: u8, at: Time) -> NewRun {
        let created = DispatchState::new(RetryPolicy::default());
        let compiled = go(&created, &Event::Compile, at);
        let queued = go(&compiled.state, &Event::Queue, at);
        let mut run = NewRun::job("acme", project, queued.state);
        run.conditions = [compiled.conditions, queued.conditions].concat();
        run.queue_id = Some(self.queue.id);
        run.agent_id = Some(self.agent.id);
        run.priority = priority;
        run.content = Some("{\"kind\":\"operation\"}".to_owned());
        run
    }

    /// Creates waiting runs and returns their ids.
    pub(crate) async fn create(&self, store: &Store, count: usize) -> Vec<RunId> {
        let runs: Vec<NewRun> = (0..count).map(|_| self.queued(0, NOW)).collect();
        let results = store.create_runs(&runs, &audit("run.create")).await.unwrap();
        results.into_iter().map(|result| result.unwrap()).collect()
    }
}

pub(crate) async fn project(store: &Store, name: &str) -> Project {
    let new = NewProject { owner: "acme".into(), name: name.into(), ..NewProject::default() };
    store.create_project(new, &audit("project.create")).await.unwrap()
}

pub(crate) fn go(state: &DispatchState, event: &Event<'_>, at: Time) -> Step {
    step(state, event, at, 0.5).unwrap()
}

pub(crate) fn lease(machine: &str) -> LeaseRequest {
    LeaseRequest {
        nonce: "n".into(),
        hello: true,
        identity: Identity::Machine { id: machine.into() },
        release: "0.1.0".into(),
        features: vec!["logs".into()],
        executor: "process".into(),
        create_grace_ms: 500,
        handover_rate: 2.5,
        live: 0,
        held_offers: 0,
        queues: Vec::new(),
        seen: None,
        labels: None,
        namespaces: Vec::new(),
        connections: Vec::new(),
        nodes: None,
        vitals: None,
    }
}

pub(crate) const LIMITS: ClaimLimits =
    ClaimLimits { validity: Duration::from_secs(10), create_grace: Duration::from_secs(1), replace: true };

pub(crate) fn claim(nonce: &str) -> Event<'_> {
    Event::Claim { replica: "r1", nonce, attempt: 0, limits: LIMITS }
}
