//! How a pod ended: class, reason, exit code and moment. Pure.
//!
//! A pod is over when Kubernetes says so, or when it is gone for Kubernetes: deleted, with no grace left or no node to
//! run on. What its main container did decides; before that, what was decided about it, and what befell it.

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::time::Time;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

use super::names;
use super::status::{annotation, condition, main, status, time};
use super::transfer::COLLECTOR;
use crate::shim::exit;

/// The highest signal there is.
const MAX_SIGNAL: i32 = 64;

/// The end of a pod, and when it came; none if it isn't over.
pub(super) fn ended(pod: &Pod) -> Option<(End, Option<Time>)> {
    let phase = status(pod).and_then(|status| status.phase.as_deref()).unwrap_or_default();
    if !matches!(phase, "Succeeded" | "Failed") && !is_gone(pod) {
        return None;
    }
    let terminated = main(pod).and_then(terminated);
    let finished = terminated.or_else(|| failed_init(pod).map(|(_, terminated)| terminated));
    let at = finished
        .and_then(|terminated| terminated.finished_at.as_ref())
        .or(pod.metadata.deletion_timestamp.as_ref())
        .map(time)
        .filter(|at| at.micros() > 0);
    let end = decided(pod, terminated)
        .or_else(|| (phase == "Succeeded").then(|| exit::ended(exit::Status::Code(0), None)))
        .or_else(|| told_by_kubernetes(pod, terminated))
        .or_else(|| disrupted(pod, terminated))
        .or_else(|| terminated.map(|terminated| exited(pod, terminated)))
        .or_else(|| failed_init(pod).map(|(name, terminated)| init_failed(name, terminated)))
        .unwrap_or_else(|| lost(pod));
    Some((with_collecting(pod, end), at))
}

/// Whether nothing of it can run any more, whatever its last status says.
fn is_gone(pod: &Pod) -> bool {
    let no_node = pod.spec.as_ref().is_none_or(|spec| spec.node_name.as_deref().is_none_or(str::is_empty));
    pod.metadata.deletion_timestamp.is_some()
        && (pod.metadata.deletion_grace_period_seconds == Some(0) || no_node)
}

fn terminated(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    container.state.as_ref()?.terminated.as_ref()
}

fn failed(
    class: FailureClass,
    reason: impl Into<String>,
    message: impl Into<String>,
    terminated: Option<&ContainerStateTerminated>,
) -> End {
    End {
        outcome: Outcome::Failed(class),
        exit_code: terminated.map(|terminated| terminated.exit_code),
        reason: reason.into(),
        message: message.into(),
    }
}

/// What an agent decided about it before it ended.
fn decided(pod: &Pod, terminated: Option<&ContainerStateTerminated>) -> Option<End> {
    let verdict: End = serde_json::from_str(annotation(pod, names::VERDICT)?).ok()?;
    // What another pod of the same attempt ended with was decided with its end.
    let exit_code = verdict.exit_code.or(terminated.map(|terminated| terminated.exit_code));
    Some(End { exit_code, ..verdict })
}

/// What Kubernetes says of the whole pod.
fn told_by_kubernetes(pod: &Pod, terminated: Option<&ContainerStateTerminated>) -> Option<End> {
    let status = status(pod)?;
    let reason = status.reason.as_deref().filter(|reason| !reason.is_empty())?;
    let message = status.message.clone().unwrap_or_default();
    let class = match reason {
        "DeadlineExceeded" => {
            let seconds = pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds).unwrap_or_default();
            let message = format!("Ended because it ran for longer than {seconds} s");
            return Some(failed(FailureClass::Timeout, "Timeout", message, terminated));
        }
        "NodeLost" | "Terminated" | "NodeShutdown" | "Shutdown" => FailureClass::NodeLost,
        "Preempting" => FailureClass::Preempted,
        // Its node sent it away, or would not take it.
        "Evicted" | "NodeAffinity" | "UnexpectedAdmissionError" => FailureClass::Evicted,
        reason if reason.starts_with("OutOf") => FailureClass::Evicted,
        _ => return None,
    };
    Some(failed(class, reason, message, terminated))
}

/// What took its place away.
fn disrupted(pod: &Pod, terminated: Option<&ContainerStateTerminated>) -> Option<End> {
    let target = condition(pod, "DisruptionTarget").filter(|condition| condition.status == "True")?;
    let reason = target.reason.as_deref().unwrap_or("DisruptionTarget");
    let class = match reason {
        "PreemptionByScheduler" => FailureClass::Preempted,
        "DeletionByPodGC" => FailureClass::NodeLost,
        _ => FailureClass::Evicted,
    };
    Some(failed(class, reason, target.message.clone().unwrap_or_default(), terminated))
}

