//! What these tests stand on: namespaces with an account that has the agent's Role in them, and agents as processes.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use berth_integration_tests::{Client, Installation, Role, created_once};
use berth_test_servers::kubernetes::{Cluster, until, until_or};
use berth_test_servers::port;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The account that agents run as.
const ACCOUNT: &str = "berth-agent";

/// How long the API servers of these tests go on with a request, in seconds.
pub(crate) const REQUEST_TIMEOUT: u64 = 5;

/// A kubeconfig file of an account in the first of `namespaces` that has the agent's Role in all of them.
pub(crate) async fn access(cluster: &Cluster, namespaces: &[&str], folder: &Path) -> PathBuf {
    let text = include_str!("../../../deploy/kubernetes/agent-role.yaml");
    let mut role: k8s_openapi::api::rbac::v1::Role = serde_saphyr::from_str(text).unwrap();
    let home = namespaces[0];
    let account = format!("{ACCOUNT}-{}", namespaces.len());
    role.metadata.name = Some(account.clone());
    let kubeconfig = cluster.kubeconfig_of_service_account(home, &account).await;
    for namespace in namespaces {
        cluster.grant(namespace, &role, home, &account).await;
    }
    let path = folder.join(format!("{home}-{}.kubeconfig", namespaces.len()));
    std::fs::write(&path, kubeconfig).unwrap();
    path
}

/// Makes an agent on the control plane.
pub(crate) async fn register(client: &Client, name: &str) {
    client.call("POST", "/api/v1/orgs/default/agents", Some(&json!({"name": name}))).await;
}

/// Starts a replica of the agent `name`; pods stay for `keep_minutes` after their end.
pub(crate) fn replica(
    installation: &Installation,
    name: &str,
    number: usize,
    kubeconfig: &Path,
    namespaces: &[&str],
    keep_minutes: u32,
) -> Role {
    let settings = installation.settings();
    replica_as(installation, settings, name, number, kubeconfig, namespaces, keep_minutes)
}

/// The same, with other settings than the installation's.
pub(crate) fn replica_as(
    installation: &Installation,
    settings: &[(&'static str, String)],
    name: &str,
    number: usize,
    kubeconfig: &Path,
    namespaces: &[&str],
    keep_minutes: u32,
) -> Role {
    let listen = format!("127.0.0.1:{}", port::free());
    let (timeout, keep) = (REQUEST_TIMEOUT.to_string(), keep_minutes.to_string());
    let mut arguments =
        vec!["agent", "--name", name, "--executor", "kubernetes", "--metrics-listen", &listen];
    arguments.extend(["--kubeconfig", kubeconfig.to_str().unwrap(), "--grace-seconds", "1"]);
    arguments.extend(["--pod-keep-minutes", &keep, "--kubernetes-request-timeout-seconds", &timeout]);
    for namespace in namespaces {
        arguments.extend(["--namespace", namespace]);
    }
    Role::start(&installation.folder, &format!("pods-{name}-{number}"), &arguments, settings)
}

/// Waits until an agent has a lease.
pub(crate) async fn until_live(client: &Client, agent: &str) {
    until(&format!("agent {agent} is live"), LIMIT, async || {
        let found = client.get(&format!("/api/v1/orgs/default/agents/{agent}")).await;
        (found["is_live"] == true).then_some(())
    })
    .await;
}

/// A job on `queue` with that environment.
pub(crate) fn job(queue: &str, script: &str, environment: &Value) -> Value {
    json!({
        "kind": "operation",
        "queue": queue,
        "component": {"run": {
            "kind": "job",
            "environment": environment,
            "container": {"image": "busybox", "command": ["sh", "-c"], "args": [script]},
        }},
    })
}

/// The pods of a namespace.
pub(crate) async fn pods(cluster: &Cluster, namespace: &str) -> Api<Pod> {
    Api::namespaced(cluster.client().await, namespace)
}

/// The pod of a run.
pub(crate) async fn pod_of(pods: &Api<Pod>, run: &str) -> Option<Pod> {
    let params = ListParams::default().labels(&format!("berth.dev/run={run}"));
    pods.list(&params).await.unwrap().items.pop()
}

/// Waits until no pod is left.
pub(crate) async fn until_empty(pods: &Api<Pod>) {
    let left = Mutex::new(Vec::new());
    let what = || format!("no pod is left: {:#?}", left.lock().unwrap());
    until_or(what, LIMIT, async || {
        let items = pods.list(&ListParams::default()).await.ok()?.items;
        let is_empty = items.is_empty();
        *left.lock().unwrap() = items;
        is_empty.then_some(())
    })
    .await;
}

/// Checks that `runs` attempts had exactly one pod each, ever.
pub(crate) fn assert_one_pod_each(cluster: &Cluster, namespace: &str, runs: u64) {
    let attempts = created_once(cluster, namespace);
    assert_eq!(attempts.len() as u64, runs, "one attempt for each run");
}
