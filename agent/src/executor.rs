//! The seam between the agent and what it starts runs with. A closed set: local processes, and pods on Kubernetes.
//!
//! An executor holds the truth about its objects; the agent asks it and never remembers. The contract that each one
//! passes is `tests/agent/conformance.rs`. Nothing here knows of brokers, leases or claims.

mod environment;
pub mod kubernetes;
mod log_name;
mod log_reader;
pub mod process;

use std::fmt;
use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::nodes::NodeSummary;
use berth_domain::protocol::logs::{LogFrom, LogStream};
use berth_domain::protocol::{AttemptRef, Held, Identity, Phase, Report};
use berth_domain::reported::ConnectionName;
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext};

use serde_json::{Map, Value, json};

pub use kubernetes::KubernetesExecutor;
pub use log_name::LogName;
pub use log_reader::LogReader;
pub use process::ProcessExecutor;

use crate::uptime::Moment;

/// What runs are started with.
#[derive(Debug, Clone)]
pub enum Executor {
    /// Local processes.
    Process(ProcessExecutor),
    /// Pods.
    Kubernetes(KubernetesExecutor),
}

/// A turn to create one attempt's object; given up if it is dropped.
#[derive(Debug)]
pub struct Turn(TurnOf);

#[derive(Debug)]
enum TurnOf {
    Process(ProcessExecutor, process::Turn),
    Kubernetes(KubernetesExecutor, kubernetes::Turn),
}

impl Turn {
    /// Creates the attempt's object, or finds it created already. What can't be honoured is created ended, so that
    /// its end is kept and reported like any other; or refused, where there is no object that could be ended. A
    /// refusal is forgotten if the agent dies before it was taken in: then nothing is found, and it is offered again.
    ///
    /// # Errors
    /// If there is no object of this attempt afterwards.
    pub async fn create(self, order: Order) -> Result<Object, CreateError> {
        match self.0 {
            TurnOf::Process(process, turn) => process.create(order, turn).await,
            TurnOf::Kubernetes(kubernetes, turn) => kubernetes.create(order, turn).await,
        }
    }
}

/// An attempt that was claimed and is to be created.
#[derive(Clone)]
pub struct Order {
    /// The attempt.
    pub attempt: AttemptRef,
    /// The agent.
    pub agent: String,
    /// The replica that creates it.
    pub replica: String,
    /// The queue it came on.
    pub queue: String,
    /// The run's organization.
    pub owner: String,
    /// The run's project.
    pub project: String,
    /// The hash of the operation, as offered.
    pub spec_hash: String,
    /// The features that the offer needs.
    pub needs: Vec<String>,
    /// The compiled operation, JSON.
    pub operation: String,
    /// Until when it may be created.
    pub create_by: Moment,
    /// Whether it is ended by [`Executor::fence`]. Its object says so, for agents to come.
    pub replace: bool,
    /// Where it belongs in a trace, if it is in one.
    pub trace: Option<Box<OrderTrace>>,
}

/// Where an attempt belongs in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTrace {
    /// Where its run belongs: its object keeps it, for agents to come.
    pub kept: TraceContext,
    /// Where belongs what its program does: under its run.
    pub joined: TraceContext,
}

impl Order {
    /// Refuses what needs more than `features`, by name.
    fn needs_no_more_than(&self, features: &[String]) -> Result<(), Refusal> {
        let Some(missing) = self.needs.iter().find(|need| !features.contains(need)) else { return Ok(()) };
        let message = format!(
            "the operation needs `{missing}`, which this agent can't do; it can do: {}",
            features.join(", ")
        );
        Err(Refusal { reason: "UnsupportedFeature", message })
    }
}

impl fmt::Debug for Order {
    /// Leaves the operation out: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("attempt", &self.attempt)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// The executor can't honour what an operation asks for, named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A word for programs.
    pub reason: &'static str,
    /// A sentence for people: the field, what was found, what is allowed.
    pub message: String,
}

impl Refusal {
    /// The end of an attempt that was refused.
    #[must_use]
    pub fn end(&self) -> End {
        End {
            outcome: Outcome::Failed(FailureClass::Config),
            exit_code: None,
            reason: self.reason.to_owned(),
            message: self.message.clone(),
        }
    }
}

