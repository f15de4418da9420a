//! A process that stood still harms nothing when it wakes; and one name is one agent.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, Role, shell};
use berth_test_servers::{eventually, port};

const LONG: Duration = Duration::from_secs(240);

/// Longer than a lease and a claim last.
const PAUSE: Duration = Duration::from_secs(40);

super::on_all_three!(processes_that_stood_still_for_forty_seconds_harm_nothing);

async fn processes_that_stood_still_for_forty_seconds_harm_nothing(backing: Backing) {
    let mut installation = Installation::start(backing).await;
    let client = installation.client.clone();
    let journal = Journal::new(&installation.folder, "journal");
    client.submit_all("default", &vec![shell(&journal.around("sleep 0.2")); 400]).await;
    client.wait_for_all("default", 20, "succeeded", LONG).await;
    let paused: &[&str] = if backing == Backing::Embedded { &["up"] } else { &["agent-1", "scheduler-1"] };
    for name in paused {
        installation.role(name).signal("STOP");
    }
    // The pause is the subject of the test: nothing shorter makes a lease lapse.
    tokio::time::sleep(PAUSE).await;
    for name in paused {
        installation.role(name).signal("CONT");
    }
    client.wait_for_all("default", 400, "succeeded", LONG).await;
    let starts = journal.starts();
    assert_eq!(starts.len(), 400, "no run needed a second attempt");
    assert!(starts.values().all(|times| *times == 1), "and no attempt was executed twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_agent_name_from_elsewhere_is_refused_by_name() {
    let installation = Installation::start(Backing::Redis).await;
    installation.client.submit("default", &shell("true")).await;
    installation.client.wait_for_all("default", 1, "succeeded", LONG).await;
    let mut settings: Vec<(&str, String)> = installation.settings().to_vec();
    settings.retain(|(key, _)| *key != "BERTH_DATA_DIR");
    settings.push(("BERTH_DATA_DIR", installation.folder.join("elsewhere").display().to_string()));
    let listen = format!("127.0.0.1:{}", port::free());
    let arguments = ["agent", "--name", "local", "--executor", "process", "--metrics-listen", &listen];
    let other = Role::start(&installation.folder, "agent-elsewhere", &arguments, &settings);
    assert!(
        eventually(LONG, || other.log().contains("refused") && other.log().contains("another")),
        "{}",
        other.log()
    );
    installation.client.submit_all("default", &vec![shell("true"); 5]).await;
    installation.client.wait_for_all("default", 6, "succeeded", LONG).await;
}
