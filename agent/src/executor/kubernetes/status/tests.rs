//! Pods as Kubernetes writes them, and what each means.

use serde_json::{Value, json};

use super::*;

const RUN: &str = "0123456789abcdef0123456789abcdef";

/// A pod with `changes` laid over it, each at its JSON path.
fn pod(changes: &[(&str, Value)]) -> Pod {
    let mut pod = json!({
        "metadata": {
            "name": format!("berth-{RUN}-1"),
            "namespace": "jobs",
            "uid": "u1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"berth.dev/run": RUN, "berth.dev/attempt": "1"},
            "annotations": {"berth.dev/replica": "r1"},
        },
        "spec": {"nodeName": "n1", "activeDeadlineSeconds": 60, "containers": [{"name": "polyaxon-main"}],
                 "initContainers": [{"name": "fetch"}, {"name": "proxy", "restartPolicy": "Always"}]},
        "status": {"phase": "Pending"},
    });
    for (path, value) in changes {
        let mut at = &mut pod;
        for step in path.split('/') {
            at = &mut at[step.replace('~', "/")];
        }
        *at = value.clone();
    }
    serde_json::from_value(pod).unwrap()
}

fn reading(changes: &[(&str, Value)]) -> Reading {
    read(&pod(changes), Patience::default()).unwrap()
}

fn phase(name: &str) -> (&'static str, Value) {
    ("status/phase", json!(name))
}

fn main_is(state: &Value) -> (&'static str, Value) {
    ("status/containerStatuses", json!([{"name": "polyaxon-main", "state": state}]))
}

fn exit(code: i32, reason: &str) -> (&'static str, Value) {
    main_is(&json!({"terminated": {"exitCode": code, "reason": reason, "message": "told",
        "startedAt": "2026-01-01T00:00:05Z", "finishedAt": "2026-01-01T00:00:09Z"}}))
}

fn condition_is(type_: &str, status: &str, reason: &str) -> (&'static str, Value) {
    let condition = json!({"type": type_, "status": status, "reason": reason, "message": "why",
        "lastTransitionTime": "2026-01-01T00:00:02Z"});
    ("status/conditions", json!([condition]))
}

