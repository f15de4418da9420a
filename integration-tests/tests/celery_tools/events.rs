//! Events, as Celery's own receiver gets them: workers' heartbeats and the whole life of every run, from one scheduler at
//! a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use berth_integration_tests::{Backing, Installation, shell, stock};
use berth_test_servers::process::{Reaper, kill_group, spawn_group};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tools::{Fleet, LONG};

super::on_both_brokers!(a_receiver_sees_every_worker_and_the_whole_life_of_every_run);

/// A receiver of Celery's, killed on drop.
struct Receiver {
    child: Child,
    log: PathBuf,
    _reaper: Reaper,
}

impl Receiver {
    fn start(installation: &Installation, url: &str) -> Self {
        let folder = installation.folder.join("receiver");
        std::fs::create_dir_all(&folder).unwrap();
        let mut reaper = Reaper::start(&folder.join("reaper"));
        let log = folder.join("events.log");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/celery_events.py");
        let mut command = Command::new(stock("python"));
        let child = spawn_group(command.arg(script).arg(url).env("PYTHONWARNINGS", "ignore"), &log);
        reaper.watch(&[child.id()]);
        Self { child, log, _reaper: reaper }
    }

    fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn of_type(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// The types of a run's events, in the order in which they came.
    fn life(&self, run: &str) -> Vec<String> {
        let task = uuid::Uuid::parse_str(run).unwrap().to_string();
        let of_run = self.events().into_iter().filter(|event| event["uuid"] == task.as_str());
        of_run.filter_map(|event| event["type"].as_str().map(str::to_owned)).collect()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LONG;
        while !is_so(self) {
            if Instant::now() >= deadline {
                let (beats, others): (Vec<_>, Vec<_>) =
                    self.events().into_iter().partition(|event| event["type"] == "worker-heartbeat");
                panic!("{what}: {} heartbeats, and {others:#?}", beats.len());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

async fn a_receiver_sees_every_worker_and_the_whole_life_of_every_run(backing: Backing) {
    let mut fleet = Fleet::start(backing).await;
    let client = fleet.installation.client.clone();
    let receiver = Receiver::start(&fleet.installation, &fleet.url);
    let hearts = |receiver: &Receiver| -> BTreeMap<String, u64> {
        let mut beats = BTreeMap::new();
        for beat in receiver.of_type("worker-heartbeat") {
            *beats.entry(beat["hostname"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        beats
    };
    receiver
        .until("four hearts beat", |receiver| {
            hearts(receiver).values().filter(|beats| **beats > 1).count() == 4
        })
        .await;
    let beat = receiver.of_type("worker-heartbeat").remove(0);
    for field in [
        "freq",
        "active",
        "processed",
        "loadavg",
        "sw_ident",
        "sw_ver",
        "sw_sys",
        "clock",
        "pid",
        "timestamp",
    ] {
        assert!(!beat[field].is_null(), "{field} is missing: {beat}");
    }

    // Nobody has asked for events of runs yet.
    let unseen = client.submit("default", &shell("true")).await;
    client.wait_for("default", &unseen, "succeeded", LONG).await;
    let is_counted = |beat: &Value| beat["processed"].as_u64().is_some_and(|ended| ended > 0);
    receiver
        .until("its end is counted", |receiver| receiver.of_type("worker-heartbeat").iter().any(is_counted))
        .await;
    let on = fleet.answer("control", "enable_events", json!({}));
    assert_eq!(on["ok"], "task events enabled");
    assert_eq!(fleet.answer("control", "enable_events", json!({}))["ok"], "task events already enabled");

    let succeeds = client.submit("default", &shell("true")).await;
    let mut fails_twice = shell("exit 3");
    fails_twice["termination"] = json!({"maxRetries": 1});
    let fails = client.submit("default", &fails_twice).await;
    let stopped = client.submit("default", &shell("sleep 600")).await;
    client.wait_for("default", &stopped, "running", LONG).await;
    client.call("POST", &format!("/api/v1/default/default/runs/{stopped}/stop"), None).await;
    let life =
        |events: &str| -> Vec<String> { events.split(' ').map(|event| format!("task-{event}")).collect() };
    for (run, wanted) in [
        (&succeeds, "sent received started succeeded"),
        (&fails, "sent received started retried received started failed"),
        (&stopped, "sent received started revoked"),
    ] {
        receiver.until(wanted, |receiver| receiver.life(run).len() >= life(wanted).len()).await;
        assert_eq!(receiver.life(run), life(wanted), "{run}");
    }
    assert!(receiver.life(&unseen).is_empty(), "{:?}", receiver.life(&unseen));
    let task = |run: &str| uuid::Uuid::parse_str(run).unwrap().to_string();
    let one = |kind: &str, run: &str| {
        let of_run = receiver.of_type(kind).into_iter().find(|event| event["uuid"] == task(run).as_str());
        of_run.unwrap_or_else(|| panic!("no {kind} of {run}"))
    };
    let received = one("task-received", &succeeds);
    assert_eq!(
        (&received["name"], &received["args"], &received["retries"]),
        (&json!("berth.run"), &json!("()"), &json!(0))
    );
    assert!(received["hostname"].as_str().unwrap().starts_with("local@"), "{received}");
    assert!(one("task-sent", &succeeds)["queue"] == "berth.local.run.default");
    assert!(one("task-succeeded", &succeeds)["runtime"].is_f64());
    assert_eq!(one("task-failed", &fails)["exception"], "ExitCode('Exited with 3')");
    let revoked = one("task-revoked", &stopped);
    assert_eq!(
        (&revoked["terminated"], &revoked["signum"], &revoked["expired"]),
        (&json!(true), &json!(15), &json!(false))
    );

    // Reports that overtake each other, as those of short runs do, leave nothing out.
    // Nor is what is edited after its end told of once more.
    let path = format!("/api/v1/default/default/runs/{succeeds}");
    client.call("PATCH", &path, Some(&json!({"description": "edited"}))).await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(client.submit("default", &shell("true")).await);
    }
    for run in &crowd {
        receiver.until(&format!("the life of {run}"), |receiver| receiver.life(run).len() >= 4).await;
        assert_eq!(receiver.life(run), life("sent received started succeeded"), "{run}");
    }
    assert_eq!(receiver.life(&succeeds), life("sent received started succeeded"));

    // Whoever speaks dies: another one goes on where it was, and nobody is told to have gone.
    let clocks =
        |receiver: &Receiver| receiver.events().iter().filter_map(|event| event["clock"].as_u64()).max();
    let before = clocks(&receiver);
    fleet.installation.role("scheduler-1").kill9();
    let last = client.submit("default", &shell("true")).await;
    client.wait_for("default", &last, "succeeded", LONG).await;
    receiver.until("a run's life after the death", |receiver| receiver.life(&last).len() >= 4).await;
    fleet.installation.role("scheduler-1").restart();
    fleet.installation.role("scheduler-2").kill9();
    let beats = hearts(&receiver);
    receiver
        .until("hearts go on beating", |receiver| {
            hearts(receiver).iter().all(|(node, count)| *count > beats.get(node).copied().unwrap_or(0) + 3)
        })
        .await;
    assert!(clocks(&receiver) > before);
    assert_eq!(receiver.of_type("worker-offline"), [] as [Value; 0]);
    assert!(fleet.answer("control", "disable_events", json!({}))["ok"] == "task events disabled");

    // An agent that ends is said to be gone.
    fleet.installation.role("agent-2").signal("TERM");
    receiver.until("a worker goes", |receiver| receiver.of_type("worker-offline").len() == 1).await;
}
