//! What Berth calls things on a cluster: names, labels, annotations, the finalizer. What is written here is read by
//! other releases and by people's own tools: it is added to, and never renamed.

use berth_domain::protocol::AttemptRef;

/// The container that a run is about. The name by which the stock client knows it.
pub(crate) const MAIN_CONTAINER: &str = "polyaxon-main";

/// Keeps a pod until its end was taken in.
pub(super) const FINALIZER: &str = "berth.dev/report";

/// Who made an object.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub(super) const BERTH: &str = "berth";

/// The agent that made it.
pub(super) const AGENT: &str = "berth.dev/agent";
/// The run.
pub(super) const RUN: &str = "berth.dev/run";
/// The attempt's number.
pub(super) const ATTEMPT: &str = "berth.dev/attempt";
/// The queue that it came on.
pub(super) const QUEUE: &str = "berth.dev/queue";
/// The project.
pub(super) const PROJECT: &str = "berth.dev/project";
/// A pod whose end was taken in: it only waits for its time to go.
pub(super) const RELEASED: &str = "berth.dev/released";

/// A pod whose attempt may be replaced: it is ended when its agent has been without a lease for too long.
pub(super) const REPLACE: &str = "berth.dev/replace";

/// Which of the further pods of its attempt a pod is; the first one, which stands for the attempt, has none.
pub(super) const PART: &str = "berth.dev/part";

/// The kind of run that it is of.
pub(super) const COMPONENT: &str = "app.kubernetes.io/component";
/// The value of [`COMPONENT`] for services.
pub(super) const SERVICE: &str = "service";

/// The replica that created it.
pub(super) const REPLICA: &str = "berth.dev/replica";
/// The hash of the operation, as offered.
pub(super) const SPEC_HASH: &str = "berth.dev/spec-hash";
/// Until when a create of the same attempt can still come: so long its pod stays.
pub(super) const CLAIM_OVER: &str = "berth.dev/claim-over";
/// For how many seconds it stays after its end was taken in.
pub(super) const KEEP: &str = "berth.dev/keep-seconds";
/// How it ends, decided by an agent before it has ended: somebody asked for a stop, or it can't come to anything.
pub(super) const VERDICT: &str = "berth.dev/verdict";

/// How many pods the attempt has, on the first of them.
pub(super) const PODS: &str = "berth.dev/pods";
/// On the first pod: all objects of the attempt were created.
pub(super) const WHOLE: &str = "berth.dev/whole";
/// On the first pod: the ports by which the service is reached, with commas.
pub(super) const PORTS: &str = "berth.dev/ports";
/// On the first pod: how its idleness is seen, and for how long it may be idle.
pub(super) const CULL: &str = "berth.dev/cull";

/// Where the attempt belongs in a trace.
pub(super) const TRACE: &str = "berth.dev/trace";

/// What begins every label and annotation of Berth's own.
pub(super) const PREFIX: &str = "berth.dev/";

/// The name of an attempt's pod.
pub(crate) fn pod_name(attempt: AttemptRef) -> String {
    format!("berth-{}-{}", attempt.run, attempt.attempt)
}

/// The name of the pod number `index` of an attempt whose first pod is named `first`.
pub(super) fn part_name(first: &str, index: u32) -> String {
    format!("{first}-replica-{index}")
}

/// The name of any of an attempt's pods, the first being number 0.
pub(crate) fn replica_name(attempt: AttemptRef, replica: u32) -> String {
    let first = pod_name(attempt);
    if replica == 0 { first } else { part_name(&first, replica) }
}

/// The attempt whose first pod has this name.
pub(super) fn attempt_of(name: &str) -> Option<AttemptRef> {
    let (run, attempt) = name.strip_prefix("berth-")?.split_once('-')?;
    Some(AttemptRef { run: run.parse().ok()?, attempt: attempt.parse().ok()? })
}

/// Selects the pods of an agent whose ends were not taken in yet.
pub(super) fn held(agent: &str) -> String {
    format!("{MANAGED_BY}={BERTH},{AGENT}={agent},!{RELEASED}")
}

/// Selects the pods of an agent that only wait for their time to go.
pub(super) fn released(agent: &str) -> String {
    format!("{MANAGED_BY}={BERTH},{AGENT}={agent},{RELEASED}")
}

/// Selects the pods of an agent that may be replaced, and whose ends were not taken in yet.
pub(super) fn replaceable(agent: &str) -> String {
    format!("{},{REPLACE}", held(agent))
}

/// Selects what an agent has of an attempt.
pub(super) fn of_attempt(agent: &str, attempt: AttemptRef) -> String {
    format!("{},{ATTEMPT}={}", of_run(agent, &attempt.run.to_string()), attempt.attempt)
}

/// Selects the further pods of an attempt.
pub(super) fn parts(agent: &str, attempt: AttemptRef) -> String {
    format!("{},{PART}", of_attempt(agent, attempt))
}

/// Selects the further pods of all attempts of an agent.
pub(super) fn all_parts(agent: &str) -> String {
    format!("{MANAGED_BY}={BERTH},{AGENT}={agent},{PART}")
}

/// Selects what an agent has of services.
pub(super) fn services(agent: &str) -> String {
    format!("{MANAGED_BY}={BERTH},{AGENT}={agent},{COMPONENT}={SERVICE}")
}

/// Selects all of an agent's pods of a run.
pub(super) fn of_run(agent: &str, run: &str) -> String {
    format!("{MANAGED_BY}={BERTH},{AGENT}={agent},{RUN}={run}")
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;

    use super::*;

    #[test]
    fn the_name_of_a_pod_tells_its_attempt_and_fits_into_a_label() {
        let attempt = AttemptRef { run: RunId::new(), attempt: u32::MAX };
        let name = pod_name(attempt);
        assert_eq!(attempt_of(&name), Some(attempt));
        assert!(name.len() <= 63, "{name}");
        let part = part_name(&name, 999);
        assert!(part.len() <= 63 && attempt_of(&part).is_none(), "{part}");
        for other in ["", "berth-x-1", "other", "berth-", &name[..20]] {
            assert_eq!(attempt_of(other), None, "{other}");
        }
    }
}
