//! Keeps the logs of attempts that are over in the artifacts store, before their ends are reported and their objects
//! let go: whoever reads of an end can read the whole log, also when the pod is gone.
//!
//! A store that is away holds an end back for as long as the agent is told and no longer, and an object for
//! [`HOLD_OBJECT`]; it is tried again meanwhile, and both are told. What is being deleted is read while it ends, since a node may forget a
//! container's log together with the container. Nothing here is a truth: after a restart it is found out anew.

mod layout;
mod reader;
mod sweep;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::protocol::logs::LogFrom;
use berth_domain::protocol::{AttemptRef, Notice};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use reader::Reader;
pub(crate) use sweep::{forget, sweep_forever};

use crate::artifacts::{ArtifactsStore, words};
use crate::control::chain;
use crate::executor::{LogName, Object, Trouble};
use crate::service::Shared;

/// How long an object waits for its log after its end was told without it.
const HOLD_OBJECT: Duration = Duration::from_secs(10 * 60);
/// How long after a failure it is tried again, at first and at most.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_MOST: Duration = Duration::from_secs(15);
/// Of how many pods logs are written at the same time. Each holds a part in memory.
const AT_ONCE: usize = 32;

/// Where and how logs are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store.
    pub store: ArtifactsStore,
    /// How long the end of an attempt waits for its log. Longer, and a store that is away holds slots of queues for
    /// longer; shorter, and who reads of an end may not find the log yet.
    pub hold: Duration,
    /// After how long a log is deleted; none: never.
    pub keep: Option<Duration>,
}

/// The logs that are being kept.
#[derive(Debug)]
pub(crate) struct Archive {
    settings: Settings,
    jobs: Mutex<HashMap<AttemptRef, Job>>,
    room: Semaphore,
}

#[derive(Debug)]
struct Job {
    uid: String,
    state: State,
    /// Since when its end waits, once it has come.
    ended: Option<Instant>,
    wait: Duration,
    /// Why it was not kept, the last time.
    why: Option<String>,
    /// Whether that was told.
    told: bool,
    /// The ended object that waits for it.
    waiting: Option<Object>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Busy,
    Kept,
    Failed {
        again_at: Instant,
    },
    /// It was let go all the same.
    GivenUp,
}

/// Whether an end may be reported.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It may.
    Go,
    /// It may, for the first time without its log.
    GoWithout(String),
    Wait,
}

impl Archive {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, jobs: Mutex::default(), room: Semaphore::new(AT_ONCE) }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<AttemptRef, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is kept, beside all else that runs leave.
    pub(crate) fn store(&self) -> &ArtifactsStore {
        &self.settings.store
    }

    /// A reader of a log that was kept; none if it was not.
    pub(crate) async fn read(
        &self,
        attempt: AttemptRef,
        name: &LogName,
        from: LogFrom,
    ) -> Result<Option<Reader>, Trouble> {
        Reader::open(&self.settings.store, attempt, name, from).await
    }

    /// The newest attempt of a run of which something was kept.
    pub(crate) async fn newest(&self, run: RunId) -> Result<Option<AttemptRef>, Trouble> {
        let folder = layout::of_run(run);
        let listed = self.settings.store.objects().list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|error| Trouble {
            doing: format!("can't list {folder} in the artifacts store {}", self.settings.store.url()),
            source: std::io::Error::other(words(&error)),
        })?;
        let attempts = listed.common_prefixes.iter().filter_map(|folder| folder.filename()?.parse().ok());
        Ok(attempts.max().map(|attempt| AttemptRef { run, attempt }))
    }

    /// Forgets what is about objects that are not among `held`.
    pub(crate) fn keep_only(&self, held: &[Object]) {
        let held: std::collections::HashSet<_> = held.iter().map(|object| object.attempt).collect();
        self.jobs().retain(|attempt, job| job.state == State::Busy || held.contains(attempt));
    }

    /// Whether an object whose end was taken in may be let go.
    pub(crate) fn lets_go(&self, attempt: AttemptRef) -> bool {
        let mut jobs = self.jobs();
        let Some(job) = jobs.get_mut(&attempt) else { return true };
        match job.state {
            State::Kept | State::GivenUp => true,
            State::Busy | State::Failed { .. } => {
                let is_over = job.ended.is_some_and(|at| at.elapsed() >= self.settings.hold + HOLD_OBJECT);
                if is_over {
                    let why = job.why.clone().unwrap_or_default();
                    tracing::error!(run.uuid = %attempt.run, why, "agent.archive.given_up: its log is lost with its object");
                    job.state = State::GivenUp;
                }
                is_over
            }
        }
    }

    /// Whether there is something to do for the object, which is noted as being done.
    fn takes(&self, object: &Object) -> bool {
        let mut jobs = self.jobs();
        match jobs.get_mut(&object.attempt) {
            Some(job) if job.uid == object.uid => match job.state {
                State::Failed { again_at } if again_at <= Instant::now() => {
                    job.state = State::Busy;
                    true
                }
                _ => false,
            },
            _ => {
                let job = Job {
                    uid: object.uid.clone(),
                    state: State::Busy,
                    ended: None,
                    wait: AGAIN,
                    why: None,
                    told: false,
                    waiting: None,
                };
                jobs.insert(object.attempt, job);
                true
            }
        }
    }

    /// What is to become of an end.
    fn judge(&self, object: &Object) -> Verdict {
        let mut jobs = self.jobs();
        let Some(job) = jobs.get_mut(&object.attempt) else { return Verdict::Wait };
        let since = *job.ended.get_or_insert_with(Instant::now);
        match job.state {
            State::Kept | State::GivenUp => Verdict::Go,
            _ if since.elapsed() < self.settings.hold => {
                job.waiting = Some(object.clone());
                Verdict::Wait
            }
            _ if std::mem::replace(&mut job.told, true) => Verdict::Go,
            _ => match &job.why {
                Some(why) => Verdict::GoWithout(why.clone()),
                None => {
                    let url = self.settings.store.url();
                    Verdict::GoWithout(format!("the artifacts store {url} takes too long"))
                }
            },
        }
    }

    /// Notes how it went. Gives the object whose end waited for it.
    fn done(&self, attempt: AttemptRef, done: Result<(), String>) -> Option<Object> {
        let mut jobs = self.jobs();
        let job = jobs.get_mut(&attempt).filter(|job| job.state == State::Busy)?;
        match done {
            Ok(()) => {
                job.state = State::Kept;
                job.waiting.take()
            }
            Err(why) => {
                job.state = State::Failed { again_at: Instant::now() + job.wait };
                job.wait = (job.wait * 2).min(AGAIN_AT_MOST);
                job.why = Some(why);
                None
            }
        }
    }
}

