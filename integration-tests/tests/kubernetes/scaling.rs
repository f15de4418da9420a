//! The real autoscaler of Kubernetes scales agents and schedulers by work that could start, behind the real aggregation
//! layer: up to four replicas and back to one, and no run is lost or executed twice.

use berth_integration_tests::{Backing, Client, Installation, Journal, shell};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options, until};
use berth_test_servers::port;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::ground::{LIMIT, register, until_live};
use super::scaled::{Replicas, aggregate, deploy, place, role, serving};

const API: &str = "/apis/external.metrics.k8s.io/v1beta1";
/// How many runs are kept waiting until there are four replicas of each.
const BUSY: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_schedulers_are_scaled_by_work_that_could_start_and_by_nothing_else() {
    let sync = "--horizontal-pod-autoscaler-sync-period=1s".to_owned();
    let options = Options { controller_manager_arguments: vec![sync], ..Options::default() };
    let Some(cluster) = Cluster::own(options).await else { return };
    let namespace = cluster.namespace("scaling").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;
    let installation = Installation::start_with(Backing::RabbitMq, 1).await;
    let client = &installation.client;
    register(client, "eu").await;

    // --- what the API server asks
    let account = cluster.kubeconfig_of_service_account(&namespace, "berth-api").await;
    let kubeconfig = installation.folder.join("api.kubeconfig");
    std::fs::write(&kubeconfig, account).unwrap();
    let (listen, at) = (format!("127.0.0.1:{}", port::free()), port::free());
    let flags = serving(&cluster, &namespace, &kubeconfig, at);
    let mut arguments = vec!["api", "--listen", &listen];
    arguments.extend(flags.iter().map(String::as_str));
    let place = place(&installation);
    let _server = role(&place, "api-metrics", &arguments);
    aggregate(&cluster, &namespace, "berth-api", at);
    let metrics = Metrics { cluster: &cluster, namespace: namespace.name() };
    until("the API server has external metrics", LIMIT, async || {
        metrics.raw(&format!("{API}/namespaces/x/berth_queue_backlog")).await.ok().map(drop)
    })
    .await;
    only_the_api_server_and_whom_it_knows_is_answered(&cluster, at).await;
    let at = port::free();
    let flags = serving(&cluster, &namespace, &kubeconfig, at);
    let data = installation.folder.join("us").display().to_string();
    let mut arguments = vec!["agent", "--name", "us", "--executor", "process", "--data-dir", &data];
    arguments.extend(flags.iter().map(String::as_str));
    register(client, "us").await;
    let told_by_agent = role(&place, "agent-metrics", &arguments);
    an_agent_tells_of_its_own_queues(&cluster, at).await;
    drop(told_by_agent);

    // --- what is scaled
    let eu = json!({"name": "berth_queue_admissible", "selector": {"matchLabels": {"agent": "eu"}}});
    deploy(&cluster, &namespace, "agents", &eu, "20");
    deploy(&cluster, &namespace, "schedulers", &json!({"name": "berth_queue_admissible"}), "40");
    let of_agent = place.clone();
    let eu_data = installation.folder.join("eu").display().to_string();
    let agents = Replicas::play(&cluster, &namespace, "agents", move |pod| {
        let arguments = ["agent", "--name", "eu", "--executor", "process", "--data-dir", &eu_data];
        role(&of_agent, pod, &[&arguments[..], &["--prefetch", "8"]].concat())
    })
    .await;
    let of_scheduler = place.clone();
    let schedulers = Replicas::play(&cluster, &namespace, "schedulers", move |pod| {
        role(&of_scheduler, pod, &["scheduler"])
    })
    .await;
    until_live(client, "eu").await;

    held_back_work_scales_nothing(client, &metrics).await;

    let journal = Journal::new(&installation.folder, "journal");
    let operation = on_eu(shell(&journal.around("true")));
    let mut runs = 0;
    until("there are four replicas of each", LIMIT, async || {
        if metrics.sum("berth_queue_admissible").await < BUSY {
            client.submit_all("default", &vec![operation.clone(); 200]).await;
            runs += 200;
        }
        (metrics.replicas().await == (4, 4)).then_some(())
    })
    .await;
    until("all four agents take work", LIMIT, async || {
        let agent = client.get("/api/v1/orgs/default/agents/eu").await;
        (agent["replicas"].as_array().map_or(0, Vec::len) == 4).then_some(())
    })
    .await;
    client.wait_for_all("default", runs, "succeeded", LIMIT).await;
    until("there is one replica of each again", LIMIT, async || {
        (metrics.replicas().await == (1, 1)).then_some(())
    })
    .await;

    for (what, replicas) in [("agents", agents), ("schedulers", schedulers)] {
        let ended = replicas.end().await;
        assert!(ended.late.is_empty(), "not gone within 10 s: {:?}", ended.late);
        assert!(ended.left >= 3, "{} {what} left", ended.left);
    }
    assert_eq!(journal.started_twice(), [] as [&str; 0]);
    assert_eq!(journal.starts().len() as u64, runs);
}

