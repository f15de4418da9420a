//! The status of a played pod, spelled as a kubelet spells it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::{Ended, Played, State};
use super::pod::{Failure, Phase, PlayedPod};

/// The patch that tells the API server: of the status, and only if the pod is still this one.
pub(super) fn patch(pod: &PlayedPod, uid: &str, address: &str) -> Value {
    let phase = pod.phase();
    let ready = !pod.containers.is_empty() && pod.containers.iter().all(|container| container.ready);
    let sidecars_ready = pod.init.iter().all(|(init, sidecar)| !sidecar || init.ready);
    let mut conditions = vec![
        condition("Initialized", pod.is_initialized()),
        condition("Ready", ready && sidecars_ready),
        condition("ContainersReady", ready && sidecars_ready),
    ];
    let mut status = json!({
        "phase": format!("{phase:?}"),
        "startTime": time(pod.started),
        "hostIP": "127.0.0.1",
        "hostIPs": [{ "ip": "127.0.0.1" }],
        "podIP": address,
        "podIPs": [{ "ip": address }],
        "initContainerStatuses": pod.init.iter().map(|(init, _)| container(init)).collect::<Vec<_>>(),
        "containerStatuses": pod.containers.iter().map(container).collect::<Vec<_>>(),
    });
    if let (Some(failure), Phase::Failed) = (pod.failure, phase) {
        let (reason, message) = match failure {
            Failure::DeadlineExceeded => {
                ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
            }
            Failure::Evicted => ("Evicted", "The node was low on resource: memory. "),
        };
        status["reason"] = reason.into();
        status["message"] = message.into();
        if failure == Failure::Evicted {
            conditions.push(json!({
                "type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message,
            }));
        }
    }
    status["conditions"] = conditions.into();
    json!({ "metadata": { "uid": uid }, "status": status })
}

fn condition(kind: &str, holds: bool) -> Value {
    json!({ "type": kind, "status": if holds { "True" } else { "False" } })
}

fn container(played: &Played) -> Value {
    let state = match &played.state {
        State::Waiting { reason, message } => json!({ "waiting": { "reason": reason, "message": message } }),
        State::Running { since } => json!({ "running": { "startedAt": time(*since) } }),
        State::Ended(ended) => terminated(ended),
    };
    json!({
        "name": played.name,
        "image": played.image,
        "imageID": "",
        "ready": played.ready,
        "started": played.is_running(),
        "restartCount": played.restarts,
        "state": state,
        "lastState": played.last.as_ref().map_or_else(|| json!({}), terminated),
    })
}

fn terminated(ended: &Ended) -> Value {
    json!({ "terminated": {
        "exitCode": ended.code,
        "reason": ended.reason,
        "startedAt": time(ended.started),
        "finishedAt": time(ended.finished),
    } })
}

/// A time as the API has it: whole seconds.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
