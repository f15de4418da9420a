//! Runs land on the nodes that they ask for, and one that fits nowhere says so in the scheduler's own words.

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options, until};
use serde_json::{Value, json};

use super::ground::{LIMIT, access, job, pod_of, pods, register, replica};

#[tokio::test(flavor = "multi_thread")]
async fn sixty_runs_land_where_they_must_and_one_that_fits_nowhere_is_unschedulable() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let namespace = cluster.namespace("places").await;
    let nodes = FakeNodes::start(&cluster);
    let gpu = FakeNode::new("gpu").label("pool", "gpu").capacity("nvidia.com/gpu", "64");
    nodes.add(gpu.taint("gpu", "", "NoSchedule")).await;
    nodes.add(FakeNode::new("near").label("pool", "cpu").label("zone", "near")).await;
    nodes.add(FakeNode::new("far").label("pool", "cpu").label("zone", "far")).await;

    let installation = Installation::start(Backing::RabbitMq).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let _agent = replica(&installation, "eu", 1, &kubeconfig, &[namespace.name()], 60);

    let zone = |zone: &str| {
        let terms = json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]);
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
    };
    let mut on_gpu = job(
        "eu/default",
        "sleep 0.1",
        &json!({"nodeSelector": {"pool": "gpu"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]}),
    );
    on_gpu["component"]["run"]["container"]["resources"] = json!({"limits": {"nvidia.com/gpu": 1}});
    let near =
        job("eu/default", "sleep 0.1", &json!({"nodeSelector": {"pool": "cpu"}, "affinity": zone("near")}));
    let far = job("eu/default", "sleep 0.1", &json!({"affinity": zone("far")}));
    let nowhere = job("eu/default", "exit 0", &json!({"nodeSelector": {"pool": "tpu"}}));

    let mut expected: Vec<(&str, &Value)> = Vec::new();
    for _ in 0..20 {
        expected.extend([("gpu", &on_gpu), ("near", &near), ("far", &far)]);
    }
    let operations: Vec<Value> = expected.iter().map(|(_, operation)| (*operation).clone()).collect();
    let runs = client.submit_all("default", &operations).await;
    let lost = client.submit("default", &nowhere).await;

    client.wait_for_all("default", 60, "succeeded", LIMIT).await;
    let pods = pods(&cluster, &namespace).await;
    for (run, (node, _)) in runs.iter().zip(&expected) {
        let pod = pod_of(&pods, run).await.unwrap();
        assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some(*node), "{run}");
    }

    client.wait_for("default", &lost, "unschedulable", LIMIT).await;
    let conditions = client.conditions("default", &lost).await;
    let message = conditions.last().unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("0/3 nodes are available"), "{message}");
    let explain = client.get(&format!("/api/v1/default/default/runs/{lost}/explain")).await;
    assert_eq!(explain["blocked_by"][0]["rule"], "unschedulable", "{explain}");
    client.call("POST", &format!("/api/v1/default/default/runs/{lost}/stop"), None).await;
    client.wait_for("default", &lost, "stopped", LIMIT).await;
    until("its pod waits for no receipt", LIMIT, async || {
        let finalizers = pod_of(&pods, &lost).await.and_then(|pod| pod.metadata.finalizers);
        finalizers.is_none_or(|finalizers| finalizers.is_empty()).then_some(())
    })
    .await;
}
