//! Sets of pods as Kubernetes writes them, and what each set means.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const RUN: &str = "0123456789abcdef0123456789abcdef";
const BEGAN: &str = "2026-01-01T00:00:00Z";

fn after(seconds: u64) -> Time {
    Time::parse(BEGAN).unwrap().plus(Duration::from_secs(seconds))
}

fn patience() -> Patience {
    Patience { ready: Duration::from_secs(15), ..Patience::default() }
}

/// How a pod stands.
#[derive(Clone, Copy)]
enum Is {
    Pending,
    Unschedulable,
    ImageMissing,
    Started,
    Ready,
    Asked,
    Exited(i32),
}

fn pod(index: u32, pods: u32, is_whole: bool, is: Is) -> Reading {
    let mut pod = json!({
        "metadata": {
            "name": "p", "namespace": "jobs", "uid": format!("u{index}"), "creationTimestamp": BEGAN,
            "labels": {names::RUN: RUN, names::ATTEMPT: "1", names::COMPONENT: names::SERVICE},
            "annotations": {names::CLAIM_OVER: after(80)},
        },
        "spec": {"nodeName": "n", "containers": [{"name": "polyaxon-main"}]},
        "status": {"phase": "Running", "podIP": format!("10.0.0.{index}")},
    });
    if index == 0 {
        pod["metadata"]["annotations"][names::PODS] = json!(pods.to_string());
        pod["metadata"]["annotations"][names::CULL] = json!(r#"{"seconds": 60, "port": 1, "path": "/"}"#);
        if is_whole {
            pod["metadata"]["annotations"][names::WHOLE] = json!("true");
        }
    } else {
        pod["metadata"]["labels"][names::PART] = json!(index.to_string());
    }
    let condition = |type_: &str, status: &str, reason: &str| json!({"type": type_, "status": status, "reason": reason, "message": "told", "lastTransitionTime": after(9)});
    let state = |state: Value| json!([{"name": "polyaxon-main", "state": state}]);
    let running = || state(json!({"running": {"startedAt": after(5)}}));
    let status = &mut pod["status"];
    match is {
        Is::Pending => status["phase"] = json!("Pending"),
        Is::Unschedulable => {
            status["phase"] = json!("Pending");
            status["conditions"] = json!([condition("PodScheduled", "False", "Unschedulable")]);
        }
        Is::ImageMissing => {
            status["conditions"] = json!([condition("PodScheduled", "True", "")]);
            status["containerStatuses"] =
                state(json!({"waiting": {"reason": "InvalidImageName", "message": "told"}}));
        }
        Is::Started => {
            status["conditions"] = json!([condition("Ready", "False", "ContainersNotReady")]);
            status["containerStatuses"] = running();
        }
        Is::Ready | Is::Asked => {
            status["conditions"] = json!([condition("Ready", "True", "")]);
            status["containerStatuses"] = running();
        }
        Is::Exited(code) => {
            status["phase"] = json!(if code == 0 { "Succeeded" } else { "Failed" });
            let ended = json!({"exitCode": code, "startedAt": after(5), "finishedAt": after(20)});
            status["containerStatuses"] = state(json!({"terminated": ended}));
        }
    }
    if matches!(is, Is::Asked) {
        pod["metadata"]["deletionTimestamp"] = json!(after(30));
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        let verdict = json!(berth_domain::lifecycle::culling::end(Duration::ZERO)).to_string();
        pod["metadata"]["annotations"][names::VERDICT] = json!(verdict);
    }
    status::read(&serde_json::from_value(pod).unwrap(), patience()).unwrap()
}

/// A service of `pods`, of which these are there.
fn sets(pods: u32, is_whole: bool, all: &[Is]) -> Sets {
    let mut sets = Sets::default();
    for (index, is) in (0..).zip(all) {
        sets.note(pod(index, pods, is_whole, *is));
    }
    sets
}

fn attempt() -> AttemptRef {
    AttemptRef { run: RUN.parse().unwrap(), attempt: 1 }
}

fn set(pods: u32, is_whole: bool, all: &[Is], now: Time) -> Reading {
    sets(pods, is_whole, all).get(attempt(), now, patience()).unwrap()
}

#[test]
fn it_stands_where_the_one_of_its_pods_stands_that_has_come_least_far() {
    use Is::{ImageMissing, Pending, Ready, Started, Unschedulable};
    let now = after(10);
    let warning =
        |reason: &str, message: &str| Phase::Warning { reason: reason.into(), message: message.into() };
    for (all, phase) in [
        (&[Ready, Pending][..], Phase::Created),
        (&[Ready, Started], Phase::Created),
        (&[Started, Unschedulable], Phase::Unschedulable { message: "Replica 1: told".into() }),
        (&[ImageMissing, Ready], warning("InvalidImageName", "Replica 0: told")),
        (&[Ready, Ready], Phase::Running),
    ] {
        assert_eq!(set(2, true, all, now).object.phase, phase);
    }
    let ready = set(2, true, &[Ready, Ready], now).object;
    assert_eq!((ready.at, ready.ran), (after(9), None), "since the last of them was ready");
    assert_eq!(set(1, true, &[Ready], now).object.phase, Phase::Running);
    let unmarked = set(1, false, &[Ready], now).object;
    assert_eq!(unmarked.phase, Phase::Created, "its Service may not be there");
    assert!(unmarked.rank < ready.rank);
}

#[test]
fn what_is_not_ready_for_long_says_why() {
    let early = set(2, true, &[Is::Ready, Is::Started], after(19)).object;
    let late = set(2, true, &[Is::Ready, Is::Started], after(20)).object;
    let message = "Replica 1: Not ready since it was started: told".to_owned();
    assert_eq!(late.phase, Phase::Warning { reason: "NotReady".into(), message });
    assert!(early.rank < late.rank && late.rank < set(1, true, &[Is::Ready], after(20)).object.rank);
    assert_eq!(late.at, after(20));
}

#[test]
fn the_first_of_its_pods_that_ends_ends_it_and_it_is_over_when_none_is_alive() {
    let failed = set(2, true, &[Is::Ready, Is::Exited(3)], after(40));
    let doom = failed.doom.unwrap();
    assert_eq!((doom.end.outcome, doom.end.exit_code), (Outcome::Failed(FailureClass::User), Some(3)));
    assert!(doom.end.message.starts_with("Replica 1: "), "{doom:?}");
    assert!(!failed.object.is_ended());

    let mut sets = sets(2, true, &[Is::Exited(3), Is::Ready]);
    assert_eq!(sets.remains(), [attempt()]);
    let ending = sets.get(attempt(), after(40), patience()).unwrap();
    assert!(!ending.object.is_ended() && ending.is_terminating && ending.doom.is_none());
    sets.note(pod(1, 2, true, Is::Asked));
    assert_eq!(sets.remains(), [], "it was asked already");
    sets.forget(attempt(), "u1");
    let over = sets.get(attempt(), after(40), patience()).unwrap().object;
    assert!(over.is_ended() && over.rank > ending.object.rank);
}

#[test]
fn a_set_that_is_not_whole_is_given_up_when_no_create_of_it_can_come_any_more() {
    let reason = |reading: &Reading| reading.doom.clone().map(|doom| (doom.end.reason, doom.due));
    let half = set(3, false, &[Is::Ready, Is::Ready], after(50));
    assert_eq!(reason(&half), Some(("Incomplete".to_owned(), after(80))));
    assert_eq!(half.object.phase, Phase::Created);
    let vanished = set(3, true, &[Is::Ready, Is::Ready], after(50));
    assert_eq!(reason(&vanished), Some(("Vanished".to_owned(), after(50))));
    assert_eq!(vanished.doom.unwrap().end.message, "The pod of its replica 2 is gone");
    assert_eq!(reason(&set(2, true, &[Is::Ready, Is::Ready], after(50))), None);
    assert_eq!(reason(&set(2, true, &[Is::Asked], after(50))), None, "how it ends is decided");
    let image = set(2, true, &[Is::Ready, Is::ImageMissing], after(50));
    assert_eq!(reason(&image).map(|(reason, _)| reason).as_deref(), Some("InvalidImageName"));
}

#[test]
fn a_service_that_runs_is_asked_at_each_of_its_pods_whether_it_is_in_use() {
    let culled = |all: &[Is]| sets(2, true, all).culled(after(40), patience());
    let [(object, cull, addresses)] = &culled(&[Is::Ready, Is::Ready])[..] else { panic!("one service") };
    assert_eq!((object.attempt, cull.limit()), (attempt(), Duration::from_secs(60)));
    assert_eq!(addresses, &["10.0.0.0", "10.0.0.1"]);
    assert!(culled(&[Is::Ready, Is::Started]).is_empty(), "before it was ready nobody could use it");
    assert!(culled(&[Is::Asked, Is::Ready]).is_empty(), "it is being ended");
}

#[test]
fn a_pod_that_is_not_ready_for_a_while_does_not_take_back_that_its_service_ran() {
    let mut sets = sets(1, false, &[Is::Ready]);
    sets.note(pod(0, 1, true, Is::Started));
    let now = sets.get(attempt(), after(90), patience()).unwrap();
    assert_eq!(now.object.phase, Phase::Running, "and it is known to be whole");
    assert!(sets.doomed(after(90), patience()).is_empty());
}