/// What its main container did.
fn exited(pod: &Pod, terminated: &ContainerStateTerminated) -> End {
    let told = terminated.message.clone().unwrap_or_default();
    match terminated.reason.as_deref() {
        Some("OOMKilled") => {
            let message = "Killed for using more memory than its limit";
            failed(FailureClass::Oom, "OOMKilled", message, Some(terminated))
        }
        Some("ContainerStatusUnknown") => {
            failed(FailureClass::NodeLost, "ContainerStatusUnknown", told, Some(terminated))
        }
        Some("StartError" | "ContainerCannotRun") => not_started(&told),
        _ if pod.metadata.deletion_timestamp.is_some() && terminated.exit_code != 0 => {
            End { exit_code: Some(terminated.exit_code), ..deleted() }
        }
        _ => exit::ended(process_status(terminated), None),
    }
}

fn process_status(terminated: &ContainerStateTerminated) -> exit::Status {
    let code = terminated.exit_code;
    match terminated.signal {
        Some(signal) if signal > 0 => exit::Status::Signal(signal),
        // A runtime tells a signal as a shell does.
        _ if (129..=128 + MAX_SIGNAL).contains(&code) => exit::Status::Signal(code - 128),
        _ => exit::Status::Code(code),
    }
}

/// A container that its runtime could not start.
fn not_started(told: &str) -> End {
    let users = |code, reason: &str| End {
        outcome: Outcome::Failed(FailureClass::User),
        exit_code: Some(code),
        reason: reason.to_owned(),
        message: told.to_owned(),
    };
    if told.contains("not found") || told.contains("no such file or directory") {
        users(127, "CommandNotFound")
    } else if told.contains("permission denied") || told.contains("exec format error") {
        users(126, "CommandNotExecutable")
    } else {
        failed(FailureClass::Config, "NotStarted", told, None)
    }
}

/// The first init container that failed; sidecars may.
fn failed_init(pod: &Pod) -> Option<(&str, &ContainerStateTerminated)> {
    let sidecars = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let sidecars: Vec<&str> =
        sidecars.filter(|one| one.restart_policy.is_some()).map(|one| one.name.as_str()).collect();
    status(pod)?.init_container_statuses.as_ref()?.iter().find_map(|container| {
        let terminated = terminated(container).filter(|terminated| terminated.exit_code != 0)?;
        (!sidecars.contains(&container.name.as_str())).then_some((container.name.as_str(), terminated))
    })
}

/// The end, and that not all that the run has left could be collected, if that is so.
fn with_collecting(pod: &Pod, end: End) -> End {
    let containers = status(pod).and_then(|status| status.init_container_statuses.as_ref());
    let collector = containers.into_iter().flatten().find(|container| container.name == COLLECTOR);
    let failed = collector.and_then(terminated).filter(|terminated| terminated.exit_code != 0);
    let Some(failed) = failed else { return end };
    let why = words(failed).unwrap_or_else(|| exit::ended(process_status(failed), None).message);
    let message = format!("{}; what it left was not all collected: {why}", end.message);
    End { message: message.trim_start_matches("; ").to_owned(), ..end }
}

/// A container's own last words.
fn words(terminated: &ContainerStateTerminated) -> Option<String> {
    let words = terminated.message.as_deref().unwrap_or_default().trim();
    (!words.is_empty()).then(|| words.to_owned())
}

fn init_failed(name: &str, terminated: &ContainerStateTerminated) -> End {
    let end = match terminated.reason.as_deref() {
        Some("OOMKilled") => {
            let message = "killed for using more memory than its limit";
            failed(FailureClass::Oom, "OOMKilled", message, Some(terminated))
        }
        Some("StartError" | "ContainerCannotRun") => {
            not_started(terminated.message.as_deref().unwrap_or_default())
        }
        _ => exit::ended(process_status(terminated), None),
    };
    // What could not be started is told already; what ended by itself may say why.
    let why = words(terminated).filter(|_| terminated.reason.as_deref() == Some("Error"));
    let why = why.map(|words| format!(": {words}")).unwrap_or_default();
    End { message: format!("Init container {name}: {}{why}", end.message), ..end }
}

fn deleted() -> End {
    failed(FailureClass::NodeLost, "Deleted", "Its pod was deleted by somebody else", None)
}

/// Over, and nobody says why.
fn lost(pod: &Pod) -> End {
    if pod.metadata.deletion_timestamp.is_some() {
        return deleted();
    }
    let status = status(pod);
    let told = |text: Option<&String>, or: &str| {
        text.filter(|text| !text.is_empty()).map_or(or.to_owned(), Clone::clone)
    };
    let reason = told(status.and_then(|status| status.reason.as_ref()), "PodFailed");
    let message = told(
        status.and_then(|status| status.message.as_ref()),
        "Its pod failed, and Kubernetes doesn't say why",
    );
    failed(FailureClass::NodeLost, reason, message, None)
}
