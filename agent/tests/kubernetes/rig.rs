//! A namespace with a fake node of its own in the shared cluster, and an executor that may do there what its Role says.

use std::time::Duration;

use berth_agent::executor::kubernetes::{Access, Patience, Settings};
use berth_agent::executor::{CreateError, Executor, KubernetesExecutor, Object, Order};
use berth_agent::uptime::Uptime;
use berth_domain::id::RunId;
use berth_domain::lifecycle::End;
use berth_domain::protocol::{AttemptRef, Phase};
use berth_domain::time::Clock;
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Namespace, until};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The account that agents run as.
const ACCOUNT: &str = "berth-agent";

pub(crate) struct Rig {
    pub(crate) namespace: Namespace,
    nodes: Option<FakeNodes>,
    pub(crate) pods: Api<Pod>,
    pub(crate) settings: Settings,
    pub(crate) executor: Executor,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, |_| {}).await
    }

    pub(crate) async fn with(name: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let cluster = Cluster::shared().await;
        Self::on(cluster, name, change).await.on_a_fake_node(cluster).await
    }

    /// With a node of its own.
    pub(crate) async fn on_a_fake_node(mut self, cluster: &Cluster) -> Self {
        let nodes = FakeNodes::start(cluster);
        nodes.add(FakeNode::new(&self.namespace).label("place", &self.namespace)).await;
        self.nodes = Some(nodes);
        self
    }

    /// In a cluster whose nodes are there already.
    pub(crate) async fn on(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Settings)) -> Self {
        // Someone else may have been first.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let namespace = cluster.namespace(name).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.kubeconfig_of_service_account(&namespace, ACCOUNT).await)
            .unwrap();
        let role =
            serde_saphyr::from_str(include_str!("../../../deploy/kubernetes/agent-role.yaml")).unwrap();
        cluster.grant(&namespace, &role, &namespace, ACCOUNT).await;
        let mut settings = Settings::new("eu".into(), Access::Kubeconfig(kubeconfig));
        settings.grace = Duration::from_secs(1);
        settings.keep = Duration::ZERO;
        settings.patience =
            Patience { image: Duration::from_secs(2), config: Duration::from_secs(2), ..Patience::default() };
        change(&mut settings);
        let executor = open(&settings).await;
        let pods = Api::namespaced(cluster.client().await, &namespace);
        Self { namespace, nodes: None, pods, settings, executor, _folder: folder }
    }

    /// Has its node evict a pod.
    pub(crate) fn evict(&self, attempt: AttemptRef) {
        self.nodes.as_ref().unwrap().evict(&self.namespace, &pod_name(attempt));
    }

    /// The same for any pod.
    pub(crate) fn evict_pod(&self, name: &str) {
        self.nodes.as_ref().unwrap().evict(&self.namespace, name);
    }

    /// Another agent on the same ground, as after a restart.
    pub(crate) async fn reopened(&self) -> Executor {
        open(&self.settings).await
    }

    pub(crate) fn order(&self, operation: &Value) -> Order {
        Order {
            attempt: AttemptRef { run: RunId::new(), attempt: 0 },
            agent: "eu".into(),
            replica: "r1".into(),
            queue: "default".into(),
            owner: "default".into(),
            project: "p".into(),
            spec_hash: "hash".into(),
            needs: Vec::new(),
            replace: false,
            trace: None,
            operation: operation.to_string(),
            create_by: self.settings.uptime.now() + Duration::from_secs(10),
        }
    }

    /// A job on this rig's node.
    pub(crate) fn shell(&self, script: &str) -> Value {
        json!({"name": "test", "run": {
            "kind": "job",
            "environment": {"nodeSelector": {"place": self.namespace.name()}},
            "container": {"image": "busybox", "command": ["sh", "-c", script]},
        }})
    }

    /// A service on this rig's node, of so many pods.
    pub(crate) fn service(&self, replicas: u32, script: &str) -> Value {
        let mut operation = self.shell(script);
        operation["run"]["kind"] = json!("service");
        operation["run"]["ports"] = json!([8080]);
        operation["run"]["replicas"] = json!(replicas);
        operation
    }

    pub(crate) async fn create(&self, order: Order) -> Result<Object, CreateError> {
        self.executor.turn().await.unwrap().create(order).await
    }

    pub(crate) async fn start(&self, operation: &Value) -> AttemptRef {
        let order = self.order(operation);
        let attempt = order.attempt;
        self.create(order).await.unwrap();
        attempt
    }

    /// Waits until the attempt is in a phase that `wanted` wants.
    pub(crate) async fn until(
        &self,
        attempt: AttemptRef,
        what: &str,
        wanted: impl Fn(&Phase) -> bool,
    ) -> Object {
        until(what, PATIENCE, async || {
            let object = self.executor.look(attempt).await.unwrap()?;
            wanted(&object.phase).then_some(object)
        })
        .await
    }

    pub(crate) async fn running(&self, attempt: AttemptRef) -> Object {
        self.until(attempt, "it runs", |phase| *phase == Phase::Running).await
    }

    pub(crate) async fn end(&self, attempt: AttemptRef) -> End {
        match self.until(attempt, "it ends", |phase| matches!(phase, Phase::Ended(_))).await.phase {
            Phase::Ended(end) => end,
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn pod(&self, attempt: AttemptRef) -> Option<Pod> {
        self.pods.get_opt(&pod_name(attempt)).await.unwrap()
    }
}

pub(crate) fn pod_name(attempt: AttemptRef) -> String {
    format!("berth-{}-{}", attempt.run, attempt.attempt)
}

/// Clocks that stand until they are moved.
pub(crate) fn stand(settings: &mut Settings) {
    settings.clock = Clock::manual(Clock::system().now());
    settings.uptime = Uptime::manual();
}

async fn open(settings: &Settings) -> Executor {
    Executor::Kubernetes(KubernetesExecutor::open(settings.clone()).await.unwrap())
}
