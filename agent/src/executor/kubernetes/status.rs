//! What a pod's state means: where its attempt stands, and whether it can still come to anything.
//!
//! Everything is read from the pod alone, so that every replica, today or after a restart, reads the same: ranks grow
//! with what Kubernetes wrote, moments are Kubernetes' own. How it ended is `end`'s. Pure.

use std::time::Duration;

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::{AttemptRef, Phase};
use berth_domain::time::Time;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time as PodTime;

use super::super::{Object, ObjectTrace};
use super::end;
use super::names;
use super::set::{self, Member, Place};

/// The ranks of the phases. A phase that may be left for another and come back has one of its own before that.
pub(super) const CREATED_RANK: u32 = 1;
const UNSCHEDULABLE_RANK: u32 = 10;
const SCHEDULED_RANK: u32 = 20;
const WARNING_RANK: u32 = 30;
/// Of services only: their containers run, and they are not ready; and that for long.
pub(super) const STARTED_RANK: u32 = 40;
pub(super) const UNREADY_RANK: u32 = 50;
const RUNNING_RANK: u32 = 100;
pub(super) const TERMINATING_RANK: u32 = 500;
const ENDED_RANK: u32 = 1_000;

/// How long a pod may be in a trouble that may heal before it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// An image that can't be pulled. Too short, and a registry that restarts fails runs; too long, and a mistyped
    /// name holds its place in the queue.
    pub image: Duration,
    /// A secret or a config map that isn't there.
    pub config: Duration,
    /// A service that runs and isn't ready, before it is said why; it is never given up for that.
    pub ready: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            image: Duration::from_secs(120),
            config: Duration::from_secs(120),
            ready: Duration::from_secs(15),
        }
    }
}

/// What was read from a pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Where it is.
    pub(super) namespace: String,
    /// Where its attempt stands.
    pub(super) object: Object,
    /// How and when it is to be given up, if it doesn't heal.
    pub(super) doom: Option<Doom>,
    /// Whether it is being deleted.
    pub(super) is_terminating: bool,
    /// What it is to a service; none for jobs.
    pub(super) member: Option<Box<Member>>,
}

impl Reading {
    /// Whether it stands for a service of which all objects were created.
    pub(super) fn is_whole(&self) -> bool {
        let place = self.member.as_deref().map(|member| &member.place);
        matches!(place, Some(Place::First { is_whole: true, .. }))
    }

    /// Which of the further pods of a service it is; none if it stands for its attempt.
    pub(super) fn part(&self) -> Option<u32> {
        match self.member.as_deref()?.place {
            Place::First { .. } => None,
            Place::Part(index) => Some(index),
        }
    }
}

/// The end of a pod that would stay in its trouble for ever.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Doom {
    /// When.
    pub(super) due: Time,
    /// How.
    pub(super) end: End,
}

/// Reads a pod; none if it isn't one of ours.
pub(super) fn read(pod: &Pod, patience: Patience) -> Option<Reading> {
    let attempt = attempt(pod)?;
    let created = pod.metadata.creation_timestamp.as_ref().map_or(Time::from_micros(0), time);
    let ran = main(pod).and_then(began);
    let is_terminating = pod.metadata.deletion_timestamp.is_some();
    let mut doom = None;
    let mut member = set::member(pod);
    let (phase, rank, at) = if let Some((end, at)) = end::ended(pod) {
        (Phase::Ended(end), ENDED_RANK, at.unwrap_or(created))
    } else if is_terminating && !annotated(pod, names::VERDICT) {
        let at = pod.metadata.deletion_timestamp.as_ref().map_or(created, time);
        (terminating(pod), TERMINATING_RANK, at)
    } else if let (Some(started), Some(member)) = (ran, &mut member) {
        serving(pod, started, member)
    } else if let Some(at) = ran {
        (Phase::Running, RUNNING_RANK, at)
    } else if let Some(stuck) = stuck(pod) {
        let since = started(pod).unwrap_or(created);
        doom = stuck.doom(since, patience).filter(|_| !is_terminating);
        (Phase::Warning { reason: stuck.reason, message: stuck.message }, WARNING_RANK, since)
    } else {
        waiting(pod, created)
    };
    let object = Object {
        attempt,
        uid: pod.metadata.uid.clone()?,
        replica: annotation(pod, names::REPLICA).unwrap_or_default().to_owned(),
        phase,
        rank,
        at,
        // Of a service that has ended nobody knows whether it was ready.
        ran: ran.filter(|_| member.is_none()).map(|at| (at, RUNNING_RANK)),
        trace: trace(pod, ran).map(Box::new),
    };
    let namespace = pod.metadata.namespace.clone()?;
    Some(Reading { namespace, object, doom, is_terminating, member: member.map(Box::new) })
}

/// What of a pod belongs in a trace.
fn trace(pod: &Pod, began: Option<Time>) -> Option<ObjectTrace> {
    let context = annotation(pod, names::TRACE)?.parse().ok()?;
    Some(ObjectTrace { context, queue: label(pod, names::QUEUE).unwrap_or_default().to_owned(), began })
}

