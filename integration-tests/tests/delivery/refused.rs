//! A broker that is there and refuses what is published: remembered, warned of, and made up for.

use std::time::Duration;

use berth_broker_config::Names;
use berth_integration_tests::{Backing, BrokerServer, Installation, shell};
use berth_test_servers::kubernetes::until;
use serde_json::json;

/// A warning comes when offers have failed for half a minute.
const LONG: Duration = Duration::from_secs(120);
const RUNS: usize = 20;

/// Waits until the API warns, or warns no more, of offers that can't be made.
async fn until_warned(installation: &Installation, expected: bool) {
    until("the warning of offers is as it should be", LONG, async || {
        let answer = installation.client.get("/api/v1/orgs/default/warnings").await;
        let mut warnings = answer["results"].as_array()?.iter();
        (warnings.any(|warning| warning["name"] == "OutboxLags") == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_the_broker_refuses_are_warned_of_and_made_once_it_takes_them() {
    let installation = Installation::start(Backing::RabbitMq).await;
    let BrokerServer::RabbitMq(rabbitmq) = &installation.broker else { panic!("it is RabbitMQ") };
    let mut agent = installation.start_agent("eu", None).await;
    let client = &installation.client;
    let mut operation = shell("true");
    operation["queue"] = json!("eu/default");
    let first = client.submit("default", &operation).await;
    client.wait_for("default", &first, "succeeded", LONG).await;
    let queue = Names::default().offers("eu", "default").queue;
    let short = r#"{"max-length":1,"overflow":"reject-publish"}"#;
    rabbitmq.ctl(&["set_policy", "--apply-to", "queues", "--priority", "9", "short", &queue, short]);

    // Its lease lasts for a while, and nobody takes what is offered. A few of the first runs get in before the queue has told
    // its publishers that it is full.
    agent.kill9();
    client.submit_all("default", &vec![operation.clone(); RUNS]).await;
    client.wait_for_all("default", RUNS as u64, "scheduled", LONG).await;
    client.submit_all("default", &vec![operation; RUNS]).await;
    until_warned(&installation, true).await;

    rabbitmq.ctl(&["clear_policy", "short"]);
    agent.restart();
    client.wait_for_all("default", 2 * RUNS as u64 + 1, "succeeded", LONG).await;
    until_warned(&installation, false).await;
}
