//! B6 and B7: pods on a real API server, as an agent creates them, against bare kube; and what an agent keeps of each.
//!
//! The API server and etcd have one half of the processors, everything else the other: a client that shared theirs would be
//! measured by what it leaves to them. There is no node, and pods name a scheduler that isn't there: nothing but creates happens in the cluster.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use berth_broker::Broker;
use berth_test_servers::Redis;
use berth_test_servers::kubernetes::{Cluster, Namespace, Options};
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::stage::patient;
use crate::figure::Effort;
use crate::http_load;
use crate::limits::kubernetes::create;
use crate::ours::program::Program;
use crate::ours::roles;
use crate::ours::scheduler::Yes;
use crate::pairs::{Series, in_turn};
use crate::partners::group::Group;
use crate::processors::{Halves, run_on};
use crate::row::{Goal, Row, Side};

const AGENT: &str = "local";
/// How many creates are under way at once: the most that an agent has.
const AT_ONCE: usize = 64;
/// Pods of a round: seconds, so that how a round begins and ends counts for little.
const ROUND: usize = 2_000;
/// Runs of a round, one after the other.
const ONE_BY_ONE: usize = 100;
/// Between how many pods an agent's memory is compared.
const FEW: usize = 1_000;
const MANY: usize = 10_000;
/// How long an agent has to have seen all, and to have come to rest: it looks at all every 3 s.
const REST: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(300);

/// Who creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Ours,
    Bare,
}

use Contestant::{Bare, Ours};

/// A cluster with a namespace, and an account there that has an agent's rights.
struct Ground {
    cluster: Cluster,
    namespace: Namespace,
    kubeconfig: String,
    client: Client,
    halves: Halves,
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = run_on(&self.halves.all) {
            eprintln!("what follows has only a part of the processors: {error:#}");
        }
    }
}

