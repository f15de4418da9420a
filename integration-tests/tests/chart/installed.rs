//! The chart on a real node: control plane and agent are installed from the image of this tree, a run succeeds, an upgrade
//! under load loses and doubles nothing, and what is uninstalled leaves nothing. Broker and database are on this machine.

use std::path::PathBuf;
use std::time::Duration;

use berth_integration_tests::helm::{self, Helm};
use berth_integration_tests::{created_once, image};
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode, until};
use berth_test_servers::{Postgres, Proxy, RabbitMq};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use super::load::{ApiPods, Load};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(360);

/// The name in the API server's certificate, which pods find by `hostAliases`.
const API_SERVER: &str = "kubernetes.default.svc";
/// How long the API server goes on with a request, in seconds: what is let go of, or started anew, waits for that long.
const REQUEST_TIMEOUT: u64 = 5;
const TOKEN: &str = "a-token-that-only-this-test-knows-0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_works_is_upgraded_under_load_and_leaves_nothing() {
    if !RealNode::is_asked_for() {
        return;
    }
    let archive = image::archive();
    let options = Options {
        audit: true,
        api_server_arguments: vec![format!("--request-timeout={REQUEST_TIMEOUT}s")],
        ..Options::default()
    };
    let Some(cluster) = Cluster::own(options).await else { return };
    let ground = Ground::new(cluster).await;
    let Some(node) = RealNode::start_with(&ground.cluster, &[&archive]).await else { return };

    let control_plane = ground.control_plane(node.gateway());
    ground.helm(&["install", "control-plane", "--values", &control_plane]);
    let api = ground.api().await;
    let client = api.client().await;
    let agents = "/api/v1/orgs/default/agents";
    client.call("POST", agents, Some(&json!({"name": "eu", "is_default": true}))).await;
    client.call("POST", "/api/v1/default/projects/create", Some(&json!({"name": "default"}))).await;
    let made = client.call("POST", &format!("{agents}/eu/credentials"), None).await;
    assert_eq!(made["note"], Value::Null, "{made}");
    let printed = ground.file("printed.yaml", made["helm_values"].as_str().unwrap());
    let agent = ground.agent(node.gateway());
    ground.helm(&["install", "eu", "--values", &printed, "--values", &agent]);
    let first = client.submit("default", &job("true")).await;
    client.wait_for("default", &first, "succeeded", LIMIT).await;

    let load = Load::start(api.clone(), job("sleep 1"));
    let before = ground.names().await;
    let changed = ["--reuse-values", "--set", "settings.log_filter=debug"];
    let contracts = ["--set", "migrations.contract=true"];
    ground.helm(&[&["upgrade", "control-plane"], &changed[..], &contracts].concat());
    ground.helm(&[&["upgrade", "eu"], &changed[..]].concat());
    let after = ground.names().await;
    assert!(before.iter().all(|name| !after.contains(name)), "every pod is another: {before:?} {after:?}");
    let runs = load.end().await;
    assert!(runs.len() >= 10, "{} runs are no load", runs.len());
    let client = api.client().await;
    for run in &runs {
        client.wait_for("default", run, "succeeded", LIMIT).await;
    }
    ground.assert_one_pod_each(&runs);

    ground.can_be_looked_after();

    let lasting = client.submit("default", &job("sleep 600")).await;
    client.wait_for("default", &lasting, "running", LIMIT).await;
    ground.helm(&["uninstall", "eu"]);
    let left = ground.runs.list(&ListParams::default()).await.unwrap().items;
    assert!(left.is_empty(), "pods of runs are left: {left:#?}");
    let conditions = client.conditions("default", &lasting).await;
    assert!(conditions.iter().any(|one| one["reason"] == "AgentRemoved"), "{conditions:#?}");
    ground.helm(&["uninstall", "control-plane"]);
    until("nothing of Berth is left", LIMIT, async || {
        ground.berth.list(&ListParams::default()).await.ok()?.items.is_empty().then_some(())
    })
    .await;
}

/// A job on the agent's default queue.
fn job(script: &str) -> Value {
    let container = json!({"image": BUSYBOX, "command": ["sh", "-c"], "args": [script]});
    let component = json!({"run": {"kind": "job", "container": container}});
    json!({"kind": "operation", "queue": "eu/default", "component": component})
}

/// A cluster, and what is outside of it.
struct Ground {
    cluster: Cluster,
    helm: Helm,
    postgres: Postgres,
    rabbitmq: RabbitMq,
    ways: Ways,
    /// Pods of Berth, in a namespace that restricts them.
    berth: Api<Pod>,
    /// Pods of runs.
    runs: Api<Pod>,
}

/// Where pods reach what listens on loopback only.
struct Ways {
    database: Proxy,
    broker: Proxy,
    management: Proxy,
    api_server: Proxy,
}

