//! A database restored from a backup: noticed, nothing starts until agents have told what they hold, nothing is
//! killed or started twice.

use std::process::Command;
use std::time::Duration;

use berth_integration_tests::{Backing, Client, Installation, Journal, Role, shell};
use berth_test_servers::{eventually, port};
use serde_json::{Value, json};
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_is_noticed_and_waits_for_what_agents_hold() {
    let mut installation = Installation::start(Backing::Redis).await;
    let client = installation.client.clone();
    let journal = Journal::new(&installation.folder, "journal");
    let gate = installation.folder.join("gate");
    let long = shell(&journal.around(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display())));
    let mut gone = agent_that_was_seen(&installation).await;
    gone.kill9();
    let known = client.submit("default", &long).await;
    client.wait_for("default", &known, "running", LONG).await;

    installation.postgres.as_mut().unwrap().back_up();
    let forgotten = client.submit("default", &long).await;
    client.wait_for("default", &forgotten, "running", LONG).await;
    until_a_lease_has_seen_it(&client).await;
    installation.postgres.as_mut().unwrap().restore_backup();
    assert!(eventually(LONG, || log_of_schedulers(&installation).contains("restored from a backup")));

    let new = client.submit("default", &shell(&journal.around("true"))).await;
    let why = client.get(&format!("/api/v1/default/default/runs/{new}/explain")).await;
    let paused =
        why["blocked_by"].as_array().unwrap().iter().find(|block| block["rule"] == "paused").unwrap();
    assert!(paused["message"].as_str().unwrap().contains("restored from a backup"), "{why:#}");
    assert!(
        eventually(LONG, || check(&installation, &[]).ends_with("these have not yet: gone")),
        "{}",
        check(&installation, &[])
    );
    assert_eq!(client.status("default", &new).await, "queued");
    assert!(log_of_schedulers(&installation).contains("that the store does not know; they are left alone"));
    assert!(check(&installation, &["--accept-restore"]).contains("dispatch goes on"));
    client.wait_for("default", &new, "succeeded", LONG).await;

    std::fs::write(&gate, "").unwrap();
    client.wait_for("default", &known, "succeeded", LONG).await;
    let end = format!("end {forgotten} 0");
    assert!(eventually(LONG, || journal.lines().contains(&end)), "what the store forgot was not killed");
    assert!(journal.starts().values().all(|times| *times == 1), "and nothing was started twice");
}

/// Waits until the agent was granted a lease after this moment, and has asked for the next: from then on it knows how far
/// the store was.
async fn until_a_lease_has_seen_it(client: &Client) {
    let deadline = Instant::now() + LONG;
    let lease = async || client.get("/api/v1/orgs/default/agents/local").await["lease_until"].clone();
    for _ in 0..2 {
        let known = lease().await;
        while lease().await == known {
            assert!(Instant::now() < deadline, "the agent asks for no lease");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// An agent that had a lease, without runs.
async fn agent_that_was_seen(installation: &Installation) -> Role {
    let client = &installation.client;
    client.call("POST", "/api/v1/orgs/default/agents", Some(&json!({"name": "gone"}))).await;
    let mut settings: Vec<(&str, String)> = installation.settings().to_vec();
    settings.retain(|(key, _)| *key != "BERTH_DATA_DIR");
    settings.push(("BERTH_DATA_DIR", installation.folder.join("gone").display().to_string()));
    let listen = format!("127.0.0.1:{}", port::free());
    let arguments = ["agent", "--name", "gone", "--label", "zone=moon", "--metrics-listen", &listen];
    let role = Role::start(&installation.folder, "gone", &arguments, &settings);
    let deadline = Instant::now() + LONG;
    loop {
        let agent = client.get("/api/v1/orgs/default/agents/gone").await;
        if agent["is_live"] == Value::Bool(true) {
            assert_eq!(agent["effective_labels"], json!({"zone": "moon"}));
            return role;
        }
        assert!(Instant::now() < deadline, "{agent}\n{}", role.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn log_of_schedulers(installation: &Installation) -> String {
    installation.roles.iter().filter(|role| role.name().starts_with("scheduler")).map(Role::log).collect()
}

/// All that `berth admin check` says.
fn check(installation: &Installation, flags: &[&str]) -> String {
    let settings = installation.settings().iter().map(|(key, value)| (*key, value.as_str()));
    let mut command = Command::new(berth_integration_tests::berth());
    let output = command.args(["admin", "check"]).args(flags).envs(settings).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).trim().to_owned()
}