impl Ground {
    /// The cluster has processors of its own, and who uses it the rest.
    async fn new() -> Result<Self> {
        let halves = Halves::here()?;
        run_on(&halves.servers)?;
        let cluster = Cluster::start(Options::default()).await;
        run_on(&halves.clients)?;
        let namespace = cluster.namespace("bench").await;
        let role = serde_saphyr::from_str(include_str!("../../../deploy/kubernetes/agent-role.yaml"))?;
        let kubeconfig = cluster.kubeconfig_of_service_account(&namespace, "agent").await;
        cluster.grant(&namespace, &role, &namespace, "agent").await;
        // Both sides speak by the same account.
        let client = Cluster::client_of(&kubeconfig).await;
        Ok(Self { cluster, namespace, kubeconfig, client, halves })
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn agent(&self, program: &Program, broker_url: &str) -> Result<Group> {
        let file = self.cluster.folder().join("agent.kubeconfig");
        std::fs::write(&file, &self.kubeconfig)?;
        roles::kubernetes_agent(program, broker_url, &file, &self.namespace).await
    }

    /// A pod as our agent makes it, without its finalizer, so that it can be made by others.
    async fn template(&self) -> Result<Pod> {
        let found = self.pods().list(&ListParams::default().limit(1)).await?.items.pop();
        let made = found.context("the agent has made no pod")?;
        let mut template = Pod { spec: made.spec, ..Pod::default() };
        template.metadata.annotations = made.metadata.annotations;
        template.metadata.labels = made.metadata.labels;
        Ok(template)
    }
}

/// An operation that comes to rest as a pod that nobody schedules.
fn operation() -> serde_json::Value {
    let container = json!({ "image": "busybox", "command": ["true"] });
    let environment = json!({ "schedulerName": "nobody" });
    json!({
        "version": 1.1,
        "kind": "operation",
        "queue": "local/default",
        "component": {"run": {"kind": "job", "container": container, "environment": environment}},
    })
}

/// Makes it another agent's pod of its own name, so that no agent looks after it.
fn strangers(id: uuid::Uuid, pod: &mut Pod) {
    pod.metadata.name = Some(format!("bare-{}-0", id.simple()));
    pod.metadata.labels.get_or_insert_default().insert("berth.dev/agent".to_owned(), "nobody".to_owned());
}

/// B7: the rate at which one agent replica creates pods, against as many bare creates at once; and its memory.
///
/// # Errors
/// If a server or the agent can't be used.
pub async fn rate(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let (ground, redis) = (Ground::new().await?, Redis::start());
    let broker = Broker::connect(patient(&redis.url())?)?;
    ensure!(broker.connected(LIMIT).await, "our connection to the broker doesn't come up");
    let yes = Yes::start(broker, AGENT).await?;
    let agent = ground.agent(program, &redis.url()).await?;
    let operation = operation()["component"].to_string();
    let count = effort.of(ROUND);
    let mut series = Series::default();
    let mut template = None;
    // The first round of each warms caches and connections up and isn't counted.
    for round in 0..=effort.pairs {
        for contestant in in_turn(round, &[Ours, Bare]) {
            let rate = match contestant {
                Ours => {
                    let (before, began) = (yes.created(), Instant::now());
                    yes.offer(&operation, count).await?;
                    yes.until_created(before + count, LIMIT).await.with_context(|| agent.log())?;
                    count as f64 / began.elapsed().as_secs_f64()
                }
                Bare => {
                    if template.is_none() {
                        template = Some(ground.template().await?);
                    }
                    let template = template.as_ref().context("no template")?;
                    let all = (count, AT_ONCE);
                    create(&ground.client, &ground.namespace, template, all, strangers).await?
                }
            };
            if round > 0 {
                eprintln!("B7 round {round}: {contestant:?} {rate:.0}/s");
                series.push(contestant, rate);
            }
        }
    }
    let row = Row {
        figure: "B7".to_owned(),
        work: "create pods, one agent replica, from offer to report".to_owned(),
        unit: "/s",
        ours: Side::new("berth agent", series.of(&Ours)),
        partner: Some(Side::new(format!("bare kube, {AT_ONCE} at once"), series.of(&Bare))),
        goal: Some(Goal::AtLeast(0.9)),
    };
    drop((agent, yes));
    let template = template.context("no template")?;
    Ok(vec![row, memory(effort, program, &template).await?])
}

/// How much an agent's memory grows for each pod that it looks after.
async fn memory(effort: Effort, program: &Program, template: &Pod) -> Result<Row> {
    let (ground, redis) = (Ground::new().await?, Redis::start());
    let broker = Broker::connect(patient(&redis.url())?)?;
    ensure!(broker.connected(LIMIT).await, "our connection to the broker doesn't come up");
    let yes = Yes::start(broker, AGENT).await?;
    let agent = ground.agent(program, &redis.url()).await?;
    let own = |id: uuid::Uuid, pod: &mut Pod| {
        pod.metadata.name = Some(format!("berth-{}-0", id.simple()));
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert("berth.dev/run".to_owned(), id.simple().to_string());
    };
    let (few, many) = (effort.of(FEW), effort.of(MANY));
    let mut grown = Vec::new();
    for (more, all) in [(few, few), (many - few, many)] {
        create(&ground.client, &ground.namespace, template, (more, AT_ONCE), own).await?;
        yes.until_created(all, LIMIT).await.with_context(|| agent.log())?;
        sleep(REST).await;
        let resident = agent.resident_mib();
        eprintln!("B7: {all} pods, {resident:.1} MiB");
        grown.push(resident);
    }
    let a_pod = (grown[1] - grown[0]) * 1024.0 / (many - few) as f64;
    Ok(Row {
        figure: "B7".to_owned(),
        work: format!("agent memory for each pod, from {few} to {many} pods"),
        unit: "KiB",
        ours: Side::new("berth agent", vec![a_pod]),
        partner: None,
        goal: Some(Goal::AtMost(4.0)),
    })
}

/// B6: from the 201 of a POST to its pod, with nothing else going on, against a bare create. Both end when a watch tells
/// of the pod; a round's value is the median of its runs.
///
/// # Errors
/// If a server or a role can't be used.
pub async fn latency(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let (ground, redis) = (Ground::new().await?, Redis::start());
    let postgres = berth_test_servers::Postgres::start();
    let database = postgres.create_database("berth");
    let api = roles::api(program, &database, &redis.url()).await?;
    let _scheduler = roles::scheduler(program, &database, &redis.url()).await?;
    let _agent = ground.agent(program, &redis.url()).await?;
    let body = json!({ "content": operation().to_string() });
    let request = http_load::Request::post("/api/v1/default/bench/runs", &body);
    let count = effort.of(ONE_BY_ONE);
    let mut series = Series::default();
    let mut template = None;
    for round in 0..=effort.pairs {
        for contestant in in_turn(round, &[Ours, Bare]) {
            let mut took = Vec::new();
            let mut events = Box::pin(ground.pods().watch(&WatchParams::default(), "0").await?);
            for _ in 0..count {
                let (name, began) = match contestant {
                    Ours => {
                        let answer = http_load::send(&api.target, &request).await?;
                        let began = Instant::now();
                        let said = String::from_utf8_lossy(&answer.body);
                        ensure!(answer.status == 201, "status {} instead of 201: {said}", answer.status);
                        let run: serde_json::Value = serde_json::from_slice(&answer.body)?;
                        let run = run["uuid"].as_str().context("the answer has no uuid")?.to_owned();
                        (format!("berth-{run}-0"), began)
                    }
                    Bare => {
                        if template.is_none() {
                            template = Some(ground.template().await?);
                        }
                        let mut pod = template.clone().context("no template")?;
                        strangers(uuid::Uuid::now_v7(), &mut pod);
                        let began = Instant::now();
                        ground.pods().create(&kube::api::PostParams::default(), &pod).await?;
                        (pod.metadata.name.unwrap_or_default(), began)
                    }
                };
                while let Some(event) = tokio::time::timeout(LIMIT, events.try_next()).await?? {
                    let is_it = |pod: &Pod| pod.metadata.name.as_ref() == Some(&name);
                    if matches!(&event, WatchEvent::Added(pod) if is_it(pod)) {
                        break;
                    }
                }
                took.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            let median = crate::statistics::Spread::of(&took).context("nothing was measured")?.median;
            if round > 0 {
                eprintln!("B6 round {round}: {contestant:?} {median:.1} ms");
                series.push(contestant, median);
            }
        }
    }
    Ok(vec![Row {
        figure: "B6".to_owned(),
        work: "from the 201 to the pod, one at a time, p50".to_owned(),
        unit: "ms",
        ours: Side::new("berth", series.of(&Ours)),
        partner: Some(Side::new("bare create", series.of(&Bare))),
        goal: Some(Goal::AtMost(2.0)),
    }])
}