/// An attempt's object, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The attempt.
    pub attempt: AttemptRef,
    /// The executor's own id of it; another object of the same attempt would have another.
    pub uid: String,
    /// The replica that created it.
    pub replica: String,
    /// Where it stands.
    pub phase: Phase,
    /// Grows with each phase.
    pub rank: u32,
    /// Since when it stands there.
    pub at: Time,
    /// Since when it ran, and the rank of that, once it did.
    pub ran: Option<(Time, u32)>,
    /// What of it belongs in a trace, if it is in one.
    pub trace: Option<Box<ObjectTrace>>,
}

/// What of an object belongs in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTrace {
    /// Where its run belongs.
    pub context: TraceContext,
    /// The queue that it came on.
    pub queue: String,
    /// When its program began, ready or not.
    pub began: Option<Time>,
}

impl ObjectTrace {
    /// The span of the run itself.
    #[must_use]
    pub fn run(attempt: AttemptRef) -> SpanId {
        SpanId::of(attempt.run, attempt.attempt, 0, Hop::Run)
    }
}

impl Object {
    /// The id of its trace, if it is in one: for the log.
    pub(crate) fn trace_id(&self) -> Option<impl tracing::Value + use<>> {
        self.trace.as_ref().map(|trace| tracing::field::display(trace.context.trace))
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// What is to be reported of it to somebody who knows it up to `known_rank`, in order.
    #[must_use]
    pub fn reports(&self, known_rank: u32) -> Vec<Report> {
        let ran = self.ran.filter(|_| self.is_ended()).map(|(at, rank)| (Phase::Running, rank, at));
        ran.into_iter()
            .chain([(self.phase.clone(), self.rank, self.at)])
            .filter(|(_, rank, _)| *rank > known_rank)
            .map(|(phase, rank, at)| Report {
                run: self.attempt.run,
                attempt: self.attempt.attempt,
                uid: Some(self.uid.clone()),
                rank,
                at,
                span: self.recorded_as(&phase),
                phase,
            })
            .collect()
    }

    /// With its end, the span that it is recorded as.
    fn recorded_as(&self, phase: &Phase) -> Option<SpanId> {
        let is_recorded = self.trace.as_ref().is_some_and(|trace| trace.context.is_sampled());
        (is_recorded && matches!(phase, Phase::Ended(_))).then(|| ObjectTrace::run(self.attempt))
    }

    /// Its line in an inventory.
    #[must_use]
    pub fn held(&self) -> Held {
        Held { run: self.attempt.run, attempt: self.attempt.attempt, uid: self.uid.clone() }
    }
}

/// A service that runs, and is ended when it was idle for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culled {
    /// Its objects.
    pub object: Object,
    /// For how long it may be idle.
    pub limit: Duration,
    /// What is asked whether it is in use: each of its replicas.
    pub urls: Vec<String>,
}

/// Why nothing was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The claim is over, or so nearly that the create might land late.
    #[error("the claim on {0:?} was over before its object could be created")]
    Late(AttemptRef),
    /// There is an object of that name that is not this attempt's.
    #[error("an object of the name of {attempt:?} is there, of {found}")]
    Foreign {
        /// The attempt.
        attempt: AttemptRef,
        /// Whose it is.
        found: String,
    },
    /// It can't be honoured, and there is nothing that could hold its end: whoever asks again is told the same.
    #[error("{attempt:?} is refused: {refusal}")]
    Refused {
        /// The attempt.
        attempt: AttemptRef,
        /// Why.
        refusal: Refusal,
    },
    /// The executor is in trouble, which has nothing to do with this attempt.
    #[error("the executor can't create {attempt:?}")]
    Trouble {
        /// The attempt.
        attempt: AttemptRef,
        /// What is wrong.
        #[source]
        source: Trouble,
    },
}

/// Something is wrong with the executor itself: it should be left alone for a while.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Trouble {
    /// What could not be done, with names.
    pub doing: String,
    /// In the system's words.
    #[source]
    pub source: std::io::Error,
}

/// Something that befell an object, in the executor's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The object, as it was seen last.
    pub object: Object,
    /// When.
    pub at: Time,
    /// A word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

/// What came of letting go of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It is let go of.
    Done,
    /// A create of its claim may come until then.
    NotBefore(Time),
    /// Something else is to come first.
    NotYet,
}

/// A hint that something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Look at these.
    Attempts(Vec<AttemptRef>),
    /// These were seen like this, a moment ago: what was seen later, at a higher rank, holds.
    Seen(Vec<Object>),
    /// This befell objects, and changes nothing about where they stand.
    Told(Vec<Told>),
    /// Look at all.
    All,
}

