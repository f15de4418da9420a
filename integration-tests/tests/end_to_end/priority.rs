//! Priority is exact, since the backlog is in the store; and a waiting run says why it waits, rightly.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Journal, shell};
use serde_json::json;

super::on_all_three!(a_later_high_run_starts_next_and_the_low_ones_say_why_they_wait);

const LONG: Duration = Duration::from_secs(120);

async fn a_later_high_run_starts_next_and_the_low_ones_say_why_they_wait(backing: Backing) {
    let installation = Installation::start(backing).await;
    let client = &installation.client;
    let one = json!({"concurrency": 1});
    client.call("PATCH", "/api/v1/orgs/default/agents/local/queues/default", Some(&one)).await;
    let journal = Journal::new(&installation.folder, "journal");
    let gate = installation.folder.join("gate");
    let hold = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let first = client.submit("default", &shell(&journal.around(&hold))).await;
    client.wait_for("default", &first, "running", LONG).await;
    let low = client.submit_all("default", &vec![shell(&journal.around("true")); 10]).await;
    let mut operation = shell(&journal.around("true"));
    operation["component"]["run"]["environment"] = json!({"annotations": {"berth.dev/priority": "9"}});
    let high = client.submit("default", &operation).await;

    let why = client.get(&format!("/api/v1/default/default/runs/{}/explain", low[9])).await;
    assert_eq!(
        (&why["status"], &why["position"], &why["of"]),
        (&json!("queued"), &json!(11), &json!(11)),
        "{why:#}"
    );
    let rule = &why["blocked_by"][0];
    let said = (&rule["rule"], &rule["level"], &rule["name"], &rule["limit"], &rule["used"]);
    assert_eq!(said, (&json!("limit"), &json!("queue"), &json!("default"), &json!(1), &json!(1)), "{why:#}");
    assert_eq!(rule["holders"], json!([first]), "{why:#}");
    let why = client.get(&format!("/api/v1/default/default/runs/{high}/explain")).await;
    assert_eq!(why["position"], json!(1), "{why:#}");

    std::fs::write(&gate, "").unwrap();
    client.wait_for_all("default", 12, "succeeded", LONG).await;
    let order: Vec<String> = journal
        .lines()
        .iter()
        .filter_map(|line| Some(line.strip_prefix("start ")?.split(' ').next()?.to_owned()))
        .collect();
    assert_eq!(order[0], first);
    assert_eq!(order[1], high, "the high one is next");
    assert_eq!(order[2..], low[..], "then the low ones, by age");
}
