//! Fake nodes under the real scheduler: pods land where they must, and live and end as on a real node.

use std::time::Duration;

use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Namespace, Options, until};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use super::{LIMIT, create, pod, until_at, until_gone};

/// Nodes of this test alone, in a cluster that others use too: what `selector` gives lands on them only.
struct Place {
    pods: Api<Pod>,
    namespace: Namespace,
    nodes: FakeNodes,
}

impl Place {
    async fn new(name: &str) -> Self {
        let cluster = Cluster::shared().await;
        let namespace = cluster.namespace(name).await;
        let nodes = FakeNodes::start(cluster);
        nodes.add(FakeNode::new(&namespace).label("place", &namespace).capacity("nvidia.com/gpu", "2")).await;
        Self { pods: Api::namespaced(cluster.client().await, &namespace), namespace, nodes }
    }

    fn selector(&self) -> serde_json::Value {
        json!({ "nodeSelector": { "place": self.namespace.name() } })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_scheduler_binds_a_pod_to_the_node_that_its_selector_names_and_says_why_it_can_not() {
    let place = Place::new("selects").await;
    let other = format!("{}-tainted", place.namespace);
    place
        .nodes
        .add(FakeNode::new(&other).label("place", &place.namespace).taint("keep", "out", "NoSchedule"))
        .await;

    create(&place.pods, &pod("fits", "sleep infinity", &place.selector())).await;
    until_at(&place.pods, "fits", "/status/phase", "Running").await;
    let fits = until_at(&place.pods, "fits", "/spec/nodeName", place.namespace.name()).await;
    assert_eq!(fits.pointer("/status/containerStatuses/0/ready"), Some(&json!(true)));

    let mut greedy = pod("greedy", "exit 0", &place.selector());
    let resources = json!({ "limits": { "nvidia.com/gpu": "3" } });
    greedy.spec.as_mut().unwrap().containers[0].resources = serde_json::from_value(resources).unwrap();
    create(&place.pods, &greedy).await;
    until_at(&place.pods, "greedy", "/status/conditions/0/reason", "Unschedulable").await;
    let greedy = place.pods.get("greedy").await.unwrap();
    let message = greedy.status.unwrap().conditions.unwrap()[0].message.clone().unwrap();
    assert!(message.contains("Insufficient nvidia.com/gpu"), "{message}");
    assert!(message.contains("untolerated taint"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_end_as_their_scripts_say() {
    let place = Place::new("ends").await;
    let selector = place.selector();
    let ended = "/status/containerStatuses/0/state/terminated";
    let waiting = "/status/containerStatuses/0/state/waiting";
    for (name, script) in [
        ("good", "echo hello; sleep 0.1"),
        ("bad", "exit 3"),
        ("oom", "oom"),
        ("image", "image-error"),
        ("stuck", "stuck CreateContainerConfigError secret \"x\" not found"),
    ] {
        create(&place.pods, &pod(name, script, &selector)).await;
    }
    until_at(&place.pods, "good", "/status/phase", "Succeeded").await;
    let bad = until_at(&place.pods, "bad", "/status/phase", "Failed").await;
    assert_eq!(bad.pointer(&format!("{ended}/exitCode")), Some(&json!(3)));
    let oom = until_at(&place.pods, "oom", "/status/phase", "Failed").await;
    assert_eq!(oom.pointer(&format!("{ended}/reason")), Some(&json!("OOMKilled")));
    until_at(&place.pods, "image", &format!("{waiting}/reason"), "ImagePullBackOff").await;
    let stuck =
        until_at(&place.pods, "stuck", &format!("{waiting}/reason"), "CreateContainerConfigError").await;
    assert_eq!(stuck.pointer(&format!("{waiting}/message")), Some(&json!("secret \"x\" not found")));

    let mut late = selector.clone();
    late["activeDeadlineSeconds"] = 1.into();
    create(&place.pods, &pod("late", "sleep infinity", &late)).await;
    let late = until_at(&place.pods, "late", "/status/phase", "Failed").await;
    assert_eq!(late.pointer("/status/reason"), Some(&json!("DeadlineExceeded")));
}

#[tokio::test(flavor = "multi_thread")]
async fn init_containers_run_in_turn_and_sidecars_end_with_the_pod() {
    let place = Place::new("turns").await;
    let mut spec = place.selector();
    let container = |name: &str, script: &str| json!({ "name": name, "image": "busybox", "command": ["sh", "-c", script] });
    let mut sidecar = container("sidecar", "sleep infinity");
    sidecar["restartPolicy"] = "Always".into();
    spec["initContainers"] = json!([sidecar, container("first", "sleep 0.5")]);
    create(&place.pods, &pod("turns", "sleep 0.5", &spec)).await;
    let ended = until_at(&place.pods, "turns", "/status/phase", "Succeeded").await;
    let code = |at: &str| ended.pointer(&format!("/status/{at}/state/terminated/exitCode")).cloned();
    assert_eq!(code("initContainerStatuses/0"), Some(json!(143)), "{ended}");
    assert_eq!(code("initContainerStatuses/1"), Some(json!(0)), "{ended}");

    spec["initContainers"] = json!([container("first", "exit 4")]);
    create(&place.pods, &pod("fails", "exit 0", &spec)).await;
    let failed = until_at(&place.pods, "fails", "/status/phase", "Failed").await;
    assert_eq!(
        failed.pointer("/status/containerStatuses/0/state/waiting/reason"),
        Some(&json!("PodInitializing"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_goes_when_its_containers_have_ended_and_its_finalizers_are_released() {
    let place = Place::new("deletes").await;
    let mut held = pod("held", "trap '' TERM; sleep infinity", &place.selector());
    held.metadata.finalizers = Some(vec!["berth.dev/held".to_owned()]);
    create(&place.pods, &held).await;
    create(&place.pods, &pod("free", "sleep infinity", &place.selector())).await;
    for name in ["held", "free"] {
        until_at(&place.pods, name, "/status/phase", "Running").await;
        place.pods.delete(name, &DeleteParams::default()).await.unwrap();
    }
    until_gone(&place.pods, "free").await;
    let killed = until_at(&place.pods, "held", "/status/phase", "Failed").await;
    assert_eq!(killed.pointer("/status/containerStatuses/0/state/terminated/exitCode"), Some(&json!(137)));
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    place.pods.patch("held", &PatchParams::default(), &release).await.unwrap();
    until_gone(&place.pods, "held").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_evicted_by_its_node_and_by_a_taint() {
    let place = Place::new("evicts").await;
    for name in ["squeezed", "tainted"] {
        create(&place.pods, &pod(name, "sleep infinity", &place.selector())).await;
        until_at(&place.pods, name, "/status/phase", "Running").await;
    }
    place.nodes.evict(&place.namespace, "squeezed");
    let squeezed = until_at(&place.pods, "squeezed", "/status/reason", "Evicted").await;
    assert_eq!(squeezed.pointer("/status/phase"), Some(&json!("Failed")));

    let nodes: Api<Node> = Api::all(Cluster::shared().await.client().await);
    let taint = json!({ "spec": { "taints": [{ "key": "out", "effect": "NoExecute" }] } });
    nodes.patch(&place.namespace, &PatchParams::default(), &Patch::Merge(taint)).await.unwrap();
    until_gone(&place.pods, "tainted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_is_lost_and_tells_what_happened_when_it_is_back() {
    let options = Options { node_monitor_grace_period: Duration::from_secs(12), ..Options::default() };
    let Some(cluster) = Cluster::own(options).await else { return };
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("far")).await;
    let pods: Api<Pod> = Api::namespaced(cluster.client().await, "default");
    create(&pods, &pod("works", "sleep 3; exit 3", &json!({}))).await;
    until_at(&pods, "works", "/status/phase", "Running").await;

    nodes.silence("far");
    let objects: Api<Node> = Api::all(cluster.client().await);
    let has_taint = async |wanted: bool| {
        until(&format!("the node is tainted: {wanted}"), LIMIT, async || {
            let taints = objects.get("far").await.ok()?.spec?.taints.unwrap_or_default();
            let is_tainted = taints.iter().any(|taint| taint.key == "node.kubernetes.io/unreachable");
            (is_tainted == wanted).then_some(())
        })
        .await;
    };
    has_taint(true).await;
    let phase = pods.get("works").await.unwrap().status.unwrap().phase;
    assert_eq!(phase.as_deref(), Some("Running"), "a silent node told the end of its pod");
    nodes.reconnect("far");
    let ended = until_at(&pods, "works", "/status/phase", "Failed").await;
    assert_eq!(ended.pointer("/status/containerStatuses/0/state/terminated/exitCode"), Some(&json!(3)));
    has_taint(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_pods_run_to_their_end() {
    let place = Place::new("many").await;
    let many = (0..500).map(|number| pod(&format!("p{number}"), "sleep 0.5", &place.selector()));
    let pods = &place.pods;
    for chunk in many.collect::<Vec<_>>().chunks(50) {
        futures_util::future::join_all(chunk.iter().map(|pod| create(pods, pod))).await;
    }
    until("500 pods succeeded", LIMIT, async || {
        let params = ListParams::default().fields("status.phase=Succeeded");
        let ended = pods.list_metadata(&params).await.ok()?.items.len();
        (ended == 500).then_some(())
    })
    .await;
}
