//! Promise 10: a run whose agent is lost starts elsewhere within 30 s if it may, after it has ended where it was; and
//! one that waits for its agent never has a second attempt.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::{Backing, Client, Installation, Role, Run, job};
use serde_json::json;
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(120);
/// From the loss to the first sign of the next attempt.
const PROMISED: Duration = Duration::from_secs(30);
/// Longer than a lease lasts, and than what may be replaced is waited for.
const OUTAGE: Duration = Duration::from_secs(28);

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_lost_agents_are_fenced_before_their_runs_go_on_elsewhere() {
    lost_agents_are_fenced_before_their_runs_go_on_elsewhere(Backing::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_lost_agents_are_fenced_before_their_runs_go_on_elsewhere() {
    lost_agents_are_fenced_before_their_runs_go_on_elsewhere(Backing::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_may_be_away_for_longer_than_a_lease_and_nobody_is_replaced() {
    a_deaf_scheduler_replaces_nobody(Backing::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_away_for_longer_than_a_lease_and_nobody_is_replaced() {
    a_deaf_scheduler_replaces_nobody(Backing::Redis).await;
}

/// A run that shows signs of life: each a line with the time, to the nanosecond, and its attempt.
struct Beating {
    name: String,
    run: Run,
    agent: &'static str,
}

impl Beating {
    /// Submits one to the first of the queues, and waits until it lives.
    async fn start(
        installation: &Installation,
        agent: &'static str,
        on_agent_loss: &str,
        extra: &str,
    ) -> Self {
        let name = format!("{agent}-{on_agent_loss}");
        let (beats, gate) = (
            installation.folder.join(format!("{name}.beats")),
            installation.folder.join(format!("{name}.gate")),
        );
        let script = format!(
            "{extra} while [ ! -e {} ]; do echo \"$$(date +%s.%N) $BERTH_ATTEMPT\" >> {}; sleep 0.05; done",
            gate.display(),
            beats.display()
        );
        let operation =
            job(json!({"command": ["sh", "-c"], "args": [script]}), json!({"onAgentLoss": on_agent_loss}));
        let queues = format!("{agent}/default,spare/default");
        let run = installation.run_file(&format!("{name}.json"), &operation, &["-q", &queues]);
        installation.client.wait_for("default", &run, "running", LONG).await;
        let beating = Self { name, run, agent };
        beating.until_beats(&installation.folder, "0", LONG).await;
        beating
    }

    /// Its signs of life: when, and of which attempt.
    fn beats(&self, folder: &Path) -> Vec<(f64, String)> {
        let text = std::fs::read_to_string(folder.join(format!("{}.beats", self.name))).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(at, attempt)| Some((at.parse().ok()?, attempt.to_owned())))
            .collect()
    }

    async fn until_beats(&self, folder: &Path, attempt: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.beats(folder).iter().any(|(_, of)| of == attempt) {
            assert!(
                Instant::now() < deadline,
                "{}: no sign of attempt {attempt} within {limit:?}",
                self.name
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Checks that the next attempt began after the one before had ended.
    fn assert_one_after_the_other(&self, folder: &Path) {
        let beats = self.beats(folder);
        let last = beats.iter().filter(|(_, of)| of == "0").map(|(at, _)| *at).fold(0.0, f64::max);
        let first = beats.iter().filter(|(_, of)| of == "1").map(|(at, _)| *at).fold(f64::MAX, f64::min);
        assert!(last < first, "{}: attempt 0 lived until {last}, attempt 1 began at {first}", self.name);
    }

    fn let_end(&self, folder: &Path) {
        std::fs::write(folder.join(format!("{}.gate", self.name)), "").unwrap();
    }

    async fn reasons(&self, client: &Client) -> Vec<String> {
        let conditions = client.conditions("default", &self.run).await;
        conditions.iter().filter_map(|condition| condition["reason"].as_str().map(str::to_owned)).collect()
    }
}

async fn lost_agents_are_fenced_before_their_runs_go_on_elsewhere(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let proxy = installation.proxy();
    let mut cut = installation.start_agent("cut", Some(&proxy)).await;
    let stopped = installation.start_agent("stopped", None).await;
    let mut killed = installation.start_agent("killed", None).await;
    // Those that are lost must not be more than half of all.
    let _others: [Role; 2] =
        [installation.start_agent("spare", None).await, installation.start_agent("idle", None).await];
    for agent in ["cut", "stopped", "killed", "spare", "idle"] {
        until_live(client, agent).await;
    }
    let (mut replaced, mut waiting) = (Vec::new(), Vec::new());
    for agent in ["cut", "stopped", "killed"] {
        // One of them can be ended by SIGKILL only.
        let extra = if agent == "cut" { "trap '' TERM;" } else { "" };
        replaced.push(Beating::start(&installation, agent, "replace", extra).await);
        waiting.push(Beating::start(&installation, agent, "wait", "").await);
    }

    let lost_at = Instant::now();
    proxy.refuse(true);
    proxy.cut();
    stopped.signal("STOP");
    killed.kill9();

    for run in &replaced {
        let left = (lost_at + PROMISED).saturating_duration_since(Instant::now());
        run.until_beats(&installation.folder, "1", left).await;
        run.assert_one_after_the_other(&installation.folder);
        let found = client.run("default", &run.run).await;
        assert_eq!(found["settings"]["agent"]["name"].as_str(), Some("spare"), "{found:#}");
        assert!(run.reasons(client).await.contains(&"AgentLost".to_owned()));
        let told = installation.told(&["ops", "statuses", &run.run]);
        assert!(told.contains("AgentLost"), "{told}");
        assert_eq!(installation.offers_on_broker(run.agent, "default").await, 0, "nothing is offered there");
    }
    assert_eq!(
        installation.offers_on_broker("spare", "default").await,
        0,
        "all that it was offered, it took"
    );
    for run in &waiting {
        assert_eq!(client.status("default", &run.run).await, "running");
        let why = client.get(&format!("/api/v1/default/default/runs/{}/explain", run.run)).await;
        assert_eq!(why["blocked_by"][0]["rule"], "agent_lost", "{why:#}");
        let told = installation.told(&["ops", "why", &run.run]);
        assert!(told.contains(&format!("- agent_lost on agent {}", run.agent)), "{told}");
        let agent = client.get(&format!("/api/v1/orgs/default/agents/{}", run.agent)).await;
        assert_eq!(
            (agent["is_live"].as_bool(), agent["lost_at"].is_string()),
            (Some(false), true),
            "{agent:#}"
        );
    }
    let shown = installation.told(&["agents", "ls"]);
    assert_eq!(shown.matches("its runs wait for it").count(), 3, "{shown}");

    // They come back, and have lost nothing that was theirs.
    proxy.refuse(false);
    stopped.signal("CONT");
    killed.restart();
    for run in &waiting {
        until_live(client, run.agent).await;
        run.let_end(&installation.folder);
        client.wait_for("default", &run.run, "succeeded", LONG).await;
        assert!(run.beats(&installation.folder).iter().all(|(_, attempt)| attempt == "0"), "{}", run.name);
    }
    for run in &replaced {
        run.let_end(&installation.folder);
        client.wait_for("default", &run.run, "succeeded", LONG).await;
        run.assert_one_after_the_other(&installation.folder);
        assert!(!run.reasons(client).await.contains(&"Overlap".to_owned()), "{}", run.name);
        assert!(run.beats(&installation.folder).iter().all(|(_, attempt)| attempt != "2"), "{}", run.name);
    }
    // The ends of the attempts that were given up were receipted: nothing of them is kept to be reported again.
    let deadline = Instant::now() + LONG;
    for agent in ["cut", "stopped", "killed"] {
        let runs = installation.folder.join(agent).join("runs");
        while std::fs::read_dir(&runs).unwrap().next().is_some() {
            assert!(Instant::now() < deadline, "agent {agent} still holds attempts");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    assert!(cut.is_running());
}

async fn until_live(client: &Client, agent: &str) {
    let deadline = Instant::now() + LONG;
    while client.get(&format!("/api/v1/orgs/default/agents/{agent}")).await["is_live"] != true {
        assert!(Instant::now() < deadline, "agent {agent} is not there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whoever can't hear doesn't know who is silent. What waits for its agent goes on; what may be replaced has ended
/// there, since its agent can't know that it is not the only one cut off, and starts again where it was.
async fn a_deaf_scheduler_replaces_nobody(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let _agents: [Role; 2] =
        [installation.start_agent("home", None).await, installation.start_agent("spare", None).await];
    let client = installation.client.clone();
    for agent in ["home", "spare"] {
        until_live(&client, agent).await;
    }
    let waiting = Beating::start(&installation, "home", "wait", "").await;
    let replaced = Beating::start(&installation, "home", "replace", "").await;

    installation.kill_broker();
    // The outage is the subject of the test: nothing shorter makes leases lapse.
    tokio::time::sleep(OUTAGE).await;
    installation.restart_broker();

    replaced.until_beats(&installation.folder, "1", LONG).await;
    replaced.assert_one_after_the_other(&installation.folder);
    let reasons = replaced.reasons(&client).await;
    assert!(
        reasons.contains(&"Fenced".to_owned()) && !reasons.contains(&"AgentLost".to_owned()),
        "{reasons:?}"
    );
    for run in [&waiting, &replaced] {
        run.let_end(&installation.folder);
        client.wait_for("default", &run.run, "succeeded", LONG).await;
        let found = client.run("default", &run.run).await;
        assert_eq!(found["settings"]["agent"]["name"].as_str(), Some("home"), "{found:#}");
    }
    assert!(waiting.beats(&installation.folder).iter().all(|(_, attempt)| attempt == "0"));
    assert!(client.get("/api/v1/orgs/default/agents/home").await["lost_at"].is_null());
}