fn deleted(grace: i64) -> [(&'static str, Value); 2] {
    [
        ("metadata/deletionTimestamp", json!("2026-01-01T00:01:00Z")),
        ("metadata/deletionGracePeriodSeconds", json!(grace)),
    ]
}

fn after(seconds: i64) -> Time {
    Time::parse("2026-01-01T00:00:00Z").unwrap().plus(Duration::from_secs(seconds.unsigned_abs()))
}

#[test]
fn a_pod_on_its_way_grows_in_rank() {
    let waiting = main_is(&json!({"waiting": {"reason": "ContainerCreating"}}));
    let pulling = main_is(&json!({"waiting": {"reason": "ErrImagePull", "message": "no such image"}}));
    let running = main_is(&json!({"running": {"startedAt": "2026-01-01T00:00:05Z"}}));
    let warning = Phase::Warning { reason: "ErrImagePull".into(), message: "no such image".into() };
    let steps = [
        (vec![], Phase::Created, after(0)),
        (
            vec![condition_is("PodScheduled", "False", "Unschedulable")],
            Phase::Unschedulable { message: "why".into() },
            after(2),
        ),
        (vec![condition_is("PodScheduled", "True", ""), waiting], Phase::Created, after(2)),
        (vec![condition_is("PodScheduled", "True", ""), pulling], warning, after(2)),
        (vec![phase("Running"), running.clone()], Phase::Running, after(5)),
        (
            vec![phase("Running"), running, deleted(30)[0].clone(), deleted(30)[1].clone()],
            Phase::Warning { reason: "Terminating".into(), message: "Its pod is being deleted".into() },
            after(60),
        ),
    ];
    let mut rank = 0;
    for (changes, expected, at) in steps {
        let object = reading(&changes).object;
        assert_eq!((&object.phase, object.at), (&expected, at));
        assert!(object.rank > rank, "{expected:?}");
        rank = object.rank;
    }
    let object = reading(&[phase("Succeeded"), exit(0, "Completed")]).object;
    assert!(object.rank > rank && object.is_ended());
    assert_eq!((object.ran, object.at), (Some((after(5), 100)), after(9)));
    assert_eq!((object.uid.as_str(), object.replica.as_str(), object.attempt.attempt), ("u1", "r1", 1));
}

#[test]
fn every_end_has_its_class_reason_and_exit_code() {
    use FailureClass::{Config, Evicted, NodeLost, Oom, Preempted, Timeout, User};
    let failed = || phase("Failed");
    let told = |reason: &str| ("status/reason", json!(reason));
    let target = |reason: &str| condition_is("DisruptionTarget", "True", reason);
    let init = |state: Value| ("status/initContainerStatuses", json!([{"name": "fetch", "state": state}]));
    let verdict = json!(r#"{"outcome":"stopped","reason":"Stopped","message":"asked"}"#);
    let stopped = || ("metadata/annotations/berth.dev~verdict", verdict.clone());
    let start_error = |message: &str| {
        main_is(&json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": message,
            "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:09Z"}}))
    };
    let failure = |class| Outcome::Failed(class);
    let [gone, no_grace] = deleted(0);
    let table = [
        (vec![phase("Succeeded"), exit(0, "Completed")], Outcome::Succeeded, Some(0), "Completed"),
        (vec![failed(), exit(3, "Error")], failure(User), Some(3), "ExitCode"),
        (vec![failed(), exit(127, "Error")], failure(User), Some(127), "CommandNotFound"),
        (vec![failed(), exit(126, "Error")], failure(User), Some(126), "CommandNotExecutable"),
        (vec![failed(), exit(137, "Error")], failure(User), Some(137), "Signal(9)"),
        (vec![failed(), exit(255, "Error")], failure(User), Some(255), "ExitCode"),
        (vec![failed(), exit(137, "OOMKilled")], failure(Oom), Some(137), "OOMKilled"),
        (
            vec![failed(), exit(137, "ContainerStatusUnknown")],
            failure(NodeLost),
            Some(137),
            "ContainerStatusUnknown",
        ),
        (
            vec![failed(), start_error("exec: \"x\": executable file not found in $PATH")],
            failure(User),
            Some(127),
            "CommandNotFound",
        ),
        (
            vec![failed(), start_error("exec /x: permission denied")],
            failure(User),
            Some(126),
            "CommandNotExecutable",
        ),
        (vec![failed(), start_error("mount of /x failed")], failure(Config), None, "NotStarted"),
        (
            vec![failed(), told("DeadlineExceeded"), exit(143, "Error")],
            failure(Timeout),
            Some(143),
            "Timeout",
        ),
        (vec![failed(), told("Evicted")], failure(Evicted), None, "Evicted"),
        (vec![failed(), told("OutOfcpu")], failure(Evicted), None, "OutOfcpu"),
        (vec![failed(), told("NodeLost")], failure(NodeLost), None, "NodeLost"),
        (
            vec![failed(), target("PreemptionByScheduler"), exit(143, "Error")],
            failure(Preempted),
            Some(143),
            "PreemptionByScheduler",
        ),
        (vec![failed(), target("DeletionByTaintManager")], failure(Evicted), None, "DeletionByTaintManager"),
        (vec![failed(), target("DeletionByPodGC")], failure(NodeLost), None, "DeletionByPodGC"),
        (vec![failed(), init(json!({"terminated": {"exitCode": 4}}))], failure(User), Some(4), "ExitCode"),
        (
            vec![failed(), init(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}))],
            failure(Oom),
            Some(137),
            "OOMKilled",
        ),
        (vec![gone.clone(), no_grace.clone()], failure(NodeLost), None, "Deleted"),
        (vec![failed(), gone.clone(), exit(143, "Error")], failure(NodeLost), Some(143), "Deleted"),
        (vec![stopped(), gone.clone(), no_grace.clone()], Outcome::Stopped, None, "Stopped"),
        (vec![stopped(), failed(), exit(143, "Error")], Outcome::Stopped, Some(143), "Stopped"),
        (vec![failed()], failure(NodeLost), None, "PodFailed"),
    ];
    for (changes, outcome, code, reason) in table {
        let Phase::Ended(end) = reading(&changes).object.phase else { panic!("{reason}") };
        assert_eq!((end.outcome, end.exit_code, end.reason.as_str()), (outcome, code, reason), "{end:?}");
    }
}

