//! A Berth under load, scraped: every query gives something; and one that is broken: the alerts come.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, shell};
use serde_json::json;

use super::files::{queries, rules};
use super::watcher::Watcher;

/// Queries that give something only when something is wrong.
const OF_WARNINGS: &str = "berth_warning";

#[tokio::test(flavor = "multi_thread")]
async fn every_query_gives_something_under_load_and_alerts_come_when_something_is_broken() {
    let mut installation = Installation::start(Backing::Redis).await;
    let watcher = Watcher::of(&installation).await;

    // Some that succeed and some that fail; and more than may run, so that some wait.
    let queue = "/api/v1/orgs/default/agents/local/queues/default";
    installation.client.call("PATCH", queue, Some(&json!({ "concurrency": 4 }))).await;
    let work: Vec<_> = (0..40).map(|n| shell(if n % 5 == 0 { "exit 3" } else { "true" })).collect();
    let runs = installation.client.submit_all("default", &work).await;
    let first = installation.client.run("default", &runs[0]).await;
    assert!(first["uuid"].is_string(), "{first}");
    installation.client.wait_for_all("default", 32, "succeeded", Duration::from_secs(60)).await;

    for query in queries() {
        if !query.expr.contains(OF_WARNINGS) {
            watcher.until(&query.place, &query.expr).await;
        }
    }
    for rule in rules() {
        if let Some(name) = &rule.record {
            watcher.until(name, &rule.expr).await;
            watcher.until(name, name).await;
        }
    }
    assert_eq!(watcher.alerts().await, [""; 0], "all is well");

    // Runs wait and run, and nobody is there for them. They end by themselves, which nobody hears of.
    let long: Vec<_> = (0..6).map(|_| shell("sleep 20")).collect();
    let long = installation.client.submit_all("default", &long).await;
    installation.client.wait_for("default", &long[0], "running", Duration::from_secs(30)).await;
    installation.roles_of("agent").for_each(|role| role.kill9());
    watcher.alerted("BerthAgentLost").await;
    watcher.alerted("BerthTargetDown").await;
    watcher.alerted("BerthBacklogWithoutConsumers").await;
    for query in queries().iter().filter(|query| query.expr.contains(OF_WARNINGS)) {
        watcher.until(&query.place, &query.expr).await;
    }
    // What the alerts say, the API says.
    let warnings = installation.client.get("/api/v1/orgs/default/warnings").await;
    let names: Vec<&str> = warnings["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|warning| warning["name"].as_str())
        .collect();
    assert_eq!(names, ["BacklogWithoutConsumers", "AgentLost"], "the oldest first");

    installation.kill_broker();
    watcher.alerted("BerthBrokerDown").await;
    installation.roles_of("scheduler").for_each(|role| role.kill9());
    watcher.alerted("BerthNoScheduler").await;
    installation.postgres.as_mut().unwrap().kill9();
    watcher.alerted("BerthStoreDown").await;
}
