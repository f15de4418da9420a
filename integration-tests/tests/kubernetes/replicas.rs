//! Three replicas of one agent, killed again and again while every offer may come several times: every attempt has
//! exactly one pod, every run ends, and nothing is left.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Repeater};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options};
use serde_json::json;
use tokio::time::Instant;

use super::ground::{
    REQUEST_TIMEOUT, access, assert_one_pod_each, job, pods, register, replica, until_empty,
};

const RUNS: u64 = 1_000;
const LONG: Duration = Duration::from_secs(600);
/// How long replicas are left in peace between two kills, at least.
const KILL: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_has_exactly_one_pod_though_replicas_are_killed_and_offers_repeated() {
    let options = Options {
        audit: true,
        api_server_arguments: vec![format!("--request-timeout={REQUEST_TIMEOUT}s")],
        ..Options::default()
    };
    let Some(cluster) = Cluster::own(options).await else { return };
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
    let operations = vec![job("eu/default", "sleep 0.2", &json!({})); usize::try_from(RUNS).unwrap()];
    client.submit_all("default", &operations).await;
    let repeater = Repeater::start(&installation, "eu", "default");

    let began = Instant::now();
    let (mut kills, mut ended) = (0, 0);
    // Whoever is killed leaves claims behind that must be over before their attempts are offered again: the last tenth
    // is left in peace.
    while ended < RUNS * 9 / 10 {
        tokio::time::sleep(KILL).await;
        let victim = kills % replicas.len();
        replicas[victim].restart();
        kills += 1;
        // Where a replica takes longer to begin than it lives, nothing would ever end.
        let before = ended;
        while ended == before {
            assert!(began.elapsed() < LONG, "{:?} after {LONG:?}", client.census("default").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
            ended = succeeded(client).await;
        }
    }
    client.wait_for_all("default", RUNS, "succeeded", LONG).await;
    let repeated = repeater.end_with_stale_offers().await;
    assert!(kills >= 5, "only {kills} kills");
    assert!(repeated >= 100, "only {repeated} offers were repeated");
    until_empty(&pods(&cluster, &namespace).await).await;

    assert_one_pod_each(&cluster, &namespace, RUNS);
}

async fn succeeded(client: &berth_integration_tests::Client) -> u64 {
    let path = "/api/v1/default/default/runs?limit=1&query=status:succeeded";
    client.get(path).await["count"].as_u64().unwrap_or(0)
}
