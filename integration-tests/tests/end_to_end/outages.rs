//! Promises 1 and 3: the broker holds no truth, and what is down is waited for.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use berth_test_servers::eventually;
use serde_json::json;

const LONG: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbitmq_that_lost_its_data_costs_nothing() {
    a_broker_that_lost_its_data_costs_nothing(Backing::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_its_data_costs_nothing() {
    a_broker_that_lost_its_data_costs_nothing(Backing::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_may_be_down_when_runs_are_submitted_and_when_roles_start() {
    what_is_down_is_waited_for(Backing::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_down_when_runs_are_submitted_and_when_roles_start() {
    what_is_down_is_waited_for(Backing::Redis).await;
}

/// 500 runs wait, 20 run, and 20 have ended without anybody having taken it in, when the broker is wiped.
async fn a_broker_that_lost_its_data_costs_nothing(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    let forty = json!({"concurrency": 40});
    client.call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&forty)).await;
    let journal = Journal::new(&installation.folder, "journal");
    let until = |name: &str| {
        let gate = installation.folder.join(name);
        (
            gate.clone(),
            shell(&journal.around(&format!("while [ ! -e {} ]; do sleep 0.2; done", gate.display()))),
        )
    };
    let (late, long) = until("late");
    let (soon, short) = until("soon");
    client.submit_all("default", &vec![long; 20]).await;
    client.submit_all("default", &vec![short; 20]).await;
    client.wait_for_all("default", 40, "running", LONG).await;
    client.submit_all("default", &vec![shell(&journal.around("true")); 500]).await;

    installation.roles_of("scheduler").for_each(|scheduler| scheduler.signal("STOP"));
    std::fs::write(&soon, "").unwrap();
    let ended = || journal.lines().iter().filter(|line| line.starts_with("end ")).count();
    assert!(eventually(LONG, || ended() == 20));
    installation.wipe_broker();
    installation.roles_of("scheduler").for_each(|scheduler| scheduler.signal("CONT"));

    std::fs::write(&late, "").unwrap();
    client.wait_for_all("default", 540, "succeeded", LONG).await;
    let starts = journal.starts();
    assert_eq!(starts.len(), 540, "every run was started");
    assert!(starts.values().all(|times| *times == 1), "and none twice");
}

async fn what_is_down_is_waited_for(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    installation.kill_broker();
    let runs = client.submit_all("default", &vec![shell("true"); 10]).await;
    assert_eq!(client.status("default", &runs[0]).await, "queued");
    let why = client.get(&format!("/api/v1/default/default/runs/{}/explain", runs[0])).await;
    let rules: Vec<&str> =
        why["blocked_by"].as_array().unwrap().iter().filter_map(|block| block["rule"].as_str()).collect();
    assert!(rules.contains(&"broker_down"), "{why:#}");

    // Roles that start meanwhile wait, say why, and do not exit.
    if let Some(postgres) = &mut installation.postgres {
        postgres.kill9();
    }
    installation.roles.iter_mut().for_each(|role| role.restart());
    assert!(eventually(LONG, || installation.roles.iter().all(|role| !role.log().is_empty())));
    let (status, answer) = client.send("GET", "/readyz", None).await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.to_string().contains("store"), "{answer}");
    assert!(installation.roles.iter_mut().all(|role| role.is_running()));

    if let Some(postgres) = &mut installation.postgres {
        postgres.restart();
    }
    installation.restart_broker();
    installation.until_ready().await;
    client.wait_for_all("default", 10, "succeeded", LONG).await;
}