/// A project may run one at a time: nine hundred more that wait are none of the replicas' business.
async fn held_back_work_scales_nothing(client: &Client, metrics: &Metrics<'_>) {
    let narrow = json!({"name": "narrow", "concurrency": 1});
    client.call("POST", "/api/v1/default/projects/create", Some(&narrow)).await;
    let held = client.submit_all("narrow", &vec![on_eu(shell("sleep 600")); 300]).await;
    until("the backlog is told", LIMIT, async || {
        (metrics.sum("berth_queue_backlog").await >= 299).then_some(())
    })
    .await;
    // Figures are taken every five seconds, and looked at every second.
    for _ in 0..2 {
        let told = metrics.told_at().await;
        until("it is measured again", LIMIT, async || (metrics.told_at().await != told).then_some(())).await;
        assert_eq!((metrics.sum("berth_queue_admissible").await, metrics.replicas().await), (0, (1, 1)));
    }
    for run in held {
        client.call("POST", &format!("/api/v1/default/narrow/runs/{run}/stop"), Some(&json!({}))).await;
    }
}

/// Whoever comes without the API server's certificate is unknown; whom it names is asked of the cluster.
async fn only_the_api_server_and_whom_it_knows_is_answered(cluster: &Cluster, port: u16) {
    let path = format!("{API}/namespaces/x/berth_queue_admissible?labelSelector=agent%3Deu");
    let front_proxy = front_proxy(cluster);
    let admin = cluster.identity_of_user("admin", Some("system:masters"));
    let ask = async |identity: Option<&str>, path: &str, said: &[(&str, &str)]| {
        asked(port, identity, path, said).await
    };
    let masters = MASTERS;
    let (status, told) = ask(None, &path, &masters).await;
    assert_eq!((status, &told["reason"], &told["kind"]), (401, &json!("Unauthorized"), &json!("Status")));
    assert_eq!(
        ask(Some(&admin), &path, &masters).await.0,
        401,
        "a user's own certificate is not the API server's"
    );
    let (status, told) = ask(Some(&front_proxy), &path, &[("X-Remote-User", "nobody")]).await;
    assert_eq!(status, 403, "{told}");
    let words =
        "user \"nobody\" may not list berth_queue_admissible.external.metrics.k8s.io in the namespace \"x\"";
    assert_eq!(told["message"], words);
    let (status, told) = ask(Some(&front_proxy), &path, &masters).await;
    assert_eq!((status, &told["items"][0]["metricLabels"]["agent"]), (200, &json!("eu")), "{told}");
    for (wrong, status, words) in [
        (
            "berth_queue_dead",
            404,
            "there is no metric `berth_queue_dead`; there are berth_queue_admissible, ",
        ),
        (
            "berth_queue_backlog?labelSelector=team%3Da",
            400,
            "there is no label `team` here: it has agent and queue",
        ),
    ] {
        let (found, told) = ask(Some(&front_proxy), &format!("{API}/namespaces/x/{wrong}"), &masters).await;
        assert!(found == status && told["message"].as_str().unwrap().contains(words), "{found} {told}");
    }
    // The same by way of the API server, which has its own say.
    let nobody = Cluster::client_of(&cluster.kubeconfig_of_user("nobody", "default")).await;
    let request = http::Request::get(&path).body(Vec::new()).unwrap();
    let refused = nobody.request_text(request).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");
    let raw: Value = serde_json::from_str(&cluster.kubectl(&["get", "--raw", &path])).unwrap();
    assert_eq!(raw["kind"], "ExternalMetricValueList");
    assert!(cluster.kubectl(&["api-resources"]).contains("berth_queue_admissible"));
}

