//! What an operator does by hand and by query, through the command line: seen in the store's answers,
//! on the broker and in the runs.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(120);
/// How soon what somebody does has its effect.
const SOON: Duration = Duration::from_secs(5);

/// An installation whose queue `local/narrow` starts nothing, and `count` runs that wait there.
async fn waiting(backing: Backing, count: usize, journal: &str) -> (Installation, Journal, Vec<String>) {
    let installation = Installation::start(backing).await;
    installation.answered(&["queues", "create", "narrow", "--concurrency", "0"]);
    let journal = Journal::new(&installation.folder, journal);
    let mut operation = shell(&journal.around("true"));
    operation["queue"] = json!("narrow");
    let runs = installation.client.submit_all("default", &vec![operation; count]).await;
    (installation, journal, runs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_queue_starts_nothing_of_what_waited() {
    let (installation, journal, runs) = waiting(Backing::Embedded, 1_200, "purged").await;
    let preview = installation.answered(&["queues", "purge", "narrow", "--preview"]);
    assert_eq!((&preview["count"], preview["sample"].as_array().unwrap().len()), (&json!(1_200), 10));
    assert_eq!(
        installation.berth(&["queues", "purge", "narrow"]).status.code(),
        Some(2),
        "nobody is here to be asked"
    );
    assert_eq!(installation.client.census("default").await["queued"], 1_200, "nothing has changed");
    let purged = installation.answered(&["queues", "purge", "narrow", "--yes", "--reason", "a typing error"]);
    assert_eq!((&purged["done"], &purged["kept"]), (&json!(1_200), &json!(0)));
    assert_eq!(installation.client.census("default").await["stopped"], 1_200);
    installation.answered(&["queues", "update", "narrow", "--concurrency", "none"]);
    let mut operation = shell("true");
    operation["queue"] = json!("narrow");
    let last = installation.client.submit("default", &operation).await;
    installation.client.wait_for("default", &last, "succeeded", LONG).await;
    assert!(journal.starts().is_empty());
    let object = installation.client.get(&format!("/api/v1/orgs/default/audit?object={}", runs[0])).await;
    assert_eq!(object["results"][0]["reason"], "a typing error");
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_what_is_moved_starts_where_it_was_moved_to_and_nothing_else_does() {
    let (installation, journal, runs) = waiting(Backing::RabbitMq, 6, "moved").await;
    let client = &installation.client;
    for run in &runs[..2] {
        let tags = json!({"tags": ["night"]});
        client.call("PATCH", &format!("/api/v1/default/default/runs/{run}"), Some(&tags)).await;
    }
    let moved = installation.answered(&["queues", "move", "narrow", "default", "-q", "tags:night", "--yes"]);
    assert_eq!((&moved["done"], &moved["kept"]), (&json!(2), &json!(0)), "{moved}");
    for run in &runs[..2] {
        client.wait_for("default", run, "succeeded", LONG).await;
        assert_eq!(client.run("default", run).await["settings"]["queue"]["name"], "default");
    }
    assert_eq!(client.census("default").await["queued"], 4);
    for queue in ["narrow", "default"] {
        assert_eq!(installation.offers_on_broker("local", queue).await, 0, "offers are left in {queue}");
    }
    assert_eq!(journal.starts().len(), 2);
    let one = installation.answered(&["ops", "move", &runs[5], "--to", "local/default"]);
    assert_eq!(one["done"], 1);
    client.wait_for("default", &runs[5], "succeeded", LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_a_paused_queue_goes_on_by_itself_and_a_drained_one_lets_nothing_in() {
    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    installation.answered(&["queues", "create", "gpu"]);
    let mut operation = shell("true");
    operation["queue"] = json!("gpu");
    let paused =
        installation.answered(&["queues", "pause", "gpu", "--reason", "new driver", "--until", "4s"]);
    let until = paused["paused"]["until"].as_str().unwrap().to_owned();
    let waits = client.submit("default", &operation).await;
    let why = installation.told(&["ops", "why", &waits]);
    let who = paused["paused"]["by"].as_str().unwrap().to_owned();
    let told = format!("- paused on queue gpu: queue gpu was paused by {who} until {until}: new driver");
    assert!(why.contains(&told), "{why}");
    assert_eq!(installation.offers_on_broker("local", "gpu").await, 0, "what a pause holds is not offered");
    client.wait_for("default", &waits, "succeeded", SOON + Duration::from_secs(10)).await;
    let started = client.run("default", &waits).await["started_at"].as_str().unwrap().to_owned();
    let late = client.conditions("default", &waits).await;
    let admitted = late.iter().find(|condition| condition["reason"] == "Admitted").unwrap();
    let admitted = berth_domain::time::Time::parse(admitted["last_update_time"].as_str().unwrap()).unwrap();
    let over = berth_domain::time::Time::parse(&until).unwrap();
    assert!(admitted >= over && admitted.since(over) < Duration::from_secs(1), "{until} {started} {late:?}");
    assert_eq!(installation.answered(&["queues", "get", "gpu"])["paused"], Value::Null, "and it says so");

    installation.answered(&["queues", "drain", "gpu", "--reason", "it is sold"]);
    let file = installation.folder.join("gpu.json");
    std::fs::write(&file, operation.to_string()).unwrap();
    let said = installation.refused(&["run", "-f", &file.display().to_string()]);
    let told = format!("queue local/gpu is being drained by {who}: it is sold");
    assert!(said.contains(&told), "{said}");
    assert_eq!(installation.offers_on_broker("local", "gpu").await, 0);
    installation.answered(&["queues", "resume", "gpu"]);
    let run = installation.run_file("gpu.json", &operation, &[]);
    client.wait_for("default", &run, "succeeded", LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cordoned_agent_starts_nothing_and_a_drained_one_lets_nothing_in_either() {
    let installation = Installation::start(Backing::Embedded).await;
    let client = &installation.client;
    let cordoned =
        installation.answered(&["agents", "cordon", "local", "--reason", "disks", "--until", "4s"]);
    assert_eq!((&cordoned["cordoned"], &cordoned["hold"]["reason"]), (&json!(true), &json!("disks")));
    let waits = client.submit("default", &shell("true")).await;
    let why = client.get(&format!("/api/v1/default/default/runs/{waits}/explain")).await;
    let block =
        why["blocked_by"].as_array().unwrap().iter().find(|block| block["rule"] == "cordoned").unwrap();
    let message = block["message"].as_str().unwrap();
    assert!(message.starts_with("agent local is cordoned by local until "), "{message}");
    assert!(message.ends_with(": disks"), "{message}");
    client.wait_for("default", &waits, "succeeded", LONG).await;
    assert_eq!(installation.answered(&["agents", "get", "local"])["cordoned"], false);

    installation.answered(&["agents", "drain", "local", "--reason", "moving house"]);
    let body = json!({"content": shell("true").to_string()});
    let (status, answer) = client.send("POST", "/api/v1/default/default/runs", Some(&body)).await;
    assert_eq!(status, 409);
    assert_eq!(answer["detail"], "agent local is being drained by local: moving house");
    installation.answered(&["agents", "cordon", "local", "--off"]);
    let run = client.submit("default", &shell("true")).await;
    client.wait_for("default", &run, "succeeded", LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_a_larger_priority_starts_first_and_what_is_stopped_is_done_again_on_demand() {
    let (installation, _journal, runs) = waiting(Backing::Embedded, 5, "order").await;
    let client = &installation.client;
    let last = format!("uuid:{}", runs[4]);
    let done = installation.answered(&["ops", "reprioritize", "-q", &last, "--priority", "9", "--yes"]);
    assert_eq!(done["done"], 1);
    let why = client.get(&format!("/api/v1/default/default/runs/{}/explain", runs[4])).await;
    assert_eq!((&why["position"], &why["of"]), (&json!(1), &json!(5)), "{why}");
    installation.answered(&["queues", "update", "narrow", "--concurrency", "1"]);
    client.wait_for_all("default", 5, "succeeded", LONG).await;
    let first = async |run: &str| client.run("default", run).await["started_at"].as_str().unwrap().to_owned();
    for run in &runs[..4] {
        assert!(first(&runs[4]).await < first(run).await);
    }

    let again = installation.answered(&["ops", "restart", "-q", "queue:narrow", "--yes"]);
    assert_eq!(again["done"], 0, "what succeeded isn't done again unasked");
    installation.answered(&["queues", "update", "narrow", "--concurrency", "0"]);
    let named = ["ops", "restart", "-q", "queue:narrow,status:succeeded", "--yes"];
    assert_eq!(installation.answered(&named)["done"], 5);
    let stopped = installation.answered(&["ops", "stop", "-q", "queue:narrow", "--yes"]);
    assert_eq!(stopped["done"], 5);
    client.wait_for_all("default", 5, "stopped", SOON).await;
    let resumed = installation.answered(&["ops", "resume", "-q", "queue:narrow", "--yes"]);
    assert_eq!(resumed["done"], 5, "those that were stopped, and not those that succeeded");
    installation.answered(&["queues", "update", "narrow", "--concurrency", "none"]);
    client.wait_for_all("default", 10, "succeeded", LONG).await;
}
