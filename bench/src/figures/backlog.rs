//! A backlog of waiting runs in a database: filled by the store's own bulk insert.

use anyhow::{Context, Result, ensure};
use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{Condition, DispatchState, Event, RetryPolicy, Status, step};
use berth_domain::name::{AgentName, QueueName};
use berth_domain::protocol::{Identity, LeaseRequest};
use berth_domain::time::Clock;
use berth_store::{Audit, Lease, NewAgent, NewProject, NewQueue, NewRun, Options, Phase, Store};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

/// The organization of everything here.
pub const OWNER: &str = "default";
/// The agent of everything here.
pub const AGENT: &str = "bench";
/// Its queues: each has runs of each project, so there are eight lanes.
const QUEUES: [&str; 2] = ["one", "two"];
const PROJECTS: [&str; 4] = ["a", "b", "c", "d"];
/// Runs per transaction of the fill, as of the API's bulk create.
const BULK: usize = 1_000;
/// Fills at a time.
const WRITERS: usize = 4;

/// A database with waiting runs.
#[derive(Debug)]
pub struct Backlog {
    /// The database.
    pub store: Store,
    /// Where times come from.
    pub clock: Clock,
    /// What was admitted and has not ended yet.
    pub started: Vec<RunId>,
    url: String,
    agent: AgentId,
    queues: Vec<QueueId>,
    projects: Vec<ProjectId>,
    waiting: usize,
}

impl Backlog {
    /// Migrates an empty database and makes the agent, queues and projects.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn open(url: &str, clock: Clock) -> Result<Self> {
        let store = Store::connect(url, Options::default()).await?;
        store.migrate(Phase::Contract, clock.now()).await?;
        let audit = Audit::new("bench", "bench.fill", clock.now());
        let agent = store.create_agent(NewAgent::named(OWNER, AGENT.parse::<AgentName>()?), &audit).await?;
        let mut queues = Vec::new();
        for name in QUEUES {
            let new = NewQueue::named(agent.id, name.parse::<QueueName>()?);
            queues.push(store.create_queue(new, &audit).await?.id);
        }
        let mut projects = Vec::new();
        for name in PROJECTS {
            let new = NewProject { owner: OWNER.to_owned(), name: name.to_owned(), ..NewProject::default() };
            projects.push(store.create_project(new, &audit).await?.id);
        }
        let url = url.to_owned();
        Ok(Self { store, clock, started: Vec::new(), url, agent: agent.id, queues, projects, waiting: 0 })
    }

    /// The queues' names.
    pub fn queues(&self) -> [&'static str; 2] {
        QUEUES
    }

    /// Adds runs until `size` wait; a large fill is followed by what autovacuum would do in time.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn fill(&mut self, size: usize) -> Result<()> {
        let missing = size.saturating_sub(self.waiting);
        let mut batches = (0..missing.div_ceil(BULK)).map(|at| BULK.min(missing - at * BULK));
        let mut writing = JoinSet::new();
        loop {
            while writing.len() < WRITERS
                && let Some(count) = batches.next()
            {
                let (store, runs) = (self.store.clone(), self.runs(count)?);
                let audit = Audit::new("bench", "bench.fill", self.clock.now());
                writing.spawn(async move {
                    for created in store.create_runs(&runs, &audit).await? {
                        created?;
                    }
                    Ok::<_, berth_store::Error>(())
                });
            }
            let Some(written) = writing.join_next().await else { break };
            written??;
        }
        self.waiting = self.waiting.max(size);
        if missing >= SHALLOW_FILL {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::query("VACUUM ANALYZE").execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }

    /// Ends what was admitted, so that it holds no slot.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn end_started(&mut self) -> Result<()> {
        let now = self.clock.now();
        for ids in self.started.chunks(BULK) {
            let end = Event::Force { by: "bench", status: Status::Succeeded };
            let ended = self.store.transition(ids, now, |head| step(&head.dispatch, &end, now, 0.0).ok());
            let ended = ended.await?.len();
            ensure!(ended == ids.len(), "{ended} of {} runs ended", ids.len());
        }
        self.waiting = self.waiting.saturating_sub(self.started.len());
        self.started.clear();
        Ok(())
    }

    /// Lets the agent be alive, and so fast that no window is in the way.
    ///
    /// # Errors
    /// If the lease is refused.
    pub async fn grant_lease(&self) -> Result<()> {
        let request = LeaseRequest {
            seen: None,
            labels: None,
            namespaces: Vec::new(),
            connections: Vec::new(),
            nodes: None,
            vitals: None,
            nonce: "bench".to_owned(),
            hello: false,
            identity: Identity::Machine { id: "bench".to_owned() },
            release: "bench".to_owned(),
            features: Vec::new(),
            executor: "process".to_owned(),
            create_grace_ms: 60_000,
            handover_rate: 1_000_000.0,
            live: 0,
            held_offers: 0,
            queues: Vec::new(),
        };
        match self.store.grant_lease(self.agent, "bench", &request, self.clock.now()).await? {
            Lease::Granted { .. } => Ok(()),
            Lease::Refused { reason } => anyhow::bail!("the lease is refused: {reason}"),
        }
    }

    /// Waiting runs, spread over the lanes.
    fn runs(&self, count: usize) -> Result<Vec<NewRun>> {
        let now = self.clock.now();
        let compiled = step(&DispatchState::new(RetryPolicy::default()), &Event::Compile, now, 0.0)?;
        let queued = compiled.state.clone();
        let queued = compiled.then(step(&queued, &Event::Queue, now, 0.0)?);
        let conditions: Vec<Condition> = queued.conditions;
        let lanes = self.queues.len() * self.projects.len();
        (0..count)
            .map(|at| {
                let lane = at % lanes;
                let project = self.projects.get(lane / self.queues.len()).context("no such project")?;
                let mut run = NewRun::job(OWNER, *project, queued.state.clone());
                run.queue_id = self.queues.get(lane % self.queues.len()).copied();
                run.agent_id = Some(self.agent);
                run.conditions.clone_from(&conditions);
                run.content = Some(CONTENT.to_owned());
                run.spec_hash = Some("bench".to_owned());
                Ok(run)
            })
            .collect()
    }
}

/// A fill of this size changes what the planner should know.
const SHALLOW_FILL: usize = 10_000;

/// What every run runs.
const CONTENT: &str = r#"{"version":1.1,"kind":"compiled_operation","run":{"kind":"job","container":{"image":"busybox","command":["true"]}}}"#;
