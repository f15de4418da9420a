//! One pod as a fake node plays it: init containers in turn, sidecars, containers, deadlines, deletion, eviction.
//!
//! A pure machine: the time comes in, a status comes out. How a status is spelled is in `status`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod};

use super::container::{Played, later};
use super::script;

/// The time between a container's end and its next start.
const RESTART: Duration = Duration::from_secs(1);

/// When a container is started again after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    Never,
    OnFailure,
    Always,
}

/// A pod on a fake node.
#[derive(Debug, Clone)]
pub(super) struct PlayedPod {
    /// In their order, each with whether it is a sidecar.
    pub(super) init: Vec<(Played, bool)>,
    pub(super) containers: Vec<Played>,
    pub(super) started: Timestamp,
    restart: Restart,
    deadline: Option<Timestamp>,
    /// When SIGKILL follows, once its deletion was seen.
    killed_at: Option<Timestamp>,
    pub(super) failure: Option<Failure>,
}

/// Why a pod failed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    DeadlineExceeded,
    Evicted,
}

/// The phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl PlayedPod {
    pub(super) fn new(pod: &Pod, now: Timestamp) -> Self {
        let spec = pod.spec.as_ref();
        let play = |container: &Container| {
            let image = container.image.as_deref().unwrap_or_default();
            Played::new(&container.name, image, script::of_container(pod, container))
        };
        let is_sidecar = |container: &Container| container.restart_policy.as_deref() == Some("Always");
        let seconds = spec.and_then(|spec| spec.active_deadline_seconds);
        Self {
            init: spec
                .and_then(|spec| spec.init_containers.as_ref())
                .into_iter()
                .flatten()
                .map(|container| (play(container), is_sidecar(container)))
                .collect(),
            containers: spec.into_iter().flat_map(|spec| &spec.containers).map(play).collect(),
            started: now,
            restart: match spec.and_then(|spec| spec.restart_policy.as_deref()) {
                Some("Never") => Restart::Never,
                Some("OnFailure") => Restart::OnFailure,
                _ => Restart::Always,
            },
            deadline: seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(|seconds| later(now, Duration::from_secs(seconds))),
            killed_at: None,
            failure: None,
        }
    }

    /// Goes on to `now`; returns when there will be something to do again.
    pub(super) fn advance(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.deadline.is_some_and(|deadline| deadline <= now) && !self.is_over() {
            self.fail(Failure::DeadlineExceeded, now);
        }
        let mut next = earliest(self.deadline.filter(|_| !self.is_over()), self.advance_init(now));
        if self.is_initialized() && self.failure.is_none() {
            let (restart, is_terminating) = (self.restart, self.killed_at.is_some());
            for container in &mut self.containers {
                if !is_terminating {
                    container.start(now);
                }
                next = earliest(next, container.advance(now));
                if !is_terminating {
                    next = earliest(next, start_again(container, restart, now));
                }
            }
        }
        if let Some(killed_at) = self.killed_at {
            for container in self.all_mut() {
                container.terminate(now, killed_at <= now);
            }
            next = earliest(next, Some(killed_at).filter(|at| *at > now && !self.has_stopped()));
        }
        if self.is_over() {
            self.stop_sidecars(now);
        }
        next
    }

    /// Its deletion was seen: SIGTERM now, SIGKILL after `grace`.
    pub(super) fn delete(&mut self, now: Timestamp, grace: Duration) {
        let killed_at = later(now, grace);
        self.killed_at = Some(self.killed_at.map_or(killed_at, |earlier| earlier.min(killed_at)));
    }

    /// Whether its deletion was seen and nothing of it runs: it may be removed.
    pub(super) fn is_removable(&self) -> bool {
        self.killed_at.is_some() && self.has_stopped()
    }

    /// Kills everything, for a reason of the node's.
    pub(super) fn fail(&mut self, failure: Failure, now: Timestamp) {
        if !self.is_over() {
            self.failure = Some(failure);
            self.all_mut().for_each(|container| container.kill(now));
        }
    }

    /// Ends whatever still runs: the cluster counts the pod as ended.
    pub(super) fn finish(&mut self, now: Timestamp) {
        self.deadline = None;
        self.restart = Restart::Never;
        self.all_mut().for_each(|container| container.kill(now));
    }

    pub(super) fn phase(&self) -> Phase {
        if self.failure.is_some() {
            return Phase::Failed;
        }
        let failed_init = self
            .init
            .iter()
            .any(|(init, sidecar)| !sidecar && init.ended().is_some_and(|ended| ended.code != 0));
        if failed_init && (self.restart == Restart::Never || self.killed_at.is_some()) {
            return Phase::Failed;
        }
        if !self.is_initialized() {
            return Phase::Pending;
        }
        let codes: Vec<i32> = self
            .containers
            .iter()
            .filter_map(|container| container.ended().map(|ended| ended.code))
            .collect();
        let all_ended = codes.len() == self.containers.len();
        let failed = codes.iter().any(|code| *code != 0);
        match self.restart {
            _ if !all_ended => {
                let begun =
                    self.containers.iter().any(|container| container.is_running() || container.restarts > 0);
                if begun || !codes.is_empty() { Phase::Running } else { Phase::Pending }
            }
            Restart::Always if self.killed_at.is_none() => Phase::Running,
            Restart::OnFailure if self.killed_at.is_none() && failed => Phase::Running,
            _ if failed => Phase::Failed,
            _ => Phase::Succeeded,
        }
    }

    pub(super) fn is_initialized(&self) -> bool {
        self.init.iter().all(|(init, sidecar)| {
            if *sidecar {
                init.is_running() || init.ended().is_some()
            } else {
                init.ended().is_some_and(|ended| ended.code == 0)
            }
        })
    }

    fn is_over(&self) -> bool {
        matches!(self.phase(), Phase::Succeeded | Phase::Failed)
    }

    fn has_stopped(&self) -> bool {
        let init = self.init.iter().map(|(init, _)| init);
        !init.chain(&self.containers).any(Played::is_running)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Played> {
        self.init.iter_mut().map(|(init, _)| init).chain(&mut self.containers)
    }

    /// One after the other; a sidecar lets the next start as soon as it runs.
    fn advance_init(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.failure.is_some() {
            return None;
        }
        let is_terminating = self.killed_at.is_some();
        let mut next = None;
        for (init, sidecar) in &mut self.init {
            if !is_terminating {
                init.start(now);
            }
            next = earliest(next, init.advance(now));
            let restart = match (self.restart, &sidecar) {
                (_, true) => Restart::Always,
                (Restart::Always, false) => Restart::OnFailure,
                (restart, false) => restart,
            };
            if !is_terminating {
                next = earliest(next, start_again(init, restart, now));
            }
            let lets_pass =
                if *sidecar { init.is_running() } else { init.ended().is_some_and(|ended| ended.code == 0) };
            if !lets_pass {
                break;
            }
        }
        next
    }

    fn stop_sidecars(&mut self, now: Timestamp) {
        for (init, _) in self.init.iter_mut().filter(|(_, sidecar)| *sidecar) {
            init.terminate(now, true);
        }
    }
}

