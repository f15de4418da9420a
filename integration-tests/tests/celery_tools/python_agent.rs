//! A stock Celery worker in the place of an agent: the example of the book, killed in the middle of its work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, shell, stock, stock_celery54};
use berth_test_servers::effort;
use berth_test_servers::process::{Reaper, kill_group, spawn_group, tail};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tools::LONG;

super::on_both_brokers!(
    a_celery_worker_serves_its_queue_at_least_once_and_each_overlap_is_shown,
    a_run_that_no_worker_answers_ends_and_says_why,
);

/// How many runs the worker serves; in `make chaos` 200.
const COUNT: usize = 100;

const AGENTS: &str = "/api/v1/orgs/default/agents";

/// The example's worker, and all that it started, killed on drop.
struct Worker {
    child: Child,
    log: PathBuf,
    reaper: Reaper,
}

impl Worker {
    fn start(installation: &Installation, celery: &Path, name: &str) -> Self {
        let folder = installation.folder.join(format!("worker-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/celery-agent");
        let (log, mut reaper) = (folder.join("worker.log"), Reaper::start(&folder.join("reaper")));
        let mut command = Command::new(celery);
        command.args(["-A", "agent", "worker", "--concurrency=4", "-n", &format!("{name}@python")]);
        command.args(["--without-gossip", "--without-mingle"]);
        command
            .env("PYTHONPATH", example)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONWARNINGS", "ignore")
            .env("BERTH_BROKER_URL", installation.broker.url_through(installation.broker.port()))
            .env("BERTH_AGENT", "python")
            .env("BERTH_QUEUE", "work")
            // What a dead worker held is restored when another one starts, which looks but once in 100 s.
            .env("BERTH_LONGEST_RUN", "0")
            .current_dir(&folder);
        let child = spawn_group(&mut command, &log);
        reaper.watch(&[child.id()]);
        Self { child, log, reaper }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        kill_group(&mut self.child);
        self.reaper.watch(&[]);
    }
}

/// An agent without any process, and a queue of its that Celery workers serve.
async fn make_queue(installation: &Installation, more: Value) {
    let client = &installation.client;
    client.call("POST", AGENTS, Some(&json!({"name": "python"}))).await;
    let mut queue = json!({"name": "work", "protocol": "celery"});
    queue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.call("POST", &format!("{AGENTS}/python/queues"), Some(&queue)).await;
}

fn on_work(command: &str) -> Value {
    let mut operation = shell(command);
    operation["queue"] = json!("python/work");
    operation
}

async fn a_celery_worker_serves_its_queue_at_least_once_and_each_overlap_is_shown(backing: Backing) {
    let count = effort("BERTH_TEST_RUNS", COUNT);
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    make_queue(&installation, json!({"concurrency": 40, "answer_within_seconds": 600})).await;
    let begun = installation.folder.join("begun");
    // By which processes each was begun: of one process's own, none overlaps with another.
    let began = || -> BTreeMap<usize, BTreeSet<u32>> {
        let text = std::fs::read_to_string(&begun).unwrap_or_default();
        let mut all: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        for (number, process) in text.lines().filter_map(|line| line.split_once(' ')) {
            all.entry(number.parse().unwrap()).or_default().insert(process.parse().unwrap());
        }
        all
    };
    let operations: Vec<Value> = (0..count)
        .map(|number| {
            let ends = if number % 10 == 0 { "exit 3" } else { "exit 0" };
            on_work(&format!("echo {number} $PPID >> {}; sleep 0.1; {ends}", begun.display()))
        })
        .collect();
    let runs = client.submit_all("default", &operations).await;

    let first = Worker::start(&installation, &stock("celery"), "first");
    let deadline = Instant::now() + LONG;
    while began().len() < count / 3 {
        assert!(Instant::now() < deadline, "{:?}: {}", began(), tail(&first.log));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(first);
    installation.role("scheduler-1").kill9();
    let second = Worker::start(&installation, &stock_celery54("celery"), "second");
    installation.role("scheduler-1").restart();

    for (number, run) in runs.iter().enumerate() {
        let status = if number % 10 == 0 { "failed" } else { "succeeded" };
        client.wait_for("default", run, status, LONG).await;
    }
    let began = began();
    assert_eq!(began.len(), count, "each was begun");
    let mut twice = 0;
    for (number, run) in runs.iter().enumerate().filter(|(number, _)| began[number].len() > 1) {
        twice += 1;
        let deadline = Instant::now() + LONG;
        loop {
            let conditions = client.conditions("default", run).await;
            if conditions.iter().any(|condition| condition["reason"] == "Overlap") {
                break;
            }
            let by = &began[&number];
            assert!(Instant::now() < deadline, "run {number} was begun by {by:?}: {conditions:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(twice > 0, "the first worker was killed with runs in its hands");
    let failed = client.conditions("default", &runs[0]).await;
    let end = failed.iter().find(|condition| condition["type"] == "failed").unwrap();
    assert_eq!(end["reason"], "Exception");
    assert!(end["message"].as_str().unwrap().contains("CalledProcessError: 3"), "{end}");
    let run = client.run("default", &runs[1]).await;
    assert_eq!(run["outputs"], json!({"exit_code": 0}));

    // A stop reaches the worker, which answers that it ended the task.
    let long = client.submit("default", &on_work("sleep 600")).await;
    client.wait_for("default", &long, "running", LONG).await;
    client.call("POST", &format!("/api/v1/default/default/runs/{long}/stop"), None).await;
    client.wait_for("default", &long, "stopped", Duration::from_secs(40)).await;
    let (broker, database) = (installation.broker.url_through(installation.broker.port()), {
        let is_url = |(key, _): &&(&str, String)| *key == "BERTH_DATABASE_URL";
        installation.settings().iter().find(is_url).unwrap().1.clone()
    });
    let plan = ["broker", "plan", "--broker-url", &broker, "--database-url", &database];
    let plan = installation.berth(&plan);
    assert!(plan.status.success(), "{plan:?}");
    assert!(!String::from_utf8_lossy(&plan.stdout).contains("berth.python.run.work"), "{plan:?}");
    drop(second);
}

async fn a_run_that_no_worker_answers_ends_and_says_why(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = installation.client.clone();
    make_queue(&installation, json!({})).await;
    // Not the queue whose run is looked at while it waits: it may have failed before anybody looks.
    let brisk = json!({"name": "brisk", "protocol": "celery", "answer_within_seconds": 1});
    client.call("POST", &format!("{AGENTS}/python/queues"), Some(&brisk)).await;
    let waiting = client.submit("default", &on_work("true")).await;
    client.wait_for("default", &waiting, "starting", LONG).await;
    let why = client.get(&format!("/api/v1/default/default/runs/{waiting}/explain")).await;
    assert_eq!(why["blocked_by"][0]["rule"], "workers", "{why:#}");
    client.call("POST", &format!("/api/v1/default/default/runs/{waiting}/stop"), None).await;

    let mut operation = on_work("true");
    operation["queue"] = json!("python/brisk");
    let unanswered = client.submit("default", &operation).await;
    client.wait_for("default", &unanswered, "failed", LONG).await;
    let conditions = client.conditions("default", &unanswered).await;
    let last = conditions.last().unwrap();
    assert_eq!(last["reason"], "NoAnswer", "{conditions:#?}");
    // Its workers have a minute to say that they ended it.
    client.wait_for("default", &waiting, "stopped", LONG).await;

    let queue = format!("{AGENTS}/python/queues/work");
    let (status, refused) = client.send("PATCH", &queue, Some(&json!({"protocol": "berth"}))).await;
    assert_eq!(status, 400);
    assert!(refused.to_string().contains("a queue keeps its protocol"), "{refused}");
}
