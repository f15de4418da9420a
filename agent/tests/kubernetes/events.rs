//! What Kubernetes complains of about a pod is told once; what is said of others' pods is not.

use berth_agent::executor::{Hint, Told, Watch};
use berth_domain::protocol::AttemptRef;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::rig::{PATIENCE, Rig, pod_name};

/// The next complaint.
async fn told(watch: &mut Watch) -> Vec<Told> {
    let next = async {
        loop {
            if let Hint::Told(told) = watch.next().await.unwrap() {
                return told;
            }
        }
    };
    tokio::time::timeout(PATIENCE, next).await.expect("it is told")
}

fn event(rig: &Rig, attempt: AttemptRef, uid: &str, number: usize, type_: &str, message: &str) -> Value {
    let name = pod_name(attempt);
    json!({
        "metadata": {"name": format!("{name}.{number}"), "namespace": rig.namespace.name()},
        "involvedObject": {"kind": "Pod", "name": name, "namespace": rig.namespace.name(), "uid": uid},
        "reason": "FailedMount", "message": message, "type": type_,
        "lastTimestamp": "2026-01-01T00:00:00Z", "count": 1,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_about_a_pod_of_ours_is_told_once_in_kubernetes_own_words() {
    let rig = Rig::new("complaints").await;
    let mut watch = rig.executor.watch().unwrap();
    assert_eq!(watch.next().await.unwrap(), Hint::All, "what was there before");
    let attempt = rig.start(&rig.shell("sleep 600")).await;
    let running = rig.running(attempt).await;
    // Until the watch has seen it.
    while !matches!(watch.next().await.unwrap(), Hint::Seen(seen) if seen.iter().any(|one| one.uid == running.uid))
    {
    }
    let events: Api<Event> = Api::namespaced(rig.pods.clone().into_client(), rig.namespace.name());
    let said = [
        ("u", "Warning", "of an object that is gone"),
        (running.uid.as_str(), "Normal", "as it should be"),
        (&running.uid, "Warning", "secret \"s\" not found"),
        (&running.uid, "Warning", "secret \"s\" not found"),
        (&running.uid, "Warning", "the last"),
    ];
    let mut heard = Vec::new();
    for (number, (uid, type_, message)) in said.into_iter().enumerate() {
        let event = serde_json::from_value(event(&rig, attempt, uid, number, type_, message)).unwrap();
        events.create(&PostParams::default(), &event).await.unwrap();
    }
    while heard.last().is_none_or(|told: &Told| told.message != "the last") {
        heard.extend(told(&mut watch).await);
    }
    let messages: Vec<_> = heard.iter().map(|told| (told.reason.as_str(), told.message.as_str())).collect();
    assert_eq!(messages, [("FailedMount", "secret \"s\" not found"), ("FailedMount", "the last")]);
    assert_eq!(heard[0].object.attempt, attempt);

    let shown = rig.executor.inspect(attempt.run).await.unwrap();
    let pod = &shown[&pod_name(attempt)];
    assert_eq!(pod["status"]["phase"], "Running");
    assert!(pod["events"].to_string().contains("not found"), "{pod}");
}
