//! Services, from the request to their end: retried as a whole, stopped without a trace, ended when nobody uses them.

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, FakeNode, FakeNodes, Options, RealNode, until};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use super::ground::{LIMIT, access, job, pods, register, replica, until_empty};

fn service(script: &str, replicas: u32) -> Value {
    let mut operation = job("eu/default", script, &json!({}));
    let run = &mut operation["component"]["run"];
    (run["kind"], run["ports"], run["replicas"]) = (json!("service"), json!([8080]), json!(replicas));
    operation
}

async fn services(cluster: &Cluster, namespace: &str) -> Vec<Service> {
    let services: Api<Service> = Api::namespaced(cluster.client().await, namespace);
    services.list(&ListParams::default()).await.unwrap().items
}

/// The run's statuses, in order.
async fn statuses(installation: &Installation, run: &str) -> Vec<String> {
    let conditions = installation.client.conditions("default", run).await;
    conditions.iter().filter_map(|one| Some(one["type"].as_str()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_retried_as_a_whole_and_stopped_without_a_trace() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let namespace = cluster.namespace("services").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;
    let installation = Installation::start(Backing::RabbitMq).await;
    let client = &installation.client;
    register(client, "eu").await;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    let mut agent = replica(&installation, "eu", 1, &kubeconfig, &[namespace.name()], 0);

    let mut failing = service("sleep 0.5; exit 3", 2);
    failing["termination"] = json!({"maxRetries": 1});
    let failing = client.submit("default", &failing).await;
    let lasting = client.submit("default", &service("sleep infinity", 3)).await;
    client.wait_for("default", &lasting, "running", LIMIT).await;
    client.wait_for("default", &failing, "failed", LIMIT).await;
    let statuses = statuses(&installation, &failing).await;
    assert_eq!(statuses.iter().filter(|status| *status == "retrying").count(), 1, "{statuses:?}");
    let run = client.run("default", &failing).await;
    assert_eq!(run["meta_info"]["ports"], json!([8080]), "{run}");

    let all: Api<Service> = Api::namespaced(cluster.client().await, &namespace);
    let name = format!("berth-{lasting}-0");
    let before = all.get(&name).await.unwrap();
    all.delete(&name, &DeleteParams::default()).await.unwrap();
    let after = until("its Service is there again", LIMIT, async || {
        all.get_opt(&name).await.unwrap().filter(|found| found.metadata.uid != before.metadata.uid)
    })
    .await;
    let ports = |service: &Service| service.spec.as_ref().and_then(|spec| spec.ports.clone());
    let selector = |service: &Service| service.spec.as_ref().and_then(|spec| spec.selector.clone());
    assert_eq!(
        (ports(&after), selector(&after), &after.metadata.labels, &after.metadata.owner_references),
        (ports(&before), selector(&before), &before.metadata.labels, &before.metadata.owner_references)
    );

    // Who comes after finds all of it, and ends it.
    agent.restart();
    client.call("POST", &format!("/api/v1/default/default/runs/{lasting}/stop"), None).await;
    client.wait_for("default", &lasting, "stopped", LIMIT).await;
    assert!(!services(&cluster, &namespace).await.iter().any(|service| {
        service.metadata.labels.as_ref().is_some_and(|labels| labels.get("berth.dev/run") == Some(&lasting))
    }));
    until_empty(&pods(&cluster, &namespace).await).await;
    until("no Service is left", LIMIT, async || {
        services(&cluster, &namespace).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_ended_when_nobody_uses_it_and_the_example_serves() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let Some(_node) = RealNode::start(&cluster).await else { return };
    let namespace = cluster.namespace("culled").await;
    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    register(client, "eu").await;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    let _agent = replica(&installation, "eu", 1, &kubeconfig, &[namespace.name()], 0);

    let mut example: Value = serde_saphyr::from_str(include_str!("../../../examples/service.yaml")).unwrap();
    example["queue"] = json!("eu/default");
    // The only one that the node has.
    example["run"]["container"]["image"] = json!(BUSYBOX);
    // Any success means that it is in use.
    let culling = json!({"culling": {"timeout": 4}, "probe": {"http": {"path": "/index.html"}}});
    let mut used = example.clone();
    used["termination"] = culling.clone();
    // In use for a while, and then it says that it is not.
    let mut left = used.clone();
    left["run"]["container"]["args"] = json!([
        "trap 'exit 0' TERM; mkdir /www; echo x >/www/index.html; httpd -p 8080 -h /www; sleep 8; rm /www/index.html; \
         sleep infinity & wait"
    ]);
    let used = client.submit("default", &used).await;
    let left = client.submit("default", &left).await;
    client.wait_for("default", &used, "running", LIMIT).await;
    client.wait_for("default", &left, "stopped", LIMIT).await;
    let conditions = client.conditions("default", &left).await;
    let last = conditions.last().unwrap();
    assert_eq!(last["reason"], "Culled", "{conditions:?}");
    assert!(conditions.iter().any(|condition| condition["type"] == "running"), "{conditions:?}");
    assert_eq!(client.status("default", &used).await, "running", "somebody uses it");
    client.call("POST", &format!("/api/v1/default/default/runs/{used}/stop"), None).await;
    client.wait_for("default", &used, "stopped", LIMIT).await;
    until_empty(&pods(&cluster, &namespace).await).await;
    assert!(services(&cluster, &namespace).await.is_empty());
}