#[test]
fn a_pod_that_still_runs_while_it_is_deleted_has_not_ended() {
    let running = main_is(&json!({"running": {"startedAt": "2026-01-01T00:00:05Z"}}));
    let [at, grace] = deleted(30);
    let reading = reading(&[phase("Running"), running, at, grace]);
    assert!(!reading.object.is_ended() && reading.is_terminating);
}

#[test]
fn what_can_not_be_pulled_is_given_up_after_a_while_or_at_once() {
    let waiting = |reason: &str| main_is(&json!({"waiting": {"reason": reason}}));
    let scheduled = || condition_is("PodScheduled", "True", "");
    for (reason, class, due) in [
        ("InvalidImageName", FailureClass::Image, 2),
        ("ErrImageNeverPull", FailureClass::Image, 2),
        ("ImagePullBackOff", FailureClass::Image, 122),
        ("CreateContainerConfigError", FailureClass::Config, 122),
    ] {
        let doom = reading(&[scheduled(), waiting(reason)]).doom.unwrap();
        assert_eq!((doom.end.outcome, doom.due), (Outcome::Failed(class), after(due)), "{reason}");
    }
    assert_eq!(reading(&[scheduled(), waiting("ContainerCreating")]).doom, None);
}

#[test]
fn a_foreign_pod_is_none_of_ours() {
    assert_eq!(read(&pod(&[("metadata/labels", json!({"app": "x"}))]), Patience::default()), None);
}

#[test]
fn what_our_own_containers_say_is_told_with_the_end() {
    let init = |name: &str, code: i32| {
        let state = json!({"terminated": {"exitCode": code, "reason": "Error", "message": "berth: disk full\n",
            "finishedAt": "2026-01-01T00:00:09Z"}});
        ("status/initContainerStatuses", json!([{"name": name, "state": state}]))
    };
    let message = |changes: &[(&str, Value)]| match reading(changes).object.phase {
        Phase::Ended(end) => (end.outcome, end.message),
        other => panic!("{other:?}"),
    };
    let (_, told) = message(&[phase("Failed"), init("fetch", 1)]);
    assert!(told.starts_with("Init container fetch: ") && told.ends_with(": berth: disk full"), "{told}");
    let collected =
        |code| message(&[phase("Succeeded"), exit(0, "Completed"), init("polyaxon-collector", code)]);
    let (outcome, told) = collected(1);
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(told.ends_with("what it left was not all collected: berth: disk full"), "{told}");
    assert!(!collected(0).1.contains("collected"));
}

#[test]
fn a_pod_tells_where_its_run_belongs_in_a_trace_and_when_its_program_began() {
    let kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = ("metadata/annotations/berth.dev~trace", json!(kept));
    let queue = ("metadata/labels/berth.dev~queue", json!("gpu"));
    let found =
        reading(&[phase("Succeeded"), exit(0, "Completed"), trace.clone(), queue]).object.trace.unwrap();
    assert_eq!((found.context.to_string().as_str(), found.queue.as_str()), (kept, "gpu"));
    assert_eq!(found.began.map(|began| began.to_string()), Some("2026-01-01T00:00:05.000000Z".to_owned()));
    assert_eq!(reading(&[phase("Pending"), trace]).object.trace.unwrap().began, None);
    let wrong = ("metadata/annotations/berth.dev~trace", json!("nonsense"));
    assert_eq!(reading(&[phase("Pending"), wrong]).object.trace, None);
}
