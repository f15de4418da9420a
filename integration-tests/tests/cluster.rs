//! Promises of the Kubernetes that the tests run on: it starts, places pods, breaks as asked, and leaves nothing.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "cluster/api_server.rs"]
mod api_server;
#[path = "cluster/fake_nodes.rs"]
mod fake_nodes;
#[path = "cluster/real_node.rs"]
mod real_node;

use std::time::Duration;

use berth_test_servers::kubernetes::until;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A pod of one container that runs a shell's script, on the nodes that `more` of its spec says.
fn pod(name: &str, script: &str, more: &Value) -> Pod {
    let mut object = json!({
        "metadata": { "name": name },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [{ "name": "main", "image": "busybox", "command": ["sh", "-c", script] }],
        },
    });
    for (key, value) in more.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    serde_json::from_value(object).unwrap()
}

async fn create(pods: &Api<Pod>, pod: &Pod) {
    pods.create(&PostParams::default(), pod).await.unwrap();
}

/// Waits until the pod's JSON has `wanted` at `pointer`; returns the pod.
async fn until_at(pods: &Api<Pod>, name: &str, pointer: &str, wanted: impl Into<Value>) -> Value {
    let wanted = wanted.into();
    until(&format!("{name} has {wanted} at {pointer}"), LIMIT, async || {
        let pod = serde_json::to_value(pods.get(name).await.ok()?).unwrap();
        (pod.pointer(pointer) == Some(&wanted)).then_some(pod)
    })
    .await
}

/// Waits until the pod is gone.
async fn until_gone(pods: &Api<Pod>, name: &str) {
    until(&format!("{name} is gone"), LIMIT, async || match pods.get_opt(name).await {
        Ok(None) => Some(()),
        _ => None,
    })
    .await;
}
