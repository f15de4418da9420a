//! A pod is in its run's trace: its containers are told, and that it ran is recorded by the agent that is there by then.

use berth_integration_tests::{Backing, Collector, Installation};
use berth_test_servers::kubernetes::{Cluster, FakeNode, FakeNodes, Options};
use serde_json::json;

use super::ground::{LIMIT, access, job, pod_of, pods, register, replica};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_joins_its_runs_trace_and_is_recorded_though_its_agent_was_replaced() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let namespace = cluster.namespace("traces").await;
    let nodes = FakeNodes::start(&cluster);
    nodes.add(FakeNode::new("traced")).await;
    let collector = Collector::start().await;
    let settings = vec![("BERTH_OTLP_ENDPOINT", collector.endpoint().to_owned())];
    let installation = Installation::start_set(Backing::Redis, settings).await;
    let client = &installation.client;
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "eu").await;
    let mut agent = replica(&installation, "eu", 1, &kubeconfig, &[namespace.name()], 60);

    let run = client.submit("default", &job("eu/default", "sleep 5; exit 3", &json!({}))).await;
    let trace = client.run("default", &run).await["trace_id"].as_str().unwrap().to_owned();
    collector.wait_for(&trace, LIMIT, |spans| spans.iter().any(|span| span.hop() == "create")).await;
    agent.restart();
    client.wait_for("default", &run, "failed", LIMIT).await;
    let ran = |spans: &[berth_integration_tests::Seen]| {
        ["run", "end"].map(|hop| spans.iter().filter(|span| span.hop() == hop).count())
    };
    let spans = collector.wait_for(&trace, LIMIT, |spans| ran(spans) == [1, 1]).await;

    let of = |hop: &str| spans.iter().find(|span| span.hop() == hop).unwrap();
    assert_eq!(
        (of("run").parent.as_str(), of("end").parent.as_str()),
        (of("create").id.as_str(), of("run").id.as_str())
    );
    assert_eq!(of("run").attribute("process.exit.code"), "3");
    assert_eq!(
        (of("run").attribute("berth.executor"), of("run").attribute("berth.queue")),
        ("kubernetes", "default")
    );
    let seconds = (of("run").times.1 - of("run").times.0) / 1_000_000_000;
    // Kubernetes tells times in whole seconds.
    assert!((4..60).contains(&seconds), "{seconds}");
    let pod = pod_of(&pods(&cluster, &namespace).await, &run).await.unwrap();
    let spec = pod.spec.unwrap();
    let told =
        spec.containers[0].env.iter().flatten().find(|variable| variable.name == "TRACEPARENT").unwrap();
    assert_eq!(told.value.clone().unwrap(), format!("00-{trace}-{}-03", of("run").id));
}