/// Starts an ended container again when it is time; returns when there will be something to do.
fn start_again(container: &mut Played, restart: Restart, now: Timestamp) -> Option<Timestamp> {
    let due = |container: &Played| {
        let ended = container.ended()?;
        let is_due = restart == Restart::Always || (restart == Restart::OnFailure && ended.code != 0);
        is_due.then(|| later(ended.finished, RESTART))
    };
    let at = due(container)?;
    if now < at {
        return Some(at);
    }
    container.restart(now);
    // It may have ended at once, and then is due again.
    container.advance(now).or_else(|| due(container))
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn played(spec: &Value) -> PlayedPod {
        let pod = serde_json::from_value(json!({ "metadata": {}, "spec": spec })).unwrap();
        PlayedPod::new(&pod, at(0))
    }

    fn one(restart: &str, script: &str) -> PlayedPod {
        played(
            &json!({ "restartPolicy": restart, "containers": [{ "name": "main", "args": ["-c", script] }] }),
        )
    }

    /// Goes from one moment with something to do to the next, until `end`.
    fn play(pod: &mut PlayedPod, end: i64) {
        let mut now = at(0);
        while let Some(next) = pod.advance(now).filter(|next| *next <= at(end)) {
            now = next;
        }
        pod.advance(at(end));
    }

    #[test]
    fn a_pod_goes_from_running_to_its_end_when_its_script_says() {
        let mut pod = one("Never", "sleep 2; exit 3");
        assert_eq!(pod.advance(at(0)), Some(at(2)));
        assert_eq!(pod.phase(), Phase::Running);
        assert_eq!(pod.advance(at(2)), None);
        assert_eq!(pod.phase(), Phase::Failed);
    }

    #[test]
    fn a_container_is_started_again_as_its_policy_says() {
        for (policy, script, restarts, phase) in [
            ("Never", "exit 1", 0, Phase::Failed),
            ("OnFailure", "exit 0", 0, Phase::Succeeded),
            ("OnFailure", "exit 1", 3, Phase::Running),
            ("Always", "exit 0", 3, Phase::Running),
        ] {
            let mut pod = one(policy, script);
            play(&mut pod, 3);
            assert_eq!((pod.containers[0].restarts, pod.phase()), (restarts, phase), "{policy} {script}");
        }
    }

    #[test]
    fn a_deletion_waits_for_who_ignores_it_until_its_grace_is_over() {
        for (script, code, second) in [("sleep infinity", 143, 5), ("trap '' TERM; sleep infinity", 137, 15)]
        {
            let mut pod = one("Always", script);
            play(&mut pod, 5);
            pod.delete(at(5), Duration::from_secs(10));
            let next = pod.advance(at(5));
            assert_eq!(pod.is_removable(), second == 5);
            if let Some(next) = next {
                assert_eq!(next, at(second));
                pod.advance(next);
            }
            assert!(pod.is_removable());
            assert_eq!(pod.containers[0].ended().map(|ended| ended.code), Some(code));
            assert_eq!(pod.phase(), Phase::Failed);
        }
    }

    #[test]
    fn a_pod_past_its_deadline_is_killed_and_stays_failed() {
        let spec =
            json!({ "activeDeadlineSeconds": 4, "containers": [{ "name": "main", "args": ["sleep", "9"] }] });
        let mut pod = played(&spec);
        play(&mut pod, 20);
        assert_eq!((pod.phase(), pod.failure), (Phase::Failed, Some(Failure::DeadlineExceeded)));
        assert_eq!(pod.containers[0].restarts, 0);
    }

    #[test]
    fn what_keeps_an_init_container_from_its_end_keeps_the_pod_pending() {
        let mut pod = played(&json!({
            "restartPolicy": "Never",
            "initContainers": [{ "name": "first", "args": ["sleep", "2"] }],
            "containers": [{ "name": "main", "args": ["exit", "0"] }],
        }));
        pod.advance(at(0));
        assert_eq!((pod.phase(), pod.is_initialized()), (Phase::Pending, false));
        play(&mut pod, 2);
        assert_eq!(pod.phase(), Phase::Succeeded);
    }
}
