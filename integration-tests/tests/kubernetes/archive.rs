//! Logs that are kept in a bucket, on a real node and a real S3 server: of every pod of a service, of what ran before a
//! restart, and of an end that a store was away for.

use berth_domain::time::Time;
use berth_integration_tests::{Backing, Installation, Role};
use berth_test_servers::S3;
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Namespace, Options, RealNode, until};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};

use super::ground::{LIMIT, access, pods, register, replica_as, until_empty};

/// A real node with an agent on it that keeps logs in a bucket, and lets pods go as soon as their ends are taken in.
struct Ground {
    installation: Installation,
    pods: Api<Pod>,
    bucket: S3,
    _agent: Role,
    _namespace: Namespace,
    _node: RealNode,
    _cluster: Cluster,
}

impl Ground {
    /// With so many seconds that an end waits for its log. None where there is no real node.
    async fn start(hold: u32) -> Option<Self> {
        let cluster = Cluster::own(Options::default()).await?;
        let node = RealNode::start(&cluster).await?;
        let namespace = cluster.namespace("kept").await;
        let installation = Installation::start(Backing::RabbitMq).await;
        let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
        register(&installation.client, "k").await;
        let bucket = S3::start();
        let mut settings = installation.settings().to_vec();
        settings.extend(bucket.variables());
        settings.push(("BERTH_ARTIFACTS_STORE", bucket.url()));
        settings.push(("BERTH_ARTIFACTS_HOLD_SECONDS", hold.to_string()));
        let agent = replica_as(&installation, &settings, "k", 1, &kubeconfig, &[namespace.name()], 0);
        let pods = pods(&cluster, namespace.name()).await;
        Some(Self {
            installation,
            pods,
            bucket,
            _agent: agent,
            _namespace: namespace,
            _node: node,
            _cluster: cluster,
        })
    }

    /// The lines that `berth ops logs` prints, or its complaint.
    fn logs(&self, run: &str, more: &[&str]) -> Result<Vec<String>, String> {
        let output = self.installation.berth(&[["ops", "logs", run].as_slice(), more].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout).lines().map(str::to_owned).collect())
        } else {
            Err(text(&output.stderr))
        }
    }

    async fn until_logged(&self, run: &str, more: &[&str], expected: &str) {
        until(&format!("{more:?} says {expected}"), LIMIT, async || {
            (self.logs(run, more) == Ok(vec![expected.to_owned()])).then_some(())
        })
        .await;
    }
}

fn container(script: &str) -> Value {
    json!({"image": BUSYBOX, "command": ["sh", "-c"], "args": [script]})
}

/// A service of two pods, each with a sidecar that fails once.
fn service() -> Value {
    let main =
        "trap 'echo $HOSTNAME ends; exit 0' TERM; httpd -p 8080; echo $HOSTNAME begins; sleep 600 & wait";
    let flaky = "trap 'exit 0' TERM
        if [ ! -e /once/done ]; then touch /once/done; echo first; exit 1; fi
        echo second; sleep 600 & wait";
    let mut sidecar = container(flaky);
    sidecar["name"] = json!("flaky");
    sidecar["volumeMounts"] = json!([{"name": "once", "mountPath": "/once"}]);
    json!({
        "kind": "operation",
        "queue": "k/default",
        "component": {"run": {
            "kind": "service",
            "ports": [8080],
            "replicas": 2,
            "volumes": [{"name": "once", "emptyDir": {}}],
            "sidecars": [sidecar],
            "container": container(main),
        }},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pod_of_a_service_and_what_ran_before_a_restart_is_read_also_when_they_are_gone() {
    let Some(ground) = Ground::start(30).await else { return };
    let client = &ground.installation.client;
    let run = client.submit("default", &service()).await;
    client.wait_for("default", &run, "running", LIMIT).await;
    let first = format!("berth-{run}-0");
    let second = format!("{first}-replica-1");
    ground.until_logged(&run, &[], &format!("{first} begins")).await;
    ground.until_logged(&run, &["--replica", "1"], &format!("{second} begins")).await;
    let flaky = ["--container", "flaky"];
    let flaky_of_second = ["--container", "flaky", "--replica", "1"];
    for of in [flaky.as_slice(), &flaky_of_second] {
        ground.until_logged(&run, of, "second").await;
        ground.until_logged(&run, &[of, &["--previous"]].concat(), "first").await;
    }
    let refused = ground.logs(&run, &["--replica", "2"]).unwrap_err();
    assert!(refused.contains("replica: there is no 2; the last is 1"), "{refused}");

    client.call("POST", &format!("/api/v1/default/default/runs/{run}/stop"), None).await;
    client.wait_for("default", &run, "stopped", LIMIT).await;
    until_empty(&ground.pods).await;
    for (replica, pod) in [("0", &first), ("1", &second)] {
        let kept = ground.logs(&run, &["--replica", replica]).unwrap();
        assert_eq!(kept, [format!("{pod} begins"), format!("{pod} ends")]);
    }
    for of in [flaky.as_slice(), &flaky_of_second] {
        assert_eq!(ground.logs(&run, of).unwrap(), ["second"], "{of:?}");
        assert_eq!(ground.logs(&run, &[of, &["--previous"]].concat()).unwrap(), ["first"], "{of:?}");
    }
    let refused = ground.logs(&run, &["--replica", "2"]).unwrap_err();
    assert!(refused.contains("replica: there is no 2; the last is 1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_waits_for_a_store_that_is_away_and_its_pod_until_the_log_is_kept() {
    let Some(mut ground) = Ground::start(3).await else { return };
    ground.bucket.kill9();
    let client = &ground.installation.client;
    let job = json!({
        "kind": "operation",
        "queue": "k/default",
        "component": {"run": {"kind": "job", "container": container("echo kept")}},
    });
    let run = client.submit("default", &job).await;
    client.wait_for("default", &run, "succeeded", LIMIT).await;
    let conditions = client.conditions("default", &run).await;
    let told = conditions.iter().position(|one| one["reason"] == "LogNotKept").unwrap();
    let message = conditions[told]["message"].as_str().unwrap();
    assert!(message.contains("s3://runs") && message.contains("10 more minutes"), "{message}");
    let end = conditions.iter().position(|one| one["type"] == "succeeded").unwrap();
    assert!(told < end, "{conditions:?}");

    let pod = ground.pods.get(&format!("berth-{run}-0")).await.unwrap();
    let status = pod.status.unwrap().container_statuses.unwrap().remove(0);
    let finished = status.state.unwrap().terminated.unwrap().finished_at.unwrap().0;
    let told = Time::parse(conditions[told]["last_transition_time"].as_str().unwrap()).unwrap();
    // Kubernetes leaves out what is less than a second.
    let waited = told.micros() - finished.as_microsecond();
    assert!(waited >= 3_000_000, "told {waited} us after the pod's end");
    assert_eq!(ground.logs(&run, &[]).unwrap(), ["kept"], "from the pod");

    ground.bucket.restart();
    until_empty(&ground.pods).await;
    assert_eq!(ground.logs(&run, &[]).unwrap(), ["kept"], "from the bucket");
}
