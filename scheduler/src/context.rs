//! What all loops of a scheduler replica share, and the one way to run a loop.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use berth_domain::id::AgentId;
use berth_domain::time::Time;
use berth_domain::waiting::Waiting;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::celery::Lamport;
use crate::outbox::Error;

/// The replica's parts; clones share them.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

pub(crate) struct Parts {
    config: Config,
    /// Something may be admissible: a run was queued, a slot or a window was freed.
    pub(crate) dispatch: Notify,
    /// A run was stopped: its agent should hear of it.
    pub(crate) nudge: Notify,
    /// Agents or queues were created or changed.
    pub(crate) agents: Notify,
    /// The broker is new or has lost something: all offers are looked after at once.
    pub(crate) sweep: Notify,
    /// Something may be due sooner than it was.
    pub(crate) timers: Notify,
    /// Counts how often the broker was found to have lost its data.
    pub(crate) wipes: AtomicU64,
    /// The clock that Celery's tools see.
    pub(crate) lamport: Lamport,
    /// The names of the agents, as of some seconds ago: for texts.
    names_of: Mutex<BTreeMap<AgentId, String>>,
    /// How much waits in the queues of each agent, as it was measured last.
    waiting: Mutex<BTreeMap<AgentId, Vec<Waiting>>>,
    /// When something of an agent was logged that it could have logged all the time.
    logged: Mutex<BTreeMap<AgentId, Time>>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

impl Context {
    pub(crate) fn new(config: Config, shutdown: CancellationToken, tracker: TaskTracker) -> Self {
        Self(Arc::new(Parts {
            config,
            dispatch: Notify::new(),
            nudge: Notify::new(),
            agents: Notify::new(),
            sweep: Notify::new(),
            timers: Notify::new(),
            wipes: AtomicU64::new(0),
            lamport: Lamport::default(),
            names_of: Mutex::default(),
            waiting: Mutex::default(),
            logged: Mutex::default(),
            shutdown,
            tracker,
        }))
    }

    /// Notes the names of all agents.
    pub(crate) fn name_agents(&self, names: BTreeMap<AgentId, String>) {
        *self.names_of.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// An agent's name, for texts; its id, if it is too new.
    pub(crate) fn name_of(&self, agent: AgentId) -> String {
        let names = self.names_of.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&agent).cloned().unwrap_or_else(|| agent.to_string())
    }

    /// Notes how much waits in the queues of each agent.
    pub(crate) fn note_waiting(&self, waiting: BTreeMap<AgentId, Vec<Waiting>>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    }

    /// How much waits in an agent's queues; none until that was measured.
    pub(crate) fn waiting_of(&self, agent: AgentId) -> Option<Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&agent).cloned()
    }

    /// Whether something that an agent can cause at any rate is to be logged now: once, and not again for `quiet`.
    pub(crate) fn is_loud(&self, agent: AgentId, now: Time, quiet: Duration) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.retain(|_, last| now.since(*last) < quiet);
        let is_loud = !logged.contains_key(&agent);
        logged.entry(agent).or_insert(now);
        is_loud
    }

    /// Wakes every loop, because nobody knows what was missed.
    pub(crate) fn wake_all(&self) {
        for hint in [&self.dispatch, &self.nudge, &self.agents, &self.sweep] {
            hint.notify_one();
        }
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::ops::Deref for Parts {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// A number between 0 and 1, to spread retries by.
pub(crate) fn jitter() -> f64 {
    rand::random()
}

/// The pace of a loop that converges: at once, then after each hint, and every so often without one.
///
/// A hint carries no data: each round reads all state anew. One that comes during a round is kept by its
/// [`Notify`] and begins the next. A failure is logged once per change of its text, and the round tried again.
pub(crate) struct Pace<'a> {
    name: &'static str,
    context: &'a Context,
    hint: &'a Notify,
    every: Duration,
    /// Hints closer together than this are taken as one.
    gap: Duration,
    wait: Option<Duration>,
    last_failure: Option<String>,
}

/// The least wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

impl<'a> Pace<'a> {
    pub(crate) fn new(name: &'static str, context: &'a Context, hint: &'a Notify, every: Duration) -> Self {
        Self { name, context, hint, every, gap: Duration::ZERO, wait: None, last_failure: None }
    }

    /// The same, with at least `gap` between two rounds, for what is costly and may be a moment late.
    pub(crate) fn at_most_every(self, gap: Duration) -> Self {
        Self { gap, ..self }
    }

    /// Begins the next round sooner than it would be due without a hint.
    pub(crate) fn within(&mut self, wait: Duration) {
        self.wait = self.wait.map(|due| due.min(wait));
    }

    /// Waits until the next round is due; false when the shutdown has begun.
    pub(crate) async fn next(&mut self) -> bool {
        if let Some(wait) = self.wait {
            let hinted = async {
                tokio::time::sleep(self.gap).await;
                self.hint.notified().await;
            };
            tokio::select! {
                () = self.context.shutdown.cancelled() => {}
                () = hinted => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        !self.context.shutdown.is_cancelled()
    }

    /// Runs one round, which the shutdown breaks off.
    pub(crate) async fn round(&mut self, round: impl Future<Output = Result<(), Error>>) {
        let done = tokio::select! {
            () = self.context.shutdown.cancelled() => return,
            done = round => done,
        };
        let failure = done.err().map(|error| error.to_string());
        let name = self.name;
        if let Some(error) = failure.as_ref().filter(|error| self.last_failure.as_ref() != Some(*error)) {
            tracing::warn!(scheduler.task = name, %error, "{name} failed and is tried again");
        }
        self.wait = Some(if failure.is_some() { self.every.max(AFTER_FAILURE) } else { self.every });
        self.last_failure = failure;
    }
}
