//! Preemption: a run of higher priority does not wait for the end of those that come after it, which lose a try and nothing
//! more.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use serde_json::json;
use tokio::time::Instant;

super::on_all_three!(a_high_run_in_a_full_queue_starts_at_once_and_its_victim_ends_later,);

const LONG: Duration = Duration::from_secs(120);

async fn a_high_run_in_a_full_queue_starts_at_once_and_its_victim_ends_later(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let settings =
        ["queues", "update", "local/default", "--concurrency", "2", "--preemption", "lower_priority"];
    let output = installation.berth(&settings);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let journal = Journal::new(&installation.folder, "journal");
    let gate = installation.folder.join("gate");
    let told_to_end = format!("echo \"end $BERTH_RUN $BERTH_ATTEMPT\" >> {}", journal.path().display());
    let hold = format!(
        "trap '{told_to_end}; exit 143' TERM; while [ ! -e {} ]; do sleep 0.05; done",
        gate.display()
    );
    let old = client.submit("default", &shell(&journal.around(&hold))).await;
    client.wait_for("default", &old, "running", LONG).await;
    let young = client.submit("default", &shell(&journal.around(&hold))).await;
    client.wait_for("default", &young, "running", LONG).await;

    let mut operation = shell(&journal.around("true"));
    operation["component"]["run"]["environment"] = json!({"annotations": {"berth.dev/priority": "9"}});
    let before = Instant::now();
    let high = client.submit("default", &operation).await;
    client.wait_for("default", &high, "succeeded", LONG).await;
    eprintln!("{backing:?}: it had ended {:?} after it was submitted", before.elapsed());
    let conditions = client.conditions("default", &young).await;
    let told = conditions.iter().find(|one| one["reason"] == "Preempted").unwrap();
    assert!(told["message"].as_str().unwrap().contains(&high), "{told}");
    let untouched = client.conditions("default", &old).await;
    assert!(untouched.iter().all(|one| one["reason"] != "Preempted"), "the older one had more to lose");

    std::fs::write(&gate, "").unwrap();
    client.wait_for_all("default", 3, "succeeded", LONG).await;
    let of = |run: &str| journal.starts().keys().filter(|start| start.starts_with(run)).count();
    assert_eq!((of(&old), of(&young), of(&high)), (1, 2, 1), "only the victim ran twice");
    assert_eq!(journal.started_twice(), Vec::<String>::new());
    assert!(journal.peak() <= 2, "it had ended before the other began: {:#?}", journal.lines());
}