impl Executor {
    /// Its name on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::Kubernetes(_) => "kubernetes",
        }
    }

    /// What it is, so that a second agent under the same name is refused.
    ///
    /// # Errors
    /// If it can't be found out just now.
    pub async fn identity(&self) -> Result<Identity, Trouble> {
        match self {
            Self::Process(process) => Ok(process.identity()),
            Self::Kubernetes(kubernetes) => kubernetes.identity().await,
        }
    }

    /// The features of operations that it can honour.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        match self {
            Self::Process(_) => process::features(),
            Self::Kubernetes(kubernetes) => kubernetes.features(),
        }
    }

    /// The namespaces that it serves; none if it knows of none.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        match self {
            Self::Process(_) => Vec::new(),
            Self::Kubernetes(kubernetes) => kubernetes.namespaces().to_vec(),
        }
    }

    /// The connections that runs may name, as the control plane is told of them.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionName> {
        match self {
            Self::Process(_) => Vec::new(),
            Self::Kubernetes(kubernetes) => kubernetes.connections().told(),
        }
    }

    /// Its nodes in summary, where it has some and this is news: with a `hello`, or if they changed since it was asked.
    #[must_use]
    pub fn nodes(&self, hello: bool) -> Option<Box<NodeSummary>> {
        match self {
            Self::Process(_) => None,
            Self::Kubernetes(kubernetes) => kubernetes.nodes(hello),
        }
    }

    /// How many creates may be under way, and how often its API server has pushed back; none where creates are the
    /// machine's own.
    #[must_use]
    pub fn pace(&self) -> Option<(u32, u64)> {
        match self {
            Self::Process(_) => None,
            Self::Kubernetes(kubernetes) => Some(kubernetes.pace()),
        }
    }

    /// How long after a claim's validity a create that was begun in time can still land.
    #[must_use]
    pub fn create_grace(&self) -> Duration {
        match self {
            Self::Process(_) => process::CREATE_GRACE,
            Self::Kubernetes(kubernetes) => kubernetes.create_grace(),
        }
    }

    /// Whether it can honour `order`.
    ///
    /// # Errors
    /// If it can't, by name.
    pub fn admit(&self, order: &Order) -> Result<(), Refusal> {
        match self {
            Self::Process(process) => process.admit(order),
            Self::Kubernetes(kubernetes) => kubernetes.admit(order),
        }
    }

    /// Waits for a turn to create, in the order of asking. It is taken before an attempt is claimed, so that it waits
    /// where others can have it, and not while its claim runs out.
    ///
    /// # Errors
    /// If none will come for so long that nothing should wait for it.
    pub async fn turn(&self) -> Result<Turn, Trouble> {
        Ok(Turn(match self {
            Self::Process(process) => TurnOf::Process(process.clone(), process.turn().await),
            Self::Kubernetes(kubernetes) => TurnOf::Kubernetes(kubernetes.clone(), kubernetes.turn().await?),
        }))
    }

    /// All objects that live, or lie ended and were not released, by a look made now.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn inventory(&self) -> Result<Vec<Object>, Trouble> {
        match self {
            Self::Process(process) => process.inventory().await,
            Self::Kubernetes(kubernetes) => kubernetes.inventory().await,
        }
    }

    /// The same, as they were seen lately, if that costs less; and a good moment to see to what needs it.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn survey(&self) -> Result<Vec<Object>, Trouble> {
        match self {
            Self::Process(process) => process.inventory().await,
            Self::Kubernetes(kubernetes) => kubernetes.survey().await,
        }
    }

    /// A look at an attempt's object, made now.
    ///
    /// # Errors
    /// If it can't be looked at, which says nothing about whether it is there.
    pub async fn look(&self, attempt: AttemptRef) -> Result<Option<Object>, Trouble> {
        match self {
            Self::Process(process) => process.look(attempt).await,
            Self::Kubernetes(kubernetes) => kubernetes.look(attempt).await,
        }
    }

    /// Asks for an attempt's object to be ended, at the latest `grace` from now; the executor's own grace if none is
    /// given. Returns when the wish is safe, not when the end has come. What has ended, or isn't there, stays as it is.
    ///
    /// # Errors
    /// If the wish can't be kept.
    pub async fn stop(&self, attempt: AttemptRef, grace: Option<Duration>) -> Result<(), Trouble> {
        match self {
            Self::Process(process) => process.stop(attempt, grace).await,
            Self::Kubernetes(kubernetes) => kubernetes.stop(attempt, grace).await,
        }
    }

    /// Notes when the last lease that was granted had been asked for, where other replicas and what outlives this one
    /// can see it.
    pub async fn note_lease(&self, asked_at: Moment) {
        match self {
            Self::Process(process) => process.note_lease(asked_at).await,
            // Pods have no supervisor of ours that could look at it.
            Self::Kubernetes(_) => {}
        }
    }

    /// When the last lease that was granted to any replica had been asked for, as far as that is seen here; at least
    /// `own`.
    #[must_use]
    pub fn leased_at(&self, own: Moment) -> Moment {
        match self {
            Self::Process(process) => process.leased_at(own),
            // Replicas on other machines have other clocks: one that is cut off ends more than it must, never less.
            Self::Kubernetes(_) => own,
        }
    }

    /// Ends all objects of attempts that may be replaced, at the latest `grace` from now, as lost with their agent.
    /// Returns when that is under way; called again and again until there is a lease.
    ///
    /// # Errors
    /// If some can't be ended.
    pub async fn fence(&self, grace: Duration) -> Result<(), Trouble> {
        match self {
            Self::Process(process) => process.fence(grace).await,
            Self::Kubernetes(kubernetes) => kubernetes.fence(grace).await,
        }
    }

    /// Lets go of an ended object whose end was taken in: it is done if it wasn't there, and has to wait while its
    /// claim isn't over, so that a create that comes late still finds it.
    ///
    /// # Errors
    /// If it can't be released.
    pub async fn release(&self, attempt: AttemptRef) -> Result<Release, Trouble> {
        match self {
            Self::Process(process) => process.release(attempt).await,
            Self::Kubernetes(kubernetes) => kubernetes.release(attempt).await,
        }
    }

    /// Removes what was kept of released objects for longer than it should be, and ends what nobody supervises.
    ///
    /// # Errors
    /// If it can't be looked at.
    pub async fn tidy(&self) -> Result<(), Trouble> {
        match self {
            Self::Process(process) => process.tidy().await,
            Self::Kubernetes(kubernetes) => kubernetes.tidy().await,
        }
    }

    /// Before the replica ends: lets go of what nobody would see to any more because its ground is going away.
    pub async fn leave(&self) {
        match self {
            // A folder that is removed takes all with it.
            Self::Process(_) => {}
            Self::Kubernetes(kubernetes) => kubernetes.leave().await,
        }
    }

    /// Whether it can create anything at all just now.
    ///
    /// # Errors
    /// With what is wrong.
    pub async fn probe(&self) -> Result<(), Trouble> {
        match self {
            Self::Process(process) => process.probe().await,
            Self::Kubernetes(kubernetes) => kubernetes.probe().await,
        }
    }

    /// The services that run and are ended when they were idle for too long, as they were seen lately.
    #[must_use]
    pub fn culled(&self) -> Vec<Culled> {
        match self {
            // It runs no services.
            Self::Process(_) => Vec::new(),
            Self::Kubernetes(kubernetes) => kubernetes.culled(),
        }
    }

    /// Asks for a service to be ended that was idle for so long.
    ///
    /// # Errors
    /// If the wish can't be kept.
    pub async fn cull(&self, attempt: AttemptRef, idle: Duration) -> Result<(), Trouble> {
        match self {
            Self::Process(_) => Ok(()),
            Self::Kubernetes(kubernetes) => kubernetes.cull(attempt, idle).await,
        }
    }

    /// The newest attempt of a run that is there.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn newest(&self, run: RunId) -> Result<Option<AttemptRef>, Trouble> {
        match self {
            Self::Process(process) => process.newest(run).await,
            Self::Kubernetes(kubernetes) => kubernetes.newest(run).await,
        }
    }

    /// A reader of one of an attempt's logs; none if there is no such attempt here, or nothing of it ran before the last
    /// restart. With `follow`, it reads what is written later too.
    ///
    /// # Errors
    /// If it can't be looked for.
    pub async fn read_log(
        &self,
        attempt: AttemptRef,
        name: &LogName,
        from: LogFrom,
        follow: bool,
    ) -> Result<Option<LogReader>, Trouble> {
        match self {
            Self::Process(process) => LogReader::of_process(process, attempt, name, from).await,
            Self::Kubernetes(kubernetes) => {
                let reader = kubernetes.read_log(attempt, name, from, follow).await?;
                Ok(reader.map(LogReader::Kubernetes))
            }
        }
    }

    /// How a run's objects are, for people: one member for each, by its name. What looks secret is masked.
    ///
    /// # Errors
    /// If they can't be looked at.
    pub async fn inspect(&self, run: RunId) -> Result<Map<String, Value>, Trouble> {
        match self {
            Self::Process(process) => {
                let objects =
                    process.inventory().await?.into_iter().filter(|object| object.attempt.run == run);
                let shown = |object: Object| {
                    let phase = serde_json::to_value(&object.phase).unwrap_or_default();
                    let shown = json!({
                        "metadata": {"uid": object.uid, "replica": object.replica},
                        "status": {"phase": phase, "since": object.at},
                    });
                    (kubernetes::names::pod_name(object.attempt), shown)
                };
                Ok(objects.map(shown).collect())
            }
            Self::Kubernetes(kubernetes) => kubernetes.inspect(run).await,
        }
    }

    /// Whether an object is on its way to an end that nobody here asked for.
    #[must_use]
    pub fn is_ending(&self, object: &Object) -> bool {
        match self {
            Self::Process(_) => false,
            Self::Kubernetes(_) => KubernetesExecutor::is_ending(object),
        }
    }

    /// Says that this replica lives: what dead replicas created is reported by the others.
    ///
    /// # Errors
    /// If another one has the name.
    pub fn enlist(&self, replica: &str) -> Result<Enlisted, Trouble> {
        match self {
            Self::Process(process) => process.enlist(replica).map(Enlisted::Process),
            Self::Kubernetes(kubernetes) => {
                Ok(Enlisted::Kubernetes { executor: kubernetes.clone(), replica: replica.to_owned() })
            }
        }
    }

    /// The replicas that live.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn replicas(&self) -> Result<Vec<String>, Trouble> {
        match self {
            Self::Process(process) => process.replicas().await,
            Self::Kubernetes(kubernetes) => kubernetes.replicas().await,
        }
    }

    /// Begins to watch; hints that come before are not seen.
    ///
    /// # Errors
    /// If the system can't watch.
    pub fn watch(&self) -> Result<Watch, Trouble> {
        match self {
            Self::Process(process) => Ok(Watch::Process(process.watch()?)),
            Self::Kubernetes(kubernetes) => Ok(Watch::Kubernetes(Box::new(kubernetes.watch()))),
        }
    }
}

