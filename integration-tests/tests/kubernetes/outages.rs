//! What an API server does to its clients: it dies, forgets what they had seen, hangs, and pushes back. Nothing is lost,
//! nothing is doubled, and no agent has to be restarted.

use std::time::Duration;

use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options, until};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ground::{
    LIMIT, REQUEST_TIMEOUT, access, assert_one_pod_each, job, pods, register, replica, until_empty,
};

/// Half of them meet a server that is away, half one that pushes back.
const BATCH: usize = 120;
const RUNS: u64 = 2 * BATCH as u64;
const LONG: Duration = Duration::from_secs(300);
/// How long the API server hangs: longer than a claim is valid, and than any request waits.
const HANGS: Duration = Duration::from_secs(30);
/// How long it is dead.
const DEAD: Duration = Duration::from_secs(5);
/// How often it must have pushed back before it is a storm.
const PUSHED_BACK: f64 = 500.0;
/// How many ask beside the agent.
const ASKING: usize = 16;
/// Between two requests of one of the crowd, in times of what an answer takes: the server has one seat for all of them, which
/// is then taken for some four fifths of the time on any machine. Without a pause, whether anybody else ever gets a turn is
/// chance.
const PAUSE: u32 = 4;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const CROWDED: &str = "crowded";

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_dies_forgets_hangs_and_pushes_back_costs_nothing() {
    let options = Options {
        audit: true,
        api_server_arguments: vec![format!("--request-timeout={REQUEST_TIMEOUT}s")],
        ..Options::default()
    };
    let Some(mut cluster) = Cluster::own(options).await else { return };
    let namespace = cluster.namespace("outages").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;
    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let mut replicas: Vec<_> =
        (1..=2).map(|n| replica(&installation, "eu", n, &kubeconfig, &[namespace.name()], 0)).collect();
    let operations = vec![job("eu/default", "sleep 0.5", &json!({})); BATCH];
    client.submit_all("default", &operations).await;

    client.wait_for_all("default", 20, "succeeded", LONG).await;
    cluster.kill_api_server();
    cluster.compact_etcd();
    // The outage is the subject of the test.
    tokio::time::sleep(DEAD).await;
    cluster.restart_api_server().await;

    client.wait_for_all("default", 60, "succeeded", LONG).await;
    cluster.freeze_api_server(true);
    tokio::time::sleep(HANGS).await;
    cluster.freeze_api_server(false);

    client.wait_for_all("default", 100, "succeeded", LONG).await;
    let crowd = Crowd::gather(&cluster, namespace.name(), &kubeconfig).await;
    client.submit_all("default", &operations).await;
    crowd.until_pushed_back().await;
    client.wait_for_all("default", RUNS - BATCH as u64 + 10, "succeeded", LONG).await;
    crowd.disperse().await;

    client.wait_for_all("default", RUNS, "succeeded", LONG).await;
    until_empty(&pods(&cluster, &namespace).await).await;
    assert!(replicas.iter_mut().all(|replica| replica.is_running()), "none had to be restarted");
    assert_one_pod_each(&cluster, &namespace, RUNS);
}

/// Others who ask with the agent's own account, and a server that gives that account next to nothing.
struct Crowd {
    admin: Client,
    asking: JoinSet<()>,
}

impl Crowd {
    async fn gather(cluster: &Cluster, namespace: &str, kubeconfig: &std::path::Path) -> Self {
        let admin = cluster.client().await;
        let level: PriorityLevelConfiguration = serde_json::from_value(json!({
            "metadata": {"name": CROWDED},
            "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            }},
        }))
        .unwrap();
        let everybody = json!({
            "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true
        });
        let accounts = format!("system:serviceaccounts:{namespace}");
        let schema: FlowSchema = serde_json::from_value(json!({
            "metadata": {"name": CROWDED},
            "spec": {
                "priorityLevelConfiguration": {"name": CROWDED},
                "matchingPrecedence": 2,
                "rules": [{
                    "subjects": [{"kind": "Group", "group": {"name": accounts}}],
                    "resourceRules": [everybody],
                }],
            },
        }))
        .unwrap();
        Api::all(admin.clone()).create(&PostParams::default(), &level).await.unwrap();
        Api::all(admin.clone()).create(&PostParams::default(), &schema).await.unwrap();
        let mut asking = JoinSet::new();
        let kubeconfig = std::fs::read_to_string(kubeconfig).unwrap();
        for _ in 0..ASKING {
            let pods: Api<Pod> = Api::namespaced(impatient(&kubeconfig).await, namespace);
            asking.spawn(async move {
                let mut pause = SHORTEST_PAUSE;
                loop {
                    let asked = Instant::now();
                    // What comes back is the server's business: it is there to be busy.
                    if pods.list(&ListParams::default()).await.is_ok() {
                        pause = SHORTEST_PAUSE.max(PAUSE * asked.elapsed());
                    }
                    tokio::time::sleep(pause).await;
                }
            });
        }
        Self { admin, asking }
    }

    /// Waits until the server has sent 429 often enough to be believed.
    async fn until_pushed_back(&self) {
        until("the API server pushes back", LIMIT, async || {
            let request = http::Request::get("/metrics").body(Vec::new()).ok()?;
            let metrics = self.admin.request_text(request).await.ok()?;
            let pushed_back: f64 = metrics
                .lines()
                .filter(|line| line.starts_with("apiserver_flowcontrol_rejected_requests_total"))
                .filter(|line| line.contains(CROWDED))
                .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
                .sum();
            (pushed_back >= PUSHED_BACK).then_some(())
        })
        .await;
    }

    async fn disperse(mut self) {
        self.asking.shutdown().await;
        let schemas: Api<FlowSchema> = Api::all(self.admin.clone());
        schemas.delete(CROWDED, &DeleteParams::default()).await.unwrap();
    }
}

/// A client that does not care for Retry-After.
async fn impatient(kubeconfig: &str) -> Client {
    let file = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}