impl Ground {
    async fn new(cluster: Cluster) -> Self {
        let (postgres, rabbitmq) = (Postgres::start(), RabbitMq::start_managed());
        let management: u16 = rabbitmq.management_url().rsplit_once(':').unwrap().1.parse().unwrap();
        let ways = Ways {
            database: Proxy::start_for_pods(postgres.port()),
            broker: Proxy::start_for_pods(rabbitmq.port()),
            management: Proxy::start_for_pods(management),
            api_server: Proxy::start_for_pods(cluster.port()),
        };
        for namespace in ["berth", "runs"] {
            cluster.kubectl(&["create", "namespace", namespace]);
        }
        cluster.kubectl(&["label", "namespace", "berth", "pod-security.kubernetes.io/enforce=restricted"]);
        let secrets: Api<Secret> = Api::namespaced(cluster.client().await, "berth");
        let token = json!({"metadata": {"name": "berth-token"}, "stringData": {"token": TOKEN}});
        secrets.create(&PostParams::default(), &serde_json::from_value(token).unwrap()).await.unwrap();
        let pods = |client, namespace| Api::<Pod>::namespaced(client, namespace);
        Self {
            helm: Helm::new(Some(cluster.kubeconfig_file())),
            berth: pods(cluster.client().await, "berth"),
            runs: pods(cluster.client().await, "runs"),
            cluster,
            postgres,
            rabbitmq,
            ways,
        }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.helm.home().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn image() -> Value {
        json!({"repository": image::REPOSITORY, "tag": image::TAG, "pullPolicy": "Never"})
    }

    fn resources() -> Value {
        json!({"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}, "topologySpread": []})
    }

    fn control_plane(&self, host: &str) -> String {
        let at = |url: &str, from: u16, to: &Proxy| {
            url.replace(&format!("127.0.0.1:{from}"), &format!("{host}:{}", to.port()))
        };
        let values = json!({
            "image": Self::image(),
            "broker": {
                "url": at(&self.rabbitmq.url(), self.rabbitmq.port(), &self.ways.broker),
                "managementUrl": format!("http://{host}:{}", self.ways.management.port()),
            },
            "database": {"url": at(&self.postgres.url(), self.postgres.port(), &self.ways.database)},
            "defaults": Self::resources(),
            "api": {"enabled": true, "bootstrapToken": {"existingSecret": "berth-token"}},
            "scheduler": {"enabled": true},
        });
        self.file("control-plane.yaml", &values.to_string())
    }

    /// What an agent needs beside the values that are printed for it.
    fn agent(&self, host: &str) -> String {
        let values = json!({
            "image": Self::image(),
            "defaults": Self::resources(),
            "agent": {
                "namespaces": ["runs"],
                "hostAliases": [{"ip": host, "hostnames": [API_SERVER]}],
                "extraEnv": [
                    {"name": "KUBERNETES_SERVICE_HOST", "value": API_SERVER},
                    {"name": "KUBERNETES_SERVICE_PORT", "value": self.ways.api_server.port().to_string()},
                ],
                "settings": {"grace_seconds": 1, "kubernetes_request_timeout_seconds": REQUEST_TIMEOUT},
            },
        });
        self.file("agent.yaml", &values.to_string())
    }

    /// `helm WHAT RELEASE ...` with the chart, to its end, every pod ready.
    fn helm(&self, arguments: &[&str]) {
        let chart = helm::chart().display().to_string();
        let mut all = vec![arguments[0], arguments[1]];
        if arguments[0] != "uninstall" {
            all.push(&chart);
        }
        all.extend(&arguments[2..]);
        all.extend(["--namespace", "berth", "--wait", "--timeout", "600s"]);
        let output = self.helm.tried(&all);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {all:?}: {words}\n{}", self.told());
    }

    /// What the cluster tells of Berth's pods, for a failure's message.
    fn told(&self) -> String {
        let pods = self.cluster.kubectl(&["get", "pods", "-A", "-o", "wide"]);
        let events = self.cluster.kubectl(&["get", "events", "-n", "berth", "--sort-by=.lastTimestamp"]);
        let logs = ["berth-api", "berth-scheduler", "berth-agent"].map(|name| {
            let selector = format!("app.kubernetes.io/name={name}");
            self.cluster.kubectl(&["logs", "-n", "berth", "--tail=10", "--ignore-errors", "-l", &selector])
        });
        format!("{pods}\n{events}\n{}", logs.join("\n"))
    }

    /// What NOTES.txt tells to do in a pod can be done there.
    fn can_be_looked_after(&self) {
        let berth = |arguments: &[&str]| {
            let pod = ["exec", "-n", "berth", "deployment/berth-api", "--", "/berth"];
            self.cluster.kubectl(&[&pod, arguments].concat())
        };
        let told = berth(&["admin", "check"]);
        assert!(!told.contains("wait"), "every migration was made: {told}");
        assert!(berth(&["admin", "token"]).trim().len() >= 32);
    }

    async fn api(&self) -> ApiPods {
        ApiPods { pods: self.berth.clone(), token: TOKEN.to_owned() }
    }

    /// The names of Berth's pods that run and are not being ended.
    async fn names(&self) -> Vec<String> {
        let pods = self.berth.list(&ListParams::default()).await.unwrap().items;
        let live = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        live.filter_map(|pod| pod.metadata.name).collect()
    }

    /// Checks that each run had one pod, ever.
    fn assert_one_pod_each(&self, runs: &[String]) {
        let attempts = created_once(&self.cluster, "runs");
        for run in runs {
            let of_run: Vec<_> = attempts.iter().filter(|name| name.contains(run.as_str())).collect();
            assert_eq!(of_run.len(), 1, "run {run}: {of_run:?}");
        }
    }
}
