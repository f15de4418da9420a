//! Where runs go, as an operator and a user see it: by the command line, checked in the store, on the
//! broker and in the runs.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, job};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(120);

/// An operation of `script`, and what else is said of it.
fn operation(script: &str, more: Value) -> Value {
    job(json!({ "command": ["sh", "-c"], "args": [script] }), more)
}

/// Where a run is or was: `agent/queue`.
async fn place(installation: &Installation, run: &str) -> String {
    let run = installation.client.run("default", run).await;
    let name = |what: &str| run["settings"][what]["name"].as_str().unwrap_or("none").to_owned();
    format!("{}/{}", name("agent"), name("queue"))
}

/// Waits until a run has gone there, and says what its history says of its moves.
async fn until_at(installation: &Installation, run: &str, to: &str) -> Vec<String> {
    let deadline = tokio::time::Instant::now() + LONG;
    while place(installation, run).await != to {
        assert!(tokio::time::Instant::now() < deadline, "{} is not {to}", place(installation, run).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let conditions = installation.client.conditions("default", run).await;
    let moves = conditions.iter().filter(|condition| condition["reason"] == "Overflow");
    moves.filter_map(|condition| condition["message"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_rules_and_confinement_say_where_runs_go_and_why_they_may_not() {
    let installation = Installation::start(Backing::Redis).await;
    let (client, folder) = (&installation.client, &installation.folder);
    let gate = folder.join("gate");
    let hold = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    installation.told(&["queues", "create", "gpu", "--concurrency", "1", "--overflow-after", "0"]);
    installation.told(&["queues", "create", "cpu"]);
    let rules = folder.join("rules.yaml");
    let rules = rules.display().to_string();
    std::fs::write(&rules, "- {match: {kind: job}, queues: [cpu]}\n- {match: {labels: {team: vision}, kind: job}, queues: [gpu]}\n")
        .unwrap();
    let said = installation.refused(&["organization", "update", "--routes", &rules]);
    assert!(
        said.contains("rule 2 can never be the first: what it matches, rule 1 matches before it"),
        "{said}"
    );
    std::fs::write(&rules, "- {match: {labels: {team: vision}}, queues: [gpu, cpu]}\n- {queues: [cpu]}\n")
        .unwrap();
    let shown = installation.told(&["organization", "update", "--routes", &rules]);
    assert!(shown.contains("labels team=vision"), "{shown}");

    let vision = json!({ "environment": { "labels": { "team": "vision" } } });
    let holds = operation(&hold, json!({ "runPatch": vision }));
    let quick = operation("true", json!({}));
    let first = installation.run_file("holds.json", &holds, &[]);
    assert_eq!(place(&installation, &first).await, "local/gpu");
    client.wait_for("default", &first, "running", LONG).await;
    let second = installation.run_file("holds.json", &holds, &[]);
    assert_eq!(place(&installation, &second).await, "local/cpu", "the first of its queues has no room");
    let other = installation.run_file("quick.json", &quick, &[]);
    assert_eq!(place(&installation, &other).await, "local/cpu");
    client.wait_for("default", &other, "succeeded", LONG).await;

    // What waits when its project is confined says so, and goes on when it may.
    let third = installation.run_file("holds.json", &holds, &["-q", "gpu"]);
    installation.told(&["projects", "update", "default", "--queues", "cpu"]);
    let why = installation.told(&["ops", "why", &third]);
    assert!(why.contains("confined on project default"), "{why}");
    assert!(
        why.contains("project default may not use local/gpu: it is confined to the queues local/cpu"),
        "{why}"
    );
    let quick_file = folder.join("quick.json").display().to_string();
    let said = installation.refused(&["run", "-f", &quick_file, "-q", "gpu"]);
    assert!(said.contains("queue `local/gpu` is none that project `default` may use"), "{said}");
    std::fs::write(&gate, "").unwrap();
    client.wait_for("default", &first, "succeeded", LONG).await;
    let fourth = installation.run_file("quick.json", &quick, &[]);
    client.wait_for("default", &fourth, "succeeded", LONG).await;
    assert_eq!(client.status("default", &third).await, "queued", "nothing else holds it back by now");
    assert_eq!(installation.offers_on_broker("local", "gpu").await, 0, "what is confined is not offered");
    installation.told(&["projects", "update", "default", "--queues", "none"]);
    client.wait_for("default", &third, "succeeded", LONG).await;
    client.wait_for("default", &second, "succeeded", LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_a_run_overflows_between_agents_when_it_has_waited_and_when_its_queue_is_paused() {
    let installation = Installation::start(Backing::RabbitMq).await;
    let _spare = installation.start_agent("spare", None).await;
    let (client, folder) = (&installation.client, &installation.folder);
    let gate = folder.join("gate");
    let hold = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    installation.told(&["queues", "update", "local/default", "--concurrency", "1", "--overflow-after", "2"]);
    let holds = operation(&hold, json!({}));
    let quick = operation("echo $BERTH_ATTEMPT", json!({}));
    let first = installation.run_file("holds.json", &holds, &["-q", "local/default"]);
    client.wait_for("default", &first, "running", LONG).await;
    installation.told(&["queues", "pause", "spare/default", "--reason", "upgrade"]);
    let goes = installation.run_file("quick.json", &quick, &["-q", "local/default,spare/default"]);
    let why = installation.told(&["ops", "why", &goes]);
    assert!(why.contains("overflow among local/default, spare/default: it moves"), "{why}");
    assert_eq!(place(&installation, &goes).await, "local/default", "the other is paused");
    installation.told(&["queues", "resume", "spare/default"]);
    let moves = until_at(&installation, &goes, "spare/default").await;
    assert!(moves[0].starts_with("Moved from local/default to spare/default: it waited for "), "{moves:?}");
    client.wait_for("default", &goes, "succeeded", LONG).await;
    assert_eq!(installation.offers_on_broker("local", "default").await, 0, "it was never offered there");

    installation.told(&["queues", "update", "local/default", "--overflow-after", "600"]);
    installation.told(&["queues", "pause", "spare/default"]);
    let leaves = installation.run_file("quick.json", &quick, &["-q", "local/default,spare/default"]);
    installation.told(&["queues", "resume", "spare/default"]);
    installation.told(&["queues", "pause", "local/default", "--reason", "upgrade"]);
    let moves = until_at(&installation, &leaves, "spare/default").await;
    assert_eq!(moves, ["Moved from local/default to spare/default: queue local/default is paused: upgrade"]);
    client.wait_for("default", &leaves, "succeeded", LONG).await;
    assert_eq!(client.run("default", &leaves).await["attempt"], json!(0), "it was never tried elsewhere");
    for agent in ["local", "spare"] {
        assert_eq!(installation.offers_on_broker(agent, "default").await, 0, "nothing is left of the moves");
    }
    std::fs::write(&gate, "").unwrap();
    client.wait_for("default", &first, "succeeded", LONG).await;
}
