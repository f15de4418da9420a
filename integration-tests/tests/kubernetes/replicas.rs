//! Three replicas of one agent, killed again and again: every attempt has exactly one pod, every run ends, and nothing
//! is left.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options};
use serde_json::json;

use super::ground::{REQUEST_TIMEOUT, access, job, pods, register, replica, until_empty};

/// How many runs. `make chaos` has the long version.
const RUNS: u64 = 300;
const LONG: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_has_exactly_one_pod_though_replicas_are_killed_again_and_again() {
    let options = Options {
        audit: true,
        api_server_arguments: vec![format!("--request-timeout={REQUEST_TIMEOUT}s")],
        ..Options::default()
    };
    let Some(cluster) = Cluster::own(options).await else { return };
    let namespace = cluster.namespace("replicas").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;

    let installation = Installation::start(Backing::RabbitMq).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let mut replicas: Vec<_> =
        (1..=3).map(|n| replica(&installation, "eu", n, &kubeconfig, &[namespace.name()], 0)).collect();
    let operations = vec![job("eu/default", "sleep 0.2", &json!({})); usize::try_from(RUNS).unwrap()];
    client.submit_all("default", &operations).await;
    for kills in 1..=6 {
        // Spread over the work, each while some of it is under way.
        client.wait_for_all("default", RUNS * kills / 10, "succeeded", LONG).await;
        let victim = usize::try_from(kills).unwrap() % replicas.len();
        replicas[victim].restart();
    }
    client.wait_for_all("default", RUNS, "succeeded", LONG).await;
    until_empty(&pods(&cluster, &namespace).await).await;

    // Counted by the scheduler's bindings, one for each pod that there ever was: an agent that is killed does not wait
    // for the answer to its create.
    let mut pods: BTreeMap<String, u32> = BTreeMap::new();
    for event in cluster.audit() {
        if event.namespace == namespace.name()
            && (event.resource.as_str(), event.code) == ("pods/binding", 201)
        {
            *pods.entry(event.name).or_default() += 1;
        }
    }
    let more: Vec<_> = pods.iter().filter(|(_, times)| **times != 1).collect();
    assert!(more.is_empty(), "attempts with more than one pod: {more:?}");
    assert_eq!(pods.len() as u64, RUNS, "one attempt for each run");
}
