//! The first run on Kubernetes needs one process, and nothing on the cluster but a namespace.

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options, until};
use serde_json::json;

use super::ground::{LIMIT, access, job, pod_of, pods};

#[tokio::test(flavor = "multi_thread")]
async fn one_process_starts_runs_as_pods_and_finds_them_again() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let namespace = cluster.namespace("first").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;
    let folder = tempfile::TempDir::new().unwrap();
    let kubeconfig = access(&cluster, &[namespace.name()], folder.path()).await;
    let settings = vec![
        ("BERTH_EXECUTOR", "kubernetes".to_owned()),
        ("BERTH_NAMESPACES", namespace.name().to_owned()),
        ("KUBECONFIG", kubeconfig.display().to_string()),
    ];
    let mut installation = Installation::start_set(Backing::Embedded, settings).await;
    let pods = pods(&cluster, namespace.name()).await;

    let short = installation.client.submit("default", &job("default", "exit 0", &json!({}))).await;
    installation.client.wait_for("default", &short, "succeeded", LIMIT).await;
    assert!(pod_of(&pods, &short).await.is_some());

    let long = installation.client.submit("default", &job("default", "sleep 5; exit 0", &json!({}))).await;
    installation.client.wait_for("default", &long, "running", LIMIT).await;
    installation.role("up").kill9();
    let ended = async || {
        let phase = pod_of(&pods, &long).await?.status?.phase?;
        (phase == "Succeeded").then_some(())
    };
    until("the pod goes on without it", LIMIT, ended).await;
    installation.role("up").restart();
    installation.client.wait_for("default", &long, "succeeded", LIMIT).await;
}