/// A replica's sign of life.
#[derive(Debug)]
pub enum Enlisted {
    /// On a data folder, until it is dropped.
    Process(process::Enlisted),
    /// By a Lease, for as long as it is kept.
    Kubernetes {
        /// The executor.
        executor: KubernetesExecutor,
        /// The replica.
        replica: String,
    },
}

impl Enlisted {
    /// Gives signs of life, for as long as this is awaited.
    pub async fn keep(&self) {
        match self {
            Self::Process(_) => std::future::pending().await,
            Self::Kubernetes { executor, replica } => executor.keep_alive(replica).await,
        }
    }

    /// Takes them back.
    ///
    /// # Errors
    /// If that fails: the others find out a little later.
    pub async fn resign(&self) -> Result<(), Trouble> {
        match self {
            Self::Process(_) => Ok(()),
            Self::Kubernetes { executor, replica } => executor.resign(replica).await,
        }
    }
}

/// A line that was read from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: Time,
    /// Where to.
    pub stream: LogStream,
    /// Its text.
    pub text: String,
    /// The offset of the line after it.
    pub next: u64,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Its lines.
    pub lines: Vec<Line>,
    /// The offset of the line after the last one.
    pub next: u64,
    /// How many bytes before the first line are no longer kept.
    pub dropped_bytes: u64,
}

/// A stream of [`Hint`]s.
#[derive(Debug)]
pub enum Watch {
    /// Of local processes.
    Process(process::Watch),
    /// Of pods.
    Kubernetes(Box<kubernetes::Watch>),
}

impl Watch {
    /// Waits for the next hint.
    ///
    /// # Errors
    /// If watching broke; look at all and watch anew.
    pub async fn next(&mut self) -> Result<Hint, Trouble> {
        match self {
            Self::Process(watch) => watch.next().await,
            Self::Kubernetes(watch) => watch.next().await,
        }
    }
}
