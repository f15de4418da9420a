//! Services on a real node: ready by a real probe, reached through what the cluster says that they are reached by.

use std::time::Duration;

use berth_domain::lifecycle::Outcome;
use berth_domain::protocol::Phase;
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode, until};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{PATIENCE, Rig};

fn httpd(script: &str) -> Value {
    json!({"run": {
        "kind": "service", "ports": [8080], "replicas": 2,
        "container": {"image": BUSYBOX, "command": ["sh", "-c", script]},
    }})
}

async fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect((address, 8080)).await.ok()?;
    stream.write_all(b"GET /hello HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_reached_at_the_endpoints_of_its_service_when_it_runs_and_stopped() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let Some(_node) = RealNode::start(&cluster).await else { return };
    let rig = Rig::on(&cluster, "served", |settings| settings.patience.ready = Duration::ZERO).await;
    let attempt = rig
        .start(&httpd(
            "mkdir /www; echo served by $(hostname) >/www/hello; sleep 3; httpd -f -p 8080 -h /www & wait",
        ))
        .await;
    let unready = |phase: &Phase| matches!(phase, Phase::Warning { reason, .. } if reason == "NotReady");
    rig.until(attempt, "nobody listens yet", unready).await;
    rig.running(attempt).await;
    // There is no kube-proxy: where the Service would lead is read from its endpoints, which are ready pods only.
    let slices: Api<EndpointSlice> = Api::namespaced(cluster.client().await, &rig.namespace);
    let selector = format!("kubernetes.io/service-name=berth-{}-{}", attempt.run, attempt.attempt);
    let addresses = until("both are endpoints of the Service", PATIENCE, async || {
        let slices = slices.list(&ListParams::default().labels(&selector)).await.ok()?.items;
        let ready = slices.into_iter().flat_map(|slice| slice.endpoints).filter(|endpoint| {
            endpoint.conditions.as_ref().is_some_and(|conditions| conditions.ready == Some(true))
        });
        let addresses: Vec<String> = ready.flat_map(|endpoint| endpoint.addresses).collect();
        (addresses.len() == 2).then_some(addresses)
    })
    .await;
    for address in &addresses {
        let answer = get(address).await.expect("it is reached");
        assert!(answer.contains("served by berth-"), "{answer}");
    }
    rig.executor.stop(attempt, None).await.unwrap();
    assert_eq!(rig.end(attempt).await.outcome, Outcome::Stopped);
    for address in &addresses {
        assert_eq!(get(address).await, None, "nothing of it is alive");
    }
}
