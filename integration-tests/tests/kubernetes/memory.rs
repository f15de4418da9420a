//! What an agent keeps of each pod that it looks after. `make bench` measures it from 1,000 to 10,000 pods.

use std::time::Duration;

use berth_domain::id::RunId;
use berth_integration_tests::{Backing, Installation};
use berth_test_servers::kubernetes::{Cluster, Options, until};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use tokio::task::JoinSet;

use super::ground::{LIMIT, access, pods, register, replica, until_live};

const FEW: usize = 500;
const MANY: usize = 3_000;
/// KiB for each pod.
const MOST: usize = 4;
/// So long an agent has to come to rest: it looks at all that it holds every 3 s.
const REST: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_memory_grows_by_at_most_four_kib_a_pod() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let namespace = cluster.namespace("memory").await;
    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let replica = replica(&installation, "eu", 1, &kubeconfig, &[namespace.name()], 0);
    until_live(client, "eu").await;
    let pods = pods(&cluster, &namespace).await;
    let mut resident = Vec::new();
    for (more, all) in [(FEW, FEW), (MANY - FEW, MANY)] {
        create(&pods, more).await;
        until(&format!("the agent has seen {all} pods"), LIMIT, async || {
            let agent = client.get("/api/v1/orgs/default/agents/eu").await;
            (agent["replicas"][0]["live"].as_u64()? >= all as u64).then_some(())
        })
        .await;
        tokio::time::sleep(REST).await;
        resident.push(resident_kib(replica.pid().unwrap()));
    }
    let grown = resident[1].saturating_sub(resident[0]);
    assert!(
        grown <= MOST * (MANY - FEW),
        "from {resident:?} KiB: {} bytes a pod",
        grown * 1024 / (MANY - FEW)
    );
}

/// Creates pods as an agent that is gone has left them, on a cluster that runs nothing.
async fn create(pods: &Api<Pod>, number: usize) {
    let mut creating = JoinSet::new();
    for share in 0..16 {
        let pods = pods.clone();
        creating.spawn(async move {
            for _ in (share..number).step_by(16) {
                let run = RunId::new();
                let pod = json!({
                    "metadata": {
                        "name": format!("berth-{run}-0"),
                        "labels": {
                            "app.kubernetes.io/managed-by": "berth",
                            "berth.dev/agent": "eu", "berth.dev/run": run, "berth.dev/attempt": "0",
                            "berth.dev/queue": "default", "berth.dev/project": "default",
                        },
                        "annotations": {"berth.dev/replica": "gone", "berth.dev/spec-hash": "0".repeat(64)},
                    },
                    "spec": {
                        "schedulerName": "nobody",
                        "containers": [{"name": "polyaxon-main", "image": "busybox"}],
                    },
                });
                let pod: Pod = serde_json::from_value(pod).unwrap();
                pods.create(&PostParams::default(), &pod).await.unwrap();
            }
        });
    }
    creating.join_all().await;
}

fn resident_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
