//! Two clusters and three namespaces, four agents, one control plane that holds no access to any of them.

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options, until};
use serde_json::json;

use super::ground::{LIMIT, access, job, pod_of, pods, register, replica};

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_to_the_cluster_and_the_namespace_that_their_queue_or_they_themselves_say() {
    let Some(east) = Cluster::own(Options::default()).await else { return };
    let Some(west) = Cluster::own(Options::default()).await else { return };
    let spaces = [east.namespace("one").await, east.namespace("two").await, west.namespace("three").await];
    let [one, two, three] = [spaces[0].name(), spaces[1].name(), spaces[2].name()];
    let (east_nodes, west_nodes) = (FakeNodes::start(&east), FakeNodes::start(&west));
    east_nodes.add(FakeNode::new("east")).await;
    west_nodes.add(FakeNode::new("west")).await;

    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    let told: Vec<_> = installation.settings().iter().map(|(name, _)| *name).collect();
    assert!(!told.iter().any(|name| name.contains("KUBE")), "the control plane knows no cluster: {told:?}");
    let agents = [
        ("a", &east, vec![one]),
        ("b", &east, vec![two]),
        ("both", &east, vec![one, two]),
        ("c", &west, vec![three]),
    ];
    let mut replicas = Vec::new();
    for (name, cluster, namespaces) in &agents {
        register(client, name).await;
        let kubeconfig = access(cluster, namespaces, &installation.folder).await;
        replicas.push(replica(&installation, name, 1, &kubeconfig, namespaces, 60));
    }

    let named = |queue: &str, namespace: &str| {
        let mut operation = job(queue, "exit 0", &json!({}));
        operation["namespace"] = json!(namespace);
        operation
    };
    let cases = [
        (job("a/default", "exit 0", &json!({})), one),
        (job("b/default", "exit 0", &json!({})), two),
        (job("both/default", "exit 0", &json!({})), one),
        (named("both/default", two), two),
        (job("c/default", "exit 0", &json!({})), three),
    ];
    let operations: Vec<_> = cases.iter().map(|(operation, _)| operation.clone()).collect();
    let runs = client.submit_all("default", &operations).await;
    for (run, (_, namespace)) in runs.iter().zip(&cases) {
        client.wait_for("default", run, "succeeded", LIMIT).await;
        for (other, all) in [(&east, [one, two].as_slice()), (&west, &[three])] {
            for place in all {
                let is_there = pod_of(&pods(other, place).await, run).await.is_some();
                assert_eq!(is_there, place == namespace, "{run} {place}");
            }
        }
    }
    let foreign = json!({"content": named("a/default", two).to_string()});
    // What an agent says of itself is known to every API a second later.
    let refusal = until("what agent a does not serve is refused", LIMIT, async || {
        let dry = "/api/v1/default/default/runs?dry_run=true";
        let (status, answer) = client.send("POST", dry, Some(&foreign)).await;
        (status == 400).then(|| answer.to_string())
    });
    let words = format!("agent a does not serve the namespace `{two}`; it serves {one}");
    let refusal = refusal.await;
    assert!(refusal.contains(&words), "{refusal}");
}