/// A service's pod whose main container was started: it runs when it is ready.
fn serving(pod: &Pod, started: Time, member: &mut Member) -> (Phase, u32, Time) {
    let ready = condition(pod, "Ready");
    if let Some(ready) = ready.filter(|ready| ready.status == "True") {
        let at = ready.last_transition_time.as_ref().map_or(started, time);
        return (Phase::Running, RUNNING_RANK, at.max(started));
    }
    let why = ready.and_then(|ready| ready.message.clone()).filter(|message| !message.is_empty());
    member.unready =
        Some((started, why.unwrap_or_else(|| "its readiness probe has not succeeded".to_owned())));
    (Phase::Created, STARTED_RANK, started)
}

/// Whether an object is one that is being deleted, without that we have decided it, and lives yet.
pub(super) const fn is_terminating(object: &Object) -> bool {
    object.rank == TERMINATING_RANK
}

fn attempt(pod: &Pod) -> Option<AttemptRef> {
    let labels = pod.metadata.labels.as_ref()?;
    let run = labels.get(names::RUN)?.parse().ok()?;
    Some(AttemptRef { run, attempt: labels.get(names::ATTEMPT)?.parse().ok()? })
}

/// An annotation's value.
pub(super) fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn annotated(pod: &Pod, key: &str) -> bool {
    annotation(pod, key).is_some()
}

/// A label's value.
pub(super) fn label<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// Kubernetes' moment as ours.
pub(super) fn time(at: &PodTime) -> Time {
    Time::from_micros(at.0.as_microsecond())
}

pub(super) fn status(pod: &Pod) -> Option<&PodStatus> {
    pod.status.as_ref()
}

/// The status of the main container.
pub(super) fn main(pod: &Pod) -> Option<&ContainerStatus> {
    let all = status(pod)?.container_statuses.as_ref()?;
    all.iter().find(|container| container.name == names::MAIN_CONTAINER)
}

/// The condition of that type.
pub(super) fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    status(pod)?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
}

fn began(container: &ContainerStatus) -> Option<Time> {
    let state = container.state.as_ref()?;
    let running = state.running.as_ref().and_then(|running| running.started_at.as_ref());
    let terminated = state.terminated.as_ref().and_then(|terminated| terminated.started_at.as_ref());
    // What could not be started is said to have begun in 1970.
    running.or(terminated).map(time).filter(|at| at.micros() > 0)
}

/// Since when a node has it.
fn started(pod: &Pod) -> Option<Time> {
    let scheduled =
        condition(pod, "PodScheduled").and_then(|condition| condition.last_transition_time.as_ref());
    status(pod)?.start_time.as_ref().or(scheduled).map(time)
}

fn terminating(pod: &Pod) -> Phase {
    let why = condition(pod, "DisruptionTarget").filter(|condition| condition.status == "True");
    let told = why.and_then(|condition| condition.message.clone()).unwrap_or_default();
    let message = if told.is_empty() { "Its pod is being deleted".to_owned() } else { told };
    let reason = why.and_then(|condition| condition.reason.clone());
    Phase::Warning { reason: reason.unwrap_or_else(|| "Terminating".to_owned()), message }
}

fn waiting(pod: &Pod, created: Time) -> (Phase, u32, Time) {
    let scheduled = condition(pod, "PodScheduled");
    let at = scheduled.and_then(|condition| condition.last_transition_time.as_ref()).map_or(created, time);
    match scheduled {
        Some(condition) if condition.status == "True" => (Phase::Created, SCHEDULED_RANK, at),
        Some(condition) if condition.reason.as_deref() == Some("Unschedulable") => {
            let message = condition.message.clone().unwrap_or_default();
            (Phase::Unschedulable { message }, UNSCHEDULABLE_RANK, at)
        }
        _ => (Phase::Created, CREATED_RANK, created),
    }
}

/// A container that can't be started.
#[derive(Debug)]
struct Stuck {
    class: FailureClass,
    /// Whether time won't help.
    is_final: bool,
    reason: String,
    message: String,
}

impl Stuck {
    fn doom(&self, since: Time, patience: Patience) -> Option<Doom> {
        let patience = match self.class {
            _ if self.is_final => Duration::ZERO,
            FailureClass::Image => patience.image,
            _ => patience.config,
        };
        let end = End {
            outcome: Outcome::Failed(self.class),
            exit_code: None,
            reason: self.reason.clone(),
            message: self.message.clone(),
        };
        Some(Doom { due: since.plus(patience), end })
    }
}

/// The first container that can't be started, in the order in which they are.
fn stuck(pod: &Pod) -> Option<Stuck> {
    let status = status(pod)?;
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten()).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref()?;
        let (class, is_final) = match reason {
            "InvalidImageName" | "ErrImageNeverPull" => (FailureClass::Image, true),
            "ErrImagePull"
            | "ImagePullBackOff"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed" => (FailureClass::Image, false),
            "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "PreStartHookError"
            | "PostStartHookError" => (FailureClass::Config, false),
            _ => return None,
        };
        let told = waiting.message.as_deref().unwrap_or(reason);
        let message = if container.name == names::MAIN_CONTAINER {
            told.to_owned()
        } else {
            format!("container {}: {told}", container.name)
        };
        Some(Stuck { class, is_final, reason: reason.to_owned(), message })
    })
}

#[cfg(test)]
mod tests;
