//! Limits of every kind at once, over several queues and projects, changed while runs start, with schedulers killed all the
//! time: what ran at a time, as the runs themselves wrote it, equals each limit and never passes it.
//!
//! `BERTH_TEST_RUNS` says how many runs (600 if it doesn't); `make chaos` has ten thousand.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_broker::Broker;
use berth_broker_config::Names;
use berth_domain::time::Time;
use berth_integration_tests::{Backing, Installation, Journal, shell};
use berth_test_servers::effort;
use serde_json::{Value, json};
use tokio::time::Instant;

super::on_all_three!(limits_of_every_kind_hold_while_they_change_and_schedulers_die);

const LONG: Duration = Duration::from_secs(1_200);
const PROJECTS: [&str; 4] = ["a", "b", "c", "d"];
const QUEUES: [&str; 6] = ["steps", "gpus", "rated", "six", "free", "last"];
/// Starts of the queue `rated` in any second.
const RATE: usize = 20;
/// How long a scheduler lives.
const LIFE: Duration = Duration::from_secs(2);

/// One of the runs.
struct Given {
    project: &'static str,
    queue: &'static str,
    gpus: usize,
    /// The wave whose gate it waits for, if it does.
    gate: Option<usize>,
}

impl Given {
    /// The `n`th, which is the `place`th of its wave: every project in three queues, every queue for two projects. The first
    /// ones of a wave wait at its gate, which is opened when as many run at a time as may.
    fn nth(n: usize, wave: usize, place: usize) -> Self {
        let queue = QUEUES[n % 6];
        let gate = (place < 120 && (wave == 0 || queue == "steps")).then_some(wave);
        Self { project: PROJECTS[n % 4], queue, gpus: 1 + n / 12 % 2, gate }
    }

    fn operation(&self, journal: &Journal, folder: &Path) -> Value {
        let wait = self
            .gate
            .map(|wave| format!("while [ ! -e {} ]; do sleep 0.25; done; ", gate(folder, wave).display()));
        let work = wait.unwrap_or_default() + "sleep 0.1";
        let mut operation = shell(&journal.around(&work));
        let gpus = json!({ "limits": { "nvidia.com/gpu": self.gpus } });
        operation["component"]["run"]["container"]["resources"] = gpus;
        operation["queue"] = json!(format!("local/{}", self.queue));
        operation
    }
}

fn gate(folder: &Path, wave: usize) -> PathBuf {
    folder.join(format!("gate-{wave}"))
}

/// What is counted of a run, towards a limit.
type Counted = fn(&Given) -> usize;

const STEPS: Counted = |run| usize::from(run.queue == "steps");

/// What else is limited, and how much of it may be at a time.
const LIMITS: [(&str, Counted, usize); 4] = [
    ("the queue with a quota", |run| usize::from(run.queue == "gpus") * run.gpus, 8),
    ("the queue of six", |run| usize::from(run.queue == "six"), 6),
    ("the project of seven, over its queues", |run| usize::from(run.project == "a"), 7),
    ("the project with a quota, over its queues", |run| usize::from(run.project == "b") * run.gpus, 9),
];

async fn patch(installation: &Installation, path: &str, body: Value) {
    installation.client.call("PATCH", &format!("/api/v1/{path}"), Some(&body)).await;
}

async fn limit_queue(installation: &Installation, queue: &str, body: Value) {
    patch(installation, &format!("orgs/default/agents/local/queues/{queue}"), body).await;
}

async fn count(installation: &Installation, query: &str) -> u64 {
    let mut all = 0;
    for project in PROJECTS {
        let path = format!("/api/v1/default/{project}/runs?limit=1&query={query}");
        all += installation.client.get(&path).await["count"].as_u64().unwrap();
    }
    all
}

