//! A real node: what only a kubelet and a container runtime can show, and that nothing of it stays on the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode, until};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, LogParams};
use serde_json::{Value, json};

use super::{LIMIT, create, pod, until_at, until_gone};

/// A pod of the image that the real node has.
fn real(name: &str, script: &str, more: &Value) -> Pod {
    let mut pod = pod(name, script, more);
    pod.spec.as_mut().unwrap().containers[0].image = Some(BUSYBOX.to_owned());
    pod
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_run_on_a_real_node_and_leave_nothing_on_the_machine() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    // Another program's node, at the same time, would be taken for something that was there before or was left.
    let Some(turn) = RealNode::turn() else { return };
    let before = machine();
    let node = RealNode::start_in(&turn, &cluster, &[]).await;
    let pods: Api<Pod> = Api::namespaced(cluster.client().await, "default");
    let ended = "/status/containerStatuses/0/state/terminated";

    let limited = json!({ "limits": { "memory": "16Mi" } });
    let mut hungry = real("hungry", "tail /dev/zero", &json!({}));
    hungry.spec.as_mut().unwrap().containers[0].resources = serde_json::from_value(limited).unwrap();
    let mut missing = real("missing", "exit 0", &json!({}));
    missing.spec.as_mut().unwrap().containers[0].image = Some("localhost:1/missing:1".to_owned());
    create(&pods, &real("good", "echo hello from $(hostname)", &json!({}))).await;
    create(&pods, &real("bad", "exit 3", &json!({}))).await;
    create(&pods, &real("polite", "trap 'exit 5' TERM; sleep infinity & wait", &json!({}))).await;
    create(&pods, &hungry).await;
    create(&pods, &missing).await;

    let good = until_at(&pods, "good", "/status/phase", "Succeeded").await;
    assert_eq!(good.pointer("/spec/nodeName"), Some(&json!(node.name())));
    assert_eq!(pods.logs("good", &LogParams::default()).await.unwrap(), "hello from good\n");
    let bad = until_at(&pods, "bad", "/status/phase", "Failed").await;
    assert_eq!(bad.pointer(&format!("{ended}/exitCode")), Some(&json!(3)));
    let hungry = until_at(&pods, "hungry", "/status/phase", "Failed").await;
    assert_eq!(hungry.pointer(&format!("{ended}/reason")), Some(&json!("OOMKilled")));
    until("the image can't be pulled", LIMIT, async || {
        let pod = serde_json::to_value(pods.get("missing").await.ok()?).unwrap();
        let reason = pod.pointer("/status/containerStatuses/0/state/waiting/reason")?.as_str()?.to_owned();
        ["ErrImagePull", "ImagePullBackOff"].contains(&reason.as_str()).then_some(())
    })
    .await;
    until_at(&pods, "polite", "/status/phase", "Running").await;
    pods.delete("polite", &DeleteParams::default().grace_period(30)).await.unwrap();
    until_gone(&pods, "polite").await;

    // One that still runs when the node is taken down.
    create(&pods, &real("left", "sleep infinity", &json!({}))).await;
    until_at(&pods, "left", "/status/phase", "Running").await;
    drop(node);
    assert_eq!(machine(), before, "the node left something on the machine");
}

/// What a kubelet, a container runtime and a network plugin would change on a machine.
fn machine() -> BTreeMap<&'static str, String> {
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let ours = |text: String| -> String {
        // A broker of another test has a user called berth-test.
        let names = ["berth-test-node", "berth-test0", "berth-kubernetes-node"];
        let is_ours = |line: &&str| names.iter().any(|name| line.contains(name));
        text.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
    };
    let settings = ["net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"];
    let read = |name: &&str| std::fs::read_to_string(Path::new("/proc/sys").join(name)).unwrap();
    BTreeMap::from([
        ("addresses", output("ip", &["-o", "address", "show", "lo"])),
        ("links", ours(output("ip", &["-o", "link"]))),
        ("control groups", ours(output("find", &["/sys/fs/cgroup", "-type", "d"]))),
        ("mounts", ours(std::fs::read_to_string("/proc/self/mountinfo").unwrap())),
        ("processes", ours(output("ps", &["-e", "-o", "args"]))),
        ("settings", settings.iter().map(read).collect()),
    ])
}
