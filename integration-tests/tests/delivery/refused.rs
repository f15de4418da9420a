//! A broker that is there and refuses what is published: remembered, warned of, and made up for.

use std::time::Duration;

use berth_broker_config::Names;
use berth_integration_tests::{Backing, BrokerServer, Installation, shell};
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(120);

/// Waits until the API gives exactly these warnings.
async fn warns_of(installation: &Installation, expected: &[&str]) {
    let deadline = Instant::now() + LONG;
    loop {
        let answer = installation.client.get("/api/v1/orgs/default/warnings").await;
        let all = answer["results"].as_array().unwrap().iter();
        let names: Vec<&str> = all.filter_map(|warning| warning["name"].as_str()).collect();
        if names == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_the_broker_refuses_are_warned_of_and_made_once_it_takes_them() {
    let installation = Installation::start(Backing::RabbitMq).await;
    let BrokerServer::RabbitMq(rabbitmq) = &installation.broker else { panic!("it is RabbitMQ") };
    let queue = Names::default().offers("local", "default").queue;
    let short = r#"{"max-length":0,"overflow":"reject-publish"}"#;
    rabbitmq.ctl(&["set_policy", "--apply-to", "queues", "--priority", "9", "short", &queue, short]);
    // The first ones may get in before a quorum queue has told its publishers that it is full.
    let work: Vec<_> = (0..20).map(|_| shell("true")).collect();
    let runs = installation.client.submit_all("default", &work).await;
    warns_of(&installation, &["OutboxLags"]).await;
    rabbitmq.ctl(&["clear_policy", "short"]);
    installation.client.wait_for_all("default", runs.len() as u64, "succeeded", LONG).await;
    warns_of(&installation, &[]).await;
}
