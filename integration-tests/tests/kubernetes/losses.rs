//! Promise 10 on Kubernetes, proven from the audit logs of two API servers: what may be replaced has been deleted in its
//! cluster before the other one starts it; where that can't be, the overlap is shown, and ended when the agent is back;
//! and what waits for its agent never has a second pod.

use std::time::Duration;

use berth_domain::time::Clock;
use berth_integration_tests::{Backing, Client, Installation, Role, Run};
use berth_test_servers::kubernetes::{AuditEvent, Cluster, FakeNode, FakeNodes, Options, rounds, until};
use berth_test_servers::{Proxy, within};
use serde_json::json;
use tokio::time::Instant;

use super::ground::{LIMIT, access, job, pod_of, pods, register, replica_as, until_empty, until_live};

/// From the loss to the creation of the next attempt's pod.
const PROMISED: Duration = Duration::from_secs(30);
/// When the one that is stopped meanwhile is stopped, counted from the loss, and for how long: it goes on before it
/// has to fence, and must count the time that it did not run.
const STOPPED: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(12));
/// How long the broker is away.
const BROKER_AWAY: Duration = Duration::from_secs(60);

/// How an agent is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// It can't reach the broker.
    Cut,
    /// It can't, and stands still for a part of the time.
    CutAndStopped,
    /// It is killed. Its nodes go on.
    Killed,
    /// It can reach neither the broker nor its API server, which answers nothing. Its nodes go on.
    CutAndHanging,
}

const LOSSES: [(&str, Loss); 7] = [
    ("cut-1", Loss::Cut),
    ("cut-2", Loss::Cut),
    ("cut-3", Loss::Cut),
    ("cut-4", Loss::Cut),
    ("stopped", Loss::CutAndStopped),
    ("killed", Loss::Killed),
    ("hanging", Loss::CutAndHanging),
];
/// Those that are lost must not be more than half of all.
const IDLE: [&str; 5] = ["idle-1", "idle-2", "idle-3", "idle-4", "idle-5"];

#[tokio::test(flavor = "multi_thread")]
async fn lost_agents_have_deleted_their_pods_before_another_cluster_starts_them() {
    let options = Options { audit: true, ..Options::default() };
    let Some(east) = Cluster::own(options.clone()).await else { return };
    let Some(west) = Cluster::own(options).await else { return };
    let (here, there) = (east.namespace("here").await, west.namespace("there").await);
    let (east_nodes, west_nodes) = (FakeNodes::start(&east), FakeNodes::start(&west));
    east_nodes.add(FakeNode::new("east")).await;
    west_nodes.add(FakeNode::new("west")).await;
    let mut installation = Installation::start(Backing::RabbitMq).await;
    let client = installation.client.clone();

    let kubeconfig = access(&west, &[there.name()], &installation.folder).await;
    register(&client, "spare").await;
    let settings = installation.settings().to_vec();
    let _spare = replica_as(&installation, &settings, "spare", 1, &kubeconfig, &[there.name()], 0);
    let mut idle: Vec<Role> = Vec::new();
    for name in IDLE {
        idle.push(installation.start_agent(name, None).await);
    }
    let kubeconfig = access(&east, &[here.name()], &installation.folder).await;
    let mut agents = Vec::new();
    for (name, loss) in LOSSES {
        agents.push(Agent::start(&installation, &east, &here, &kubeconfig, name, loss).await);
    }
    for name in LOSSES.iter().map(|(name, _)| *name).chain(IDLE).chain(["spare"]) {
        until_live(&client, name).await;
    }

    for _ in 0..rounds() {
        let mut trials = Vec::new();
        for agent in &agents {
            trials.push(Trial::start(&client, agent).await);
        }
        let began = Clock::system().now().micros();
        lose(&mut agents).await;
        for trial in &trials {
            until(&format!("{} starts elsewhere", trial.loss_name), LIMIT, async || {
                pod_of(&pods(&west, &there).await, &trial.replaced).await
            })
            .await;
        }
        for trial in &trials {
            trial.assert_replaced(&east.audit(), &west.audit(), began);
            assert_eq!(client.status("default", &trial.waiting).await, "running", "{}", trial.loss_name);
        }
        find(&mut agents);
        for trial in &trials {
            trial.until_settled(&client, &east, &here).await;
            trial.assert_never_again(&east.audit(), &west.audit());
        }
    }
    let waiting = submit(&client, "cut-1", "wait", 80).await;
    client.wait_for("default", &waiting, "running", LIMIT).await;
    installation.kill_broker();
    // The outage is the subject of the test.
    tokio::time::sleep(BROKER_AWAY).await;
    installation.restart_broker();
    client.wait_for("default", &waiting, "succeeded", LIMIT).await;
    assert_eq!(creates(&east.audit(), &waiting).len() + creates(&west.audit(), &waiting).len(), 1);
    until_empty(&pods(&east, &here).await).await;
    until_empty(&pods(&west, &there).await).await;
}