/// Kills one after the other, until `until` says that it is enough.
async fn kill_schedulers(installation: &mut Installation, until: impl AsyncFn(&Installation) -> bool) {
    let deadline = Instant::now() + LONG;
    let names: Vec<String> = installation
        .roles
        .iter()
        .map(|role| role.name().to_owned())
        .filter(|name| name.starts_with("scheduler") || name == "up")
        .collect();
    let mut next = names.iter().cycle();
    let mut killed_at = Instant::now();
    while !until(installation).await {
        assert!(Instant::now() < deadline, "not after {LONG:?}");
        if killed_at.elapsed() >= LIFE {
            installation.role(next.next().unwrap()).restart();
            installation.until_ready().await;
            killed_at = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn limits_of_every_kind_hold_while_they_change_and_schedulers_die(backing: Backing) {
    let count_of_runs = effort("BERTH_TEST_RUNS", 600);
    let mut installation = Installation::start_with(backing, 3).await;
    let journal = Journal::new(&installation.folder, "journal");
    for queue in QUEUES {
        let path = "/api/v1/orgs/default/agents/local/queues";
        installation.client.call("POST", path, Some(&json!({ "name": queue }))).await;
    }
    for project in PROJECTS {
        let path = "/api/v1/default/projects/create";
        installation.client.call("POST", path, Some(&json!({ "name": project }))).await;
    }
    limit_queue(&installation, "steps", json!({ "concurrency": 4 })).await;
    limit_queue(&installation, "gpus", json!({ "quotas": { "gpu": "8" } })).await;
    limit_queue(&installation, "rated", json!({ "rate": format!("{RATE}/s") })).await;
    limit_queue(&installation, "six", json!({ "concurrency": 6, "priority": 5 })).await;
    patch(&installation, "default/a", json!({ "concurrency": 7 })).await;
    patch(&installation, "default/b", json!({ "quotas": { "gpu": "9" } })).await;

    let mut given: HashMap<String, Given> = HashMap::new();
    let mut waves: [Vec<usize>; 3] = Default::default();
    (0..count_of_runs).for_each(|n| waves[n * 3 / count_of_runs].push(n));
    for (at, wave) in waves.iter().enumerate() {
        for project in PROJECTS {
            let nth = |n: &usize| Given::nth(*n, at, n - wave[0]);
            let runs: Vec<Given> = wave.iter().map(nth).filter(|run| run.project == project).collect();
            let operations: Vec<Value> =
                runs.iter().map(|run| run.operation(&journal, &installation.folder)).collect();
            let ids = installation.client.submit_all(project, &operations).await;
            given.extend(ids.into_iter().zip(runs));
        }
        kill_schedulers(&mut installation, async |_| {
            let reached = |of: Counted| peaks(&journal, &given, of).pop().unwrap();
            let is_full = |(_, of, limit): &(&str, Counted, usize)| reached(*of) == *limit;
            reached(STEPS) == [4, 8, 3][at] && (at > 0 || LIMITS.iter().all(is_full))
        })
        .await;
        std::fs::write(gate(&installation.folder, at), "").unwrap();
        // Each change comes in the middle of a wave, and is noted among the lines of the runs: a rise before it, a fall
        // when no more hold slots than it allows.
        let half = (wave[0] + wave.len() / 2) as u64;
        kill_schedulers(&mut installation, async |it| count(it, "status:succeeded").await >= half).await;
        match at {
            0 => {
                journal.note("limit 8");
                limit_queue(&installation, "steps", json!({ "concurrency": 8 })).await;
            }
            1 => {
                limit_queue(&installation, "steps", json!({ "concurrency": 3 })).await;
                let holding = "status:scheduled|starting|running|stopping|warning,queue:local/steps";
                kill_schedulers(&mut installation, async |it| count(it, holding).await <= 3).await;
                journal.note("limit 3");
            }
            _ => {}
        }
    }
    let all = count_of_runs as u64;
    kill_schedulers(&mut installation, async |it| count(it, "status:succeeded").await >= all).await;

    assert_eq!(journal.started_twice(), Vec::<String>::new());
    assert_eq!(journal.ends().len(), count_of_runs);
    assert_eq!(
        peaks(&journal, &given, STEPS),
        [4, 8, 3],
        "the queue whose concurrency changed, by its changes"
    );
    for (what, of, limit) in LIMITS {
        assert_eq!(peaks(&journal, &given, of).into_iter().max().unwrap(), limit, "{what}");
    }
    let starts = admissions(&installation, &given).await;
    let closest = starts.windows(RATE + 1).map(|window| window[RATE].since(window[0])).min().unwrap();
    assert!(closest >= Duration::from_secs(1), "{} starts within {closest:?}", RATE + 1);
    nothing_is_left(&installation).await;
}

/// The most of what `of` counts at a time, between one note in the journal and the next.
fn peaks(journal: &Journal, given: &HashMap<String, Given>, of: Counted) -> Vec<usize> {
    let (mut now, mut peaks) = (0, vec![0]);
    for line in journal.lines() {
        let mut words = line.split(' ');
        let (what, run) = (words.next().unwrap(), words.next().unwrap());
        match what {
            "start" => now += of(&given[run]),
            "end" => now -= of(&given[run]),
            // What runs now counts towards what comes, too.
            _ => peaks.push(now),
        }
        let last = peaks.last_mut().unwrap();
        *last = now.max(*last);
    }
    peaks
}

/// When the runs of the queue with a rate were admitted, in order.
async fn admissions(installation: &Installation, given: &HashMap<String, Given>) -> Vec<Time> {
    let mut starts = Vec::new();
    for (id, run) in given.iter().filter(|(_, run)| run.queue == "rated") {
        let conditions = installation.client.conditions(run.project, id).await;
        let admitted = conditions.iter().find(|condition| condition["type"] == "scheduled").unwrap();
        starts.push(Time::parse(admitted["last_transition_time"].as_str().unwrap()).unwrap());
    }
    starts.sort_unstable();
    starts
}

/// No run holds anything any more, and neither does the broker.
async fn nothing_is_left(installation: &Installation) {
    assert_eq!(
        count(installation, "status:queued|scheduled|starting|running|stopping|warning|retrying").await,
        0
    );
    let url = installation.settings().iter().find(|(key, _)| *key == "BERTH_BROKER_URL");
    let Some((_, url)) = url else { return };
    let broker = Broker::connect(berth_broker::Settings::new(url).unwrap()).unwrap();
    for queue in QUEUES {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            // An ack travels with others, some milliseconds behind what it is for.
            let depth = broker.depth(&Names::default().offers("local", queue)).await;
            if depth.as_ref().is_ok_and(|depth| depth.ready + depth.unacked.unwrap_or(0) == 0) {
                break;
            }
            assert!(Instant::now() < deadline, "{queue}: {depth:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    broker.close().await;
}