/// An agent has no store: it tells what the scheduler told it.
async fn an_agent_tells_of_its_own_queues(cluster: &Cluster, port: u16) {
    let front_proxy = front_proxy(cluster);
    let path = |metric: &str| format!("{API}/namespaces/x/{metric}");
    let told = until("the agent tells what waits", LIMIT, async || {
        let (status, told) = asked(port, Some(&front_proxy), &path("berth_queue_backlog"), &MASTERS).await;
        (status == 200).then_some(told)
    })
    .await;
    let items = told["items"].as_array().unwrap();
    assert!(items.len() == 1 && items[0]["metricLabels"]["agent"] == "us", "{told}");
    let (status, _) = asked(port, Some(&front_proxy), &path("berth_http_requests_in_flight"), &MASTERS).await;
    assert_eq!(status, 404, "it answers no requests");
}

/// Who may do everything.
const MASTERS: [(&str, &str); 2] = [("X-Remote-User", "root"), ("X-Remote-Group", "system:masters")];

/// What the API server shows to servers behind it.
fn front_proxy(cluster: &Cluster) -> String {
    let file = |name| std::fs::read_to_string(cluster.folder().join(name)).unwrap();
    ["front-proxy.crt", "front-proxy.key"].map(file).concat()
}

/// Asks a server past the API server, with a certificate and headers.
async fn asked(port: u16, identity: Option<&str>, path: &str, said: &[(&str, &str)]) -> (u16, Value) {
    let mut client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
    if let Some(identity) = identity {
        client = client.identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap());
    }
    let mut request = client.build().unwrap().get(format!("https://127.0.0.1:{port}{path}"));
    for (header, value) in said {
        request = request.header(*header, *value);
    }
    // It may not listen yet.
    let Ok(answer) = request.send().await else { return (0, Value::Null) };
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

fn on_eu(mut operation: Value) -> Value {
    operation["queue"] = json!("eu/default");
    operation
}

/// What the API server tells.
struct Metrics<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
}

impl Metrics<'_> {
    async fn raw(&self, path: &str) -> kube::Result<Value> {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        self.cluster.client().await.request::<Value>(request).await
    }

    async fn of_eu(&self, metric: &str) -> Value {
        let path = format!("{API}/namespaces/{}/{metric}?labelSelector=agent%3Deu", self.namespace);
        self.raw(&path).await.unwrap()
    }

    /// The sum of a metric over the queues of the agent.
    async fn sum(&self, metric: &str) -> u64 {
        let told = self.of_eu(metric).await;
        let values = told["items"].as_array().unwrap().iter();
        values.map(|item| item["value"].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// When it was measured last.
    async fn told_at(&self) -> Value {
        self.of_eu("berth_queue_admissible").await["items"][0]["timestamp"].clone()
    }

    /// How many pods of agents and schedulers there are, without those that are asked to end.
    async fn replicas(&self) -> (usize, usize) {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client().await, self.namespace);
        let there = async |name: &str| {
            let listed = pods.list(&ListParams::default().labels(&format!("app={name}"))).await.unwrap();
            listed.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).count()
        };
        (there("agents").await, there("schedulers").await)
    }
}