/// An agent in the eastern cluster, on ways of its own to the broker and to the API server.
struct Agent {
    name: &'static str,
    loss: Loss,
    broker: Proxy,
    api_server: Proxy,
    role: Role,
}

impl Agent {
    async fn start(
        installation: &Installation,
        cluster: &Cluster,
        namespace: &str,
        kubeconfig: &std::path::Path,
        name: &'static str,
        loss: Loss,
    ) -> Self {
        register(&installation.client, name).await;
        let (broker, api_server) = (installation.proxy(), Proxy::start(cluster.port()));
        let text = std::fs::read_to_string(kubeconfig).unwrap();
        let kubeconfig = installation.folder.join(format!("{name}.kubeconfig"));
        std::fs::write(&kubeconfig, cluster.through(&text, api_server.port())).unwrap();
        let mut settings = installation.settings().to_vec();
        for (key, value) in &mut settings {
            if *key == "BERTH_BROKER_URL" {
                *value = installation.broker.url_through(broker.port());
            }
        }
        let role = replica_as(installation, &settings, name, 1, &kubeconfig, &[namespace], 0);
        Self { name, loss, broker, api_server, role }
    }
}

/// Loses all of them, each in its way.
async fn lose(agents: &mut [Agent]) {
    let began = Instant::now();
    for agent in agents.iter_mut() {
        if agent.loss == Loss::Killed {
            agent.role.kill9();
            continue;
        }
        if agent.loss == Loss::CutAndHanging {
            agent.api_server.stall();
        }
        agent.broker.refuse(true);
        agent.broker.cut();
    }
    let (after, length) = STOPPED;
    for (moment, signal) in [(after, "STOP"), (after + length, "CONT")] {
        tokio::time::sleep_until(began + moment).await;
        let stopped = agents.iter().filter(|agent| agent.loss == Loss::CutAndStopped);
        stopped.for_each(|agent| agent.role.signal(signal));
    }
}

/// Has all of them back.
fn find(agents: &mut [Agent]) {
    for agent in agents {
        if agent.loss == Loss::Killed {
            agent.role.restart();
        }
        agent.api_server.resume();
        agent.broker.refuse(false);
    }
}

async fn submit(client: &Client, agent: &str, on_agent_loss: &str, seconds: u32) -> Run {
    let queues = format!("{agent}/default,spare/default");
    let mut operation = job(&queues, &format!("sleep {seconds}"), &json!({}));
    operation["onAgentLoss"] = json!(on_agent_loss);
    client.submit("default", &operation).await
}

/// Two runs at an agent that is going to be lost.
struct Trial {
    loss: Loss,
    loss_name: String,
    replaced: Run,
    waiting: Run,
}

impl Trial {
    async fn start(client: &Client, agent: &Agent) -> Self {
        let replaced = submit(client, agent.name, "replace", 600).await;
        let waiting = submit(client, agent.name, "wait", 60).await;
        for run in [&replaced, &waiting] {
            client.wait_for("default", run, "running", LIMIT).await;
        }
        Self { loss: agent.loss, loss_name: format!("{} ({:?})", agent.name, agent.loss), replaced, waiting }
    }

