//! What is scaled: a Deployment whose pods are played by a fake node, and beside each of them the real process that a pod of
//! the chart would run. And how the API server comes to external metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_integration_tests::{Installation, Role};
use berth_test_servers::kubernetes::Cluster;
use berth_test_servers::port;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a role may take to end when it is asked to.
const LEAVES_WITHIN: Duration = Duration::from_secs(10);

/// The Service that the API server asks for external metrics.
pub(crate) const SERVICE: &str = "berth-external-metrics";

/// Applies an object, as its administrator.
pub(crate) fn apply(cluster: &Cluster, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let kind = object["kind"].as_str().unwrap();
    let file = cluster.folder().join(format!("{kind}-{name}.json"));
    std::fs::write(&file, object.to_string()).unwrap();
    cluster.kubectl(&["apply", "-f", file.to_str().unwrap()]);
}

/// A Deployment of one replica, and an autoscaler that has up to four, by `metric` with so much of it for each.
pub(crate) fn deploy(cluster: &Cluster, namespace: &str, name: &str, metric: &Value, each: &str) {
    let labels = json!({"app": name});
    apply(
        cluster,
        &json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "none", "command": ["sleep", "infinity"]}]},
                },
            },
        }),
    );
    apply(
        cluster,
        &json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": 1,
                "maxReplicas": 4,
                "metrics": [{"type": "External", "external": {
                    "metric": metric,
                    "target": {"type": "AverageValue", "averageValue": each},
                }}],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 3}},
            },
        }),
    );
}

/// Lets the API server find external metrics at a port of this machine, whose certificate the cluster's authority signed;
/// and lets the account `account` ask what a server behind it has to.
pub(crate) fn aggregate(cluster: &Cluster, namespace: &str, account: &str, port: u16) {
    let subject = json!([{"kind": "ServiceAccount", "name": account, "namespace": namespace}]);
    let role =
        |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    for object in [
        // There is neither a network of pods here nor a DNS of theirs: this name is known to all machines.
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": namespace},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": SERVICE},
            "roleRef": role("ClusterRole", "system:auth-delegator"),
            "subjects": subject,
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": SERVICE, "namespace": "kube-system"},
            "roleRef": role("Role", "extension-apiserver-authentication-reader"),
            "subjects": subject,
        }),
        json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
            "spec": {
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": SERVICE, "namespace": namespace, "port": port},
                "caBundle": cluster.authority_in_base64(),
            },
        }),
    ] {
        apply(cluster, &object);
    }
}

/// Starts and ends the processes of a Deployment's pods as pods come and go.
pub(crate) struct Replicas {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Ended>,
}

/// How the processes ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// How many were asked to end, and did in time.
    pub(crate) left: usize,
    /// What those said that did not.
    pub(crate) late: Vec<String>,
}

impl Replicas {
    /// Plays the pods with the label `app=<name>` by processes that `start` starts, each by its pod's name.
    pub(crate) async fn play(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        start: impl Fn(&str) -> Role + Send + 'static,
    ) -> Self {
        let pods: Api<Pod> = Api::namespaced(cluster.client().await, namespace);
        let (stop, selector) = (CancellationToken::new(), format!("app={name}"));
        let stopped = stop.clone();
        let tasks = tokio_util::task::TaskTracker::new();
        let task = tasks.spawn(async move { play(&pods, &selector, start, &stopped).await });
        Self { stop, task }
    }

    /// Ends; the processes that are left are killed.
    pub(crate) async fn end(self) -> Ended {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

async fn play(
    pods: &Api<Pod>,
    selector: &str,
    start: impl Fn(&str) -> Role,
    stop: &CancellationToken,
) -> Ended {
    let (mut live, mut leaving) = (BTreeMap::<String, Role>::new(), Vec::<(Role, Instant)>::new());
    let mut ended = Ended::default();
    let params = ListParams::default().labels(selector);
    loop {
        // Before it is looked what there is: whoever stops this has seen what it is to see, too.
        let is_last = stop.is_cancelled();
        if let Ok(listed) = pods.list(&params).await {
            let runs = |pod: &Pod| pod.metadata.deletion_timestamp.is_none() && is_running(pod);
            let wanted: Vec<String> = listed
                .items
                .iter()
                .filter(|pod| runs(pod))
                .filter_map(|pod| pod.metadata.name.clone())
                .collect();
            for name in &wanted {
                if !live.contains_key(name) {
                    live.insert(name.clone(), start(name));
                }
            }
            let gone: Vec<String> = live.keys().filter(|name| !wanted.contains(name)).cloned().collect();
            for role in gone.iter().filter_map(|name| live.remove(name)) {
                role.signal("TERM");
                leaving.push((role, Instant::now()));
            }
        }
        let (still, over): (Vec<_>, Vec<_>) = leaving
            .into_iter()
            .map(|(mut role, asked)| (role.is_running(), role, asked))
            .partition(|(runs, _, asked)| *runs && asked.elapsed() < LEAVES_WITHIN);
        leaving = still.into_iter().map(|(_, role, asked)| (role, asked)).collect();
        for (runs, role, _) in over {
            if runs {
                ended.late.push(format!("{}:\n{}", role.name(), role.last_words()));
            } else {
                ended.left += 1;
            }
        }
        // Those that were asked to end are waited for.
        if is_last && leaving.is_empty() {
            return ended;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_running(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}

/// A role that serves external metrics of `cluster` on `port`; its arguments are those of the role and these.
pub(crate) fn serving(
    cluster: &Cluster,
    namespace: &str,
    kubeconfig: &std::path::Path,
    port: u16,
) -> Vec<String> {
    let (certificate, key) = cluster.serving_files(&format!("{SERVICE}.{namespace}.svc"));
    let listen = format!("127.0.0.1:{port}");
    let flags = [
        ("--external-metrics-listen", listen),
        ("--external-metrics-cert-file", certificate.display().to_string()),
        ("--external-metrics-key-file", key.display().to_string()),
        ("--kubeconfig", kubeconfig.display().to_string()),
    ];
    flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
}

/// Starts a role of an installation with a metrics listener of its own.
pub(crate) fn role(
    installation: &(std::path::PathBuf, Vec<(&'static str, String)>),
    name: &str,
    arguments: &[&str],
) -> Role {
    let listen = format!("127.0.0.1:{}", port::free());
    let arguments = [arguments, &["--metrics-listen", &listen]].concat();
    Role::start(&installation.0, name, &arguments, &installation.1)
}

/// What [`role`] takes of an installation: its folder and settings.
pub(crate) fn place(installation: &Installation) -> (std::path::PathBuf, Vec<(&'static str, String)>) {
    (installation.folder.clone(), installation.settings().to_vec())
}