/// Begins to keep the log of an object that has ended or is about to, if nobody does.
pub(crate) fn begin(shared: &Arc<Shared>, object: &Object) {
    let Some(archive) = &shared.archive else { return };
    if !archive.takes(object) {
        return;
    }
    let (shared, object) = (shared.clone(), object.clone());
    shared.tracker.clone().spawn(async move {
        let Some(archive) = &shared.archive else { return };
        let keep = writer::keep(
            &archive.settings.store,
            &archive.room,
            shared.name.as_str(),
            &shared.executor,
            &object,
        );
        let attempt = object.attempt;
        let Some(kept) = shared.stop.run_until_cancelled(keep).await else { return };
        match kept {
            Ok(_) => {
                if let Some(waited) = archive.done(attempt, Ok(())) {
                    shared.reports.note(waited);
                }
            }
            Err(error) => {
                let why = chain(&error);
                let trace_id = object.trace_id();
                tracing::warn!(run.uuid = %attempt.run, trace_id, error = why, "agent.archive.failed: will be tried again");
                archive.done(attempt, Err(why));
            }
        }
    });
}

/// Whether an ended object's log is kept, or was waited for long enough, so that the end may be reported.
pub(crate) async fn lets_report(shared: &Arc<Shared>, object: &Object) -> bool {
    let Some(archive) = &shared.archive else { return true };
    begin(shared, object);
    match archive.judge(object) {
        Verdict::Go => true,
        Verdict::Wait => false,
        Verdict::GoWithout(why) => {
            tell(shared, object, &why).await;
            // The end goes with the next look: beside what was just told it could be taken in before it, by another
            // scheduler, and of a run that has ended nothing is told any more.
            false
        }
    }
}

/// Says on the run that its log is not kept yet. Said again and again, it is shown once.
async fn tell(shared: &Shared, object: &Object, why: &str) {
    let AttemptRef { run, attempt } = object.attempt;
    let notice = Notice {
        run,
        attempt,
        uid: object.uid.clone(),
        at: shared.clock.now(),
        reason: "LogNotKept".to_owned(),
        message: format!(
            "Its end is reported before its log is in the artifacts store, which is tried for {} more minutes: {why}",
            HOLD_OBJECT.as_secs() / 60
        ),
    };
    crate::watch::tell(shared, vec![notice]).await;
}

#[cfg(test)]
mod tests {
    use berth_domain::lifecycle::{End, Outcome};
    use berth_domain::protocol::Phase;
    use berth_domain::time::Time;

    use super::*;

    const HOLD: Duration = Duration::from_secs(30);

    fn archive() -> (Archive, Object) {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactsStore::open(&folder.path().display().to_string(), []).unwrap();
        let end = End {
            outcome: Outcome::Succeeded,
            exit_code: Some(0),
            reason: String::new(),
            message: String::new(),
        };
        let object = Object {
            attempt: AttemptRef { run: RunId::new(), attempt: 0 },
            uid: "u".into(),
            replica: "r".into(),
            phase: Phase::Ended(end),
            rank: 1_000,
            at: Time::from_micros(0),
            ran: None,
            trace: None,
        };
        (Archive::new(Settings { store, hold: HOLD, keep: None }), object)
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_waits_for_its_log_and_goes_with_it() {
        let (archive, object) = archive();
        assert!(archive.takes(&object));
        assert!(!archive.takes(&object), "it is under way");
        assert_eq!(archive.judge(&object), Verdict::Wait);
        assert!(!archive.lets_go(object.attempt));
        assert_eq!(archive.done(object.attempt, Ok(())), Some(object.clone()));
        assert_eq!(archive.judge(&object), Verdict::Go);
        assert!(archive.lets_go(object.attempt));
        archive.keep_only(&[]);
        assert!(archive.jobs().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_waited_for_so_long_and_told_once() {
        let (archive, object) = archive();
        let attempt = object.attempt;
        assert!(archive.takes(&object));
        assert_eq!(archive.judge(&object), Verdict::Wait);
        archive.done(attempt, Err("away".into()));
        assert!(!archive.takes(&object), "not at once");
        tokio::time::advance(AGAIN).await;
        assert!(archive.takes(&object));
        archive.done(attempt, Err("still away".into()));
        tokio::time::advance(HOLD).await;
        assert_eq!(archive.judge(&object), Verdict::GoWithout("still away".into()));
        assert_eq!(archive.judge(&object), Verdict::Go);
        assert!(!archive.lets_go(attempt), "its object waits for longer");
        tokio::time::advance(HOLD_OBJECT).await;
        assert!(archive.lets_go(attempt));
        assert!(!archive.takes(&object), "it was given up");
    }
}
