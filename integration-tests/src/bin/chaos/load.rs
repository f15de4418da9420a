//! The steady load: runs of several kinds, submitted one by one, each answer noted.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::{Client, Installation, Journal, job, shell};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

/// The limit of the queue that all runs are in.
pub(crate) const QUEUE_LIMIT: usize = 8;
/// The limit of the project [`NARROW`].
pub(crate) const NARROW_LIMIT: usize = 1;
/// A project with a limit of its own.
const NARROW: &str = "narrow";
/// A run of [`Kind::Stopped`] that was told to stop later than so long after its submission may have ended before.
const SURELY_IN_TIME: Duration = Duration::from_secs(20);

/// What a run does, and how it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Works for a moment and succeeds.
    Plain,
    /// Works for several seconds, so that agents die and come back meanwhile.
    Long,
    /// Fails three times: once, and for two retries.
    Failing,
    /// As plain, in a project where one may run at a time.
    Narrow,
    /// Would sleep for long, and is stopped at some moment.
    Stopped,
}

impl Kind {
    fn drawn(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..70 => Self::Plain,
            70..76 => Self::Long,
            76..84 => Self::Failing,
            84..90 => Self::Narrow,
            _ => Self::Stopped,
        }
    }

    /// The status that such a run must end with.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::Plain | Self::Long | Self::Narrow => "succeeded",
            Self::Failing => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// How many attempts it must take; none if it may be any number.
    pub(crate) fn attempts(self) -> Option<usize> {
        match self {
            Self::Plain | Self::Long | Self::Narrow => Some(1),
            Self::Failing => Some(3),
            Self::Stopped => None,
        }
    }

    fn project(self) -> &'static str {
        if self == Self::Narrow { NARROW } else { "default" }
    }
}

/// A run that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Its id.
    pub(crate) run: String,
    /// Its kind.
    pub(crate) kind: Kind,
}

/// Where runs write down that they were executed.
#[derive(Clone, Debug)]
pub(crate) struct Journals {
    /// Those that run to their own end.
    pub(crate) whole: Journal,
    /// Those of the narrow project.
    pub(crate) narrow: Journal,
    /// Those that are stopped.
    pub(crate) stopped: Journal,
}

impl Journals {
    pub(crate) fn new(folder: &Path) -> Self {
        let journal = |name| Journal::new(folder, name);
        Self {
            whole: journal("journal"),
            narrow: journal("journal-narrow"),
            stopped: journal("journal-stopped"),
        }
    }

    fn operation(&self, kind: Kind) -> Value {
        match kind {
            Kind::Plain => shell(&self.whole.around("sleep 0.2")),
            Kind::Long => shell(&self.whole.around("sleep 6")),
            Kind::Failing => {
                let command = format!("{}; exit 3", self.whole.around("true"));
                let container = json!({"command": ["sh", "-c"], "args": [command]});
                job(container, json!({"termination": {"maxRetries": 2}}))
            }
            Kind::Narrow => shell(&self.narrow.around("sleep 0.2")),
            Kind::Stopped => shell(&self.stopped.around("sleep 30")),
        }
    }
}

/// Sets the limits that the runs are measured against.
pub(crate) async fn prepare(installation: &Installation) {
    let client = &installation.client;
    let limit = json!({"concurrency": QUEUE_LIMIT});
    client.call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&limit)).await;
    let project = json!({"name": NARROW, "concurrency": NARROW_LIMIT});
    client.call("POST", "/api/v1/default/projects/create", Some(&project)).await;
}

/// Submits `rate` runs per second until `end`; returns those that were accepted.
pub(crate) async fn submit(
    client: Client,
    journals: Journals,
    rate: u64,
    seed: u64,
    end: Instant,
) -> Vec<Accepted> {
    let mut random = StdRng::seed_from_u64(!seed);
    let mut tasks = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate).unwrap_or(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        ticks.tick().await;
        let kind = Kind::drawn(&mut random);
        let patience = Duration::from_millis(random.random_range(0..3_000));
        tasks.spawn(one(client.clone(), kind, journals.operation(kind), patience));
    }
    let mut accepted = Vec::new();
    while let Some(done) = tasks.join_next().await {
        // A request that nobody answered was not accepted.
        accepted.extend(done.ok().flatten());
    }
    accepted
}

/// Submits one run, until it is accepted or a minute is over.
async fn one(client: Client, kind: Kind, operation: Value, patience: Duration) -> Option<Accepted> {
    let body = json!({"content": operation.to_string()});
    let path = format!("/api/v1/default/{}/runs", kind.project());
    let answer = until_done(&client, &path, Some(&body)).await?;
    let run = answer["uuid"].as_str()?.to_owned();
    if kind == Kind::Stopped {
        let submitted = Instant::now();
        sleep_until(submitted + patience).await;
        let path = format!("/api/v1/default/{}/runs/{run}/stop", kind.project());
        until_done(&client, &path, None).await?;
        if submitted.elapsed() > SURELY_IN_TIME {
            return None;
        }
    }
    Some(Accepted { run, kind })
}

async fn until_done(client: &Client, path: &str, body: Option<&Value>) -> Option<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let (status, answer) = client.send("POST", path, body).await;
        if (200..300).contains(&status) {
            return Some(answer);
        }
        if status < 500 {
            crate::report::say(&format!("refused: {status} {answer}"));
            return None;
        }
        sleep(Duration::from_millis(200)).await;
    }
    None
}
