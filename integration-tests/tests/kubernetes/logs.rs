//! What whoever debugs without a shell in the cluster needs, on a real node: logs while a pod runs and when it is gone, of
//! each container and attempt; why a start takes long; how the pod is.

use std::path::Path;
use std::process::{Command, Output};

use berth_integration_tests::{Backing, Client, Installation, stock};
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode, until};
use serde_json::{Value, json};

use super::ground::{LIMIT, access, pods, register, replica_as, until_empty};

fn shell(script: &str) -> Value {
    json!({
        "kind": "operation",
        "queue": "k/default",
        "component": {"run": {
            "kind": "job",
            "container": {"image": BUSYBOX, "command": ["sh", "-c"], "args": [script]},
        }},
    })
}

/// What a command printed, which must end with `code`.
fn printed(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}{error}");
    text
}

/// The stock command line, as a user of this installation.
fn polyaxon(client: &Client, home: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(stock("polyaxon"));
    command.args(arguments).env("HOME", home).env("POLYAXON_CONTEXT_ROOT", home).env("COLUMNS", "200");
    command.env("POLYAXON_HOST", client.base()).env("POLYAXON_NO_OP", "0").current_dir(home);
    command.env("POLYAXON_AUTH_TOKEN", client.token().unwrap_or_default());
    printed(&command.output().unwrap(), 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_shell_in_the_cluster_sees_logs_events_and_pods() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let Some(_node) = RealNode::start(&cluster).await else { return };
    let namespace = cluster.namespace("seen").await;
    let installation = Installation::start(Backing::Redis).await;
    let client = &installation.client;
    let home = installation.folder.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let kubeconfig = access(&cluster, &[namespace.name()], &installation.folder).await;
    register(client, "k").await;
    let store = installation.folder.join("store").display().to_string();
    let settings = [installation.settings(), &[("BERTH_ARTIFACTS_STORE", store)]].concat();
    // Pods go as soon as their ends are taken in.
    let _agent = replica_as(&installation, &settings, "k", 1, &kubeconfig, &[namespace.name()], 0);
    let pods = pods(&cluster, namespace.name()).await;
    let logs = |run: &str, more: &[&str]| {
        let output = installation.berth(&[["ops", "logs", run].as_slice(), more].concat());
        printed(&output, 0).lines().map(str::to_owned).collect::<Vec<_>>()
    };

    // Followed while it is written.
    let chatty = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done";
    let chatty = client.submit("default", &shell(chatty)).await;
    let followed = logs(&chatty, &["--follow"]);
    let other = followed.iter().enumerate().find(|(at, line)| **line != at.to_string());
    assert_eq!(other, None, "in order, each once");
    assert_eq!(followed.len(), 20_000);

    // One that fails once, with an init container.
    let mut twice = shell("echo attempt; date +%s%N; exit 1");
    twice["component"]["termination"] = json!({"maxRetries": 1});
    let init = json!({"name": "fetch", "image": BUSYBOX, "command": ["sh", "-c", "echo fetched"]});
    twice["component"]["run"]["init"] = json!([{"container": init}]);
    let twice = client.submit("default", &twice).await;
    client.wait_for("default", &twice, "failed", LIMIT).await;

    // A stop: what was written after it was asked for is there too.
    let polite = "trap 'echo asked to end; exit 0' TERM; echo begun; sleep 600 & wait";
    let polite = client.submit("default", &shell(polite)).await;
    client.wait_for("default", &polite, "running", LIMIT).await;
    until("it writes", LIMIT, async || (logs(&polite, &[]) == ["begun"]).then_some(())).await;
    let inspected = polyaxon(client, &home, &["ops", "inspect", "-p", "default", "-uid", &polite]);
    assert!(inspected.contains(&format!("berth-{polite}-0")) && inspected.contains("Running"), "{inspected}");
    client.call("POST", &format!("/api/v1/default/default/runs/{polite}/stop"), None).await;
    client.wait_for("default", &polite, "stopped", LIMIT).await;

    until_empty(&pods).await;
    assert_eq!(logs(&chatty, &[]), followed, "the pod is gone");
    assert_eq!(logs(&chatty, &["--tail", "2"]), ["19998", "19999"]);
    assert_eq!(logs(&chatty, &["--since", "1h"]).len(), 20_000);
    assert_eq!(logs(&polite, &[]), ["begun", "asked to end"]);
    let both = logs(&twice, &[]);
    assert_eq!(both.len(), 4, "{both:?}");
    assert_eq!(logs(&twice, &["--previous"]), both[..2]);
    assert_eq!(logs(&twice, &["--attempt", "1"]), both[2..]);
    assert_eq!(logs(&twice, &["--container", "fetch", "--attempt", "0"]), ["fetched"]);
    let none = installation.berth(&["ops", "logs", &twice, "--container", "none"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no `none`; there are: "), "{none:?}");
    let stock = polyaxon(client, &home, &["ops", "logs", "-p", "default", "-uid", &polite]);
    assert!(stock.contains("begun") && stock.contains("asked to end"), "{stock}");

    // Why a start takes long.
    let mut stuck = shell("true");
    let run = &mut stuck["component"]["run"];
    run["volumes"] = json!([{"name": "v", "secret": {"secretName": "nowhere"}}]);
    run["container"]["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
    let stuck = client.submit("default", &stuck).await;
    let why = until("it says why", LIMIT, async || {
        let conditions = client.conditions("default", &stuck).await;
        conditions.into_iter().find(|condition| condition["reason"] == "FailedMount")
    })
    .await;
    assert_eq!(why["type"], "starting");
    assert!(why["message"].as_str().unwrap().contains("secret \"nowhere\" not found"), "{why}");
    client.call("POST", &format!("/api/v1/default/default/runs/{stuck}/stop"), None).await;
    client.wait_for("default", &stuck, "stopped", LIMIT).await;
    until_empty(&pods).await;
}
