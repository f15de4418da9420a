//! Agents that are removed, and namespaces that are deleted under them: no finalizer is left that nobody takes off.

use berth_integration_tests::{Backing, Client, Installation, Run};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Namespace, Options, until};
use k8s_openapi::api::core::v1::Namespace as Object;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::ground::{LIMIT, REQUEST_TIMEOUT, access, job, pods, register, replica, until_empty};

#[tokio::test(flavor = "multi_thread")]
async fn neither_an_agent_that_is_removed_nor_a_namespace_that_is_deleted_sticks_on_a_finalizer() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes");
    cluster.kubectl(&["apply", "--dry-run=server", "--validate=strict", "-f", folder]);
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("one")).await;
    let installation = Installation::start(Backing::Redis).await;
    tokio::join!(
        a_drained_agent_leaves_nothing(&cluster, &installation),
        a_dead_agent_is_drained_by_hand(&cluster, &installation),
        a_namespace_goes_with_its_agent(&cluster, &installation),
        a_namespace_goes_under_an_agent_that_stays(&cluster, &installation),
    );
}

/// What a Helm hook does before it removes an agent: replicas that live create nothing more, and report the ends.
async fn a_drained_agent_leaves_nothing(cluster: &Cluster, installation: &Installation) {
    let ground = Ground::new(cluster, installation, "drained").await;
    let mut replicas = [ground.replica(1), ground.replica(2)];
    let runs = ground.running(3).await;
    let ended = ground.client.submit("default", &job("drained/default", "exit 0", &json!({}))).await;
    ground.client.wait_for("default", &ended, "succeeded", LIMIT).await;

    ground.drain().await;

    until_empty(&pods(cluster, &ground.namespace).await).await;
    until_reported(ground.client, &runs, "AgentRemoved").await;
    assert!(replicas.iter_mut().all(|replica| replica.is_running()));
    // The next attempts wait for an agent that takes them: these replicas don't any more, until they are removed.
    let why = ground.client.get(&format!("/api/v1/default/default/runs/{}/explain", runs[0])).await;
    assert_ne!(why["status"], "running", "{why:#}");
    drop(replicas);
    ground.delete_namespace().await;
}

async fn a_dead_agent_is_drained_by_hand(cluster: &Cluster, installation: &Installation) {
    let ground = Ground::new(cluster, installation, "dead").await;
    let replica = ground.replica(1);
    ground.running(2).await;
    drop(replica);
    ground.drain().await;
    until_empty(&pods(cluster, &ground.namespace).await).await;
    ground.delete_namespace().await;
}

/// Kubernetes deletes all pods of a namespace at once: the runs', and the agent's.
async fn a_namespace_goes_with_its_agent(cluster: &Cluster, installation: &Installation) {
    let ground = Ground::new(cluster, installation, "together").await;
    let mut replica = ground.replica(1);
    let runs = ground.running(2).await;
    ground.begin_to_delete_namespace().await;
    let pods = pods(cluster, &ground.namespace).await;
    until("its pods are being deleted", LIMIT, async || {
        let pods = pods.list_metadata(&ListParams::default()).await.ok()?.items;
        pods.iter().all(|pod| pod.metadata.deletion_timestamp.is_some()).then_some(())
    })
    .await;
    replica.signal("TERM");
    ground.until_namespace_is_gone().await;
    until("the replica has ended", LIMIT, async || (!replica.is_running()).then_some(())).await;
    until_reported(ground.client, &runs, "Deleted").await;
}

async fn a_namespace_goes_under_an_agent_that_stays(cluster: &Cluster, installation: &Installation) {
    let ground = Ground::new(cluster, installation, "outside").await;
    let mut replica = ground.replica(1);
    let runs = ground.running(2).await;
    ground.delete_namespace().await;
    until_reported(ground.client, &runs, "Deleted").await;
    assert!(replica.is_running());
}

/// A namespace with an agent of its own.
struct Ground<'a> {
    cluster: &'a Cluster,
    installation: &'a Installation,
    client: &'a Client,
    agent: &'static str,
    namespace: Namespace,
    kubeconfig: std::path::PathBuf,
}

impl<'a> Ground<'a> {
    async fn new(cluster: &'a Cluster, installation: &'a Installation, agent: &'static str) -> Self {
        let namespace = cluster.namespace(agent).await;
        let kubeconfig = access(cluster, &[namespace.name()], &installation.folder).await;
        let client = &installation.client;
        register(client, agent).await;
        Self { cluster, installation, client, agent, namespace, kubeconfig }
    }

    fn replica(&self, number: usize) -> berth_integration_tests::Role {
        replica(self.installation, self.agent, number, &self.kubeconfig, &[self.namespace.name()], 60)
    }

    /// Runs that live until they are ended.
    async fn running(&self, number: usize) -> Vec<Run> {
        let queue = format!("{}/default", self.agent);
        let runs =
            self.client.submit_all("default", &vec![job(&queue, "sleep infinity", &json!({})); number]).await;
        for run in &runs {
            self.client.wait_for("default", run, "running", LIMIT).await;
        }
        runs
    }

    /// Runs `berth agent --drain` to its end.
    async fn drain(&self) {
        let mut command = tokio::process::Command::new(berth_integration_tests::berth());
        command.args(["agent", "--drain", "--executor", "kubernetes", "--name", self.agent]);
        command.args(["--namespace", self.namespace.name(), "--kubeconfig"]).arg(&self.kubeconfig);
        command.args(["--kubernetes-request-timeout-seconds", &REQUEST_TIMEOUT.to_string()]);
        let output = tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn namespaces(&self) -> Api<Object> {
        Api::all(self.cluster.client().await)
    }

    async fn begin_to_delete_namespace(&self) {
        let namespaces = self.namespaces().await;
        namespaces.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
    }

    async fn until_namespace_is_gone(&self) {
        let namespaces = self.namespaces().await;
        until(&format!("the namespace of {} is gone", self.agent), LIMIT, async || {
            namespaces.get_opt(&self.namespace).await.ok()?.is_none().then_some(())
        })
        .await;
    }

    async fn delete_namespace(&self) {
        self.begin_to_delete_namespace().await;
        self.until_namespace_is_gone().await;
    }
}

/// Waits until the end of every run's attempt was taken in, and why it ended is shown.
async fn until_reported(client: &Client, runs: &[Run], reason: &str) {
    for run in runs {
        until(&format!("the end of {run} is reported"), LIMIT, async || {
            let conditions = client.conditions("default", run).await;
            conditions.iter().any(|condition| condition["reason"] == reason).then_some(())
        })
        .await;
    }
}
