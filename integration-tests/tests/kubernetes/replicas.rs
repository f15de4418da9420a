//! Three replicas of one agent, killed again and again while every offer may come several times: every attempt has
//! exactly one pod, every run ends, and nothing is left. In `make chaos`, of 1,000 runs.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Repeater};
use berth_test_servers::effort;
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options};
use serde_json::json;

use super::ground::{
    REQUEST_TIMEOUT, access, assert_one_pod_each, job, pods, register, replica, until_empty,
};

const LONG: Duration = Duration::from_secs(600);
/// How many runs end between two kills: where a replica took longer to begin than it lives, nothing would ever end.
const BETWEEN_KILLS: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_has_exactly_one_pod_though_replicas_are_killed_and_offers_repeated() {
    let options = Options {
        audit: true,
        api_server_arguments: vec![format!("--request-timeout={REQUEST_TIMEOUT}s")],
        ..Options::default()
    };
    let Some(cluster) = Cluster::own(options).await else { return };
    let runs = effort("BERTH_TEST_RUNS", 240) as u64;
    let namespace = cluster.namespace("replicas").await;
    let nodes = FakeNodes::start(&cluster);
    for name in ["one", "two", "three"] {
        nodes.add(FakeNode::new(name)).await;
    }

    let installation = Installation::start(Backing::RabbitMq).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let mut replicas: Vec<_> =
        (1..=3).map(|n| replica(&installation, "eu", n, &kubeconfig, &[namespace.name()], 0)).collect();
    // Before there is anything that the replicas could have taken already.
    let repeater = Repeater::start(&installation, "eu", "default");
    let operations = vec![job("eu/default", "sleep 0.2", &json!({})); usize::try_from(runs).unwrap()];
    client.submit_all("default", &operations).await;

    // Whoever is killed leaves claims behind that must be over before their attempts are offered again: the last tenth
    // is left in peace.
    let kills = runs * 9 / 10 / BETWEEN_KILLS;
    for kill in 1..=kills {
        client.wait_for_all("default", kill * BETWEEN_KILLS, "succeeded", LONG).await;
        replicas[usize::try_from(kill).unwrap() % 3].restart();
    }
    client.wait_for_all("default", runs, "succeeded", LONG).await;
    let repeated = repeater.end_with_stale_offers().await;
    assert!(repeated as u64 >= runs / 10, "only {repeated} offers were repeated");
    until_empty(&pods(&cluster, &namespace).await).await;

    assert_one_pod_each(&cluster, &namespace, runs);
}