    /// Whether nobody could end its pod before it was started elsewhere.
    fn must_overlap(&self) -> bool {
        matches!(self.loss, Loss::Killed | Loss::CutAndHanging)
    }

    /// Checks by the audit logs when the first attempt ended here, and the second began there.
    fn assert_replaced(&self, here: &[AuditEvent], there: &[AuditEvent], lost_at: i64) {
        let began: Vec<&AuditEvent> = creates(there, &self.replaced);
        let [began] = began[..] else { panic!("{}: one pod elsewhere, not {began:?}", self.loss_name) };
        assert!(began.name.ends_with("-1"), "the second attempt: {began:?}");
        let took = began.received.as_microsecond() - lost_at;
        assert!(took <= within(PROMISED).as_micros() as i64, "{}: started after {took} us", self.loss_name);
        let ended: Vec<&AuditEvent> = deletes(here, &self.replaced);
        if self.must_overlap() {
            let early = ended.iter().find(|event| event.received < began.received);
            assert!(early.is_none(), "{}: somebody could end it: {early:?}", self.loss_name);
            return;
        }
        let by = |node: bool| ended.iter().find(|event| (event.user == "fake-kubelet") == node);
        for (who, event) in [("its agent", by(false)), ("its node", by(true))] {
            let event = event.unwrap_or_else(|| panic!("{}: not deleted by {who}", self.loss_name));
            assert!(
                event.answered < began.received,
                "{}: {who} deleted it at {}, and the next began at {}",
                self.loss_name,
                event.answered,
                began.received
            );
        }
    }

    /// Waits until nothing of it is left to be done, and checks what is shown.
    async fn until_settled(&self, client: &Client, here: &Cluster, namespace: &str) {
        until(&format!("{}: nothing of the first attempt lives", self.loss_name), LIMIT, async || {
            let pod = pod_of(&pods(here, namespace).await, &self.replaced).await;
            pod.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some()).then_some(())
        })
        .await;
        let has_overlap = async || {
            let conditions = client.conditions("default", &self.replaced).await;
            conditions.iter().any(|condition| condition["reason"] == "Overlap")
        };
        if self.must_overlap() {
            until(&format!("{}: the overlap is shown", self.loss_name), LIMIT, async || {
                has_overlap().await.then_some(())
            })
            .await;
        } else {
            assert!(!has_overlap().await, "{}", self.loss_name);
        }
        let stop = format!("/api/v1/default/default/runs/{}/stop", self.replaced);
        client.call("POST", &stop, None).await;
        client.wait_for("default", &self.replaced, "stopped", LIMIT).await;
        client.wait_for("default", &self.waiting, "succeeded", LIMIT).await;
    }

    /// Checks that there were no more pods than there should be.
    fn assert_never_again(&self, here: &[AuditEvent], there: &[AuditEvent]) {
        let pods = |run: &str| (creates(here, run).len(), creates(there, run).len());
        assert_eq!(pods(&self.replaced), (1, 1), "{}", self.loss_name);
        assert_eq!(pods(&self.waiting), (1, 0), "{}", self.loss_name);
    }
}

fn events<'a>(audit: &'a [AuditEvent], verb: &str, run: &str) -> Vec<&'a AuditEvent> {
    let prefix = format!("berth-{run}-");
    let good = |event: &&AuditEvent| event.resource == "pods" && (200..300).contains(&event.code);
    audit.iter().filter(good).filter(|event| event.verb == verb && event.name.starts_with(&prefix)).collect()
}

fn creates<'a>(audit: &'a [AuditEvent], run: &str) -> Vec<&'a AuditEvent> {
    events(audit, "create", run)
}

fn deletes<'a>(audit: &'a [AuditEvent], run: &str) -> Vec<&'a AuditEvent> {
    events(audit, "delete", run)
}
