//! How pods end on a cluster, as it is reported: by themselves, by their nodes, by others.

use std::time::Duration;

use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::{AttemptRef, Phase};
use kube::api::DeleteParams;
use serde_json::json;

use super::rig::{Rig, pod_name};

#[tokio::test(flavor = "multi_thread")]
async fn an_end_has_its_class_reason_and_exit_code() {
    let rig = Rig::new("ends").await;
    let user = Outcome::Failed(FailureClass::User);
    let mut late = rig.shell("sleep infinity");
    late["termination"] = json!({"timeout": 1});
    let mut init = rig.shell("exit 0");
    init["run"]["init"] = json!([{"container": {"image": "x", "command": ["sh", "-c", "exit 5"]}}]);
    let mut sidecar = rig.shell("sleep 0.3; exit 6");
    sidecar["run"]["sidecars"] = json!([{"image": "x", "command": ["sh", "-c", "sleep infinity"]}]);
    let table = [
        (rig.shell("exit 0"), Outcome::Succeeded, Some(0), "Completed"),
        (rig.shell("exit 3"), user, Some(3), "ExitCode"),
        (rig.shell("exit 127"), user, Some(127), "CommandNotFound"),
        (rig.shell("oom"), Outcome::Failed(FailureClass::Oom), Some(137), "OOMKilled"),
        (late, Outcome::Failed(FailureClass::Timeout), None, "Timeout"),
        (init, user, Some(5), "ExitCode"),
        (sidecar, user, Some(6), "ExitCode"),
    ];
    let mut expected = Vec::new();
    for (operation, outcome, code, reason) in table {
        expected.push((rig.start(&operation).await, outcome, code, reason));
    }
    for (attempt, outcome, code, reason) in expected {
        let end = rig.end(attempt).await;
        assert_eq!((end.outcome, end.reason.as_str()), (outcome, reason), "{end:?}");
        assert!(code.is_none() || end.exit_code == code, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_start_is_given_up_and_ended() {
    let rig = Rig::new("stuck").await;
    let image = rig.start(&rig.shell("image-error")).await;
    let config = rig.start(&rig.shell("stuck CreateContainerConfigError secret \"x\" not found")).await;
    let mut watch = rig.executor.watch().unwrap();
    let warned = |phase: &Phase| matches!(phase, Phase::Warning { .. });
    rig.until(image, "the image fails", warned).await;
    rig.until(config, "the secret is missed", warned).await;
    let ends = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            rig.executor.survey().await.unwrap();
        }
    };
    let watching = async {
        loop {
            watch.next().await.unwrap();
        }
    };
    let both = async { (rig.end(image).await, rig.end(config).await) };
    let (image, config) = tokio::select! {
        () = ends => unreachable!(),
        () = watching => unreachable!(),
        both = both => both,
    };
    assert_eq!(image.outcome, Outcome::Failed(FailureClass::Image), "{image:?}");
    assert_eq!(config.outcome, Outcome::Failed(FailureClass::Config), "{config:?}");
    assert!(config.message.contains("secret \"x\" not found"), "{config:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_on_no_node_says_so_in_the_schedulers_words_and_can_be_stopped() {
    let rig = Rig::new("unfit").await;
    let mut operation = rig.shell("exit 0");
    operation["run"]["environment"]["nodeSelector"] = json!({"pool": "nowhere"});
    let attempt = rig.start(&operation).await;
    let unschedulable = |phase: &Phase| matches!(phase, Phase::Unschedulable { .. });
    let object = rig.until(attempt, "it is unschedulable", unschedulable).await;
    let Phase::Unschedulable { message } = object.phase else { unreachable!() };
    assert!(message.contains("nodes are available") || message.contains("node(s) didn't match"), "{message}");
    rig.executor.stop(attempt, None).await.unwrap();
    assert_eq!(rig.end(attempt).await.outcome, Outcome::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_taken_away_by_others_are_lost_or_evicted_and_keep_their_end() {
    let rig = Rig::new("taken").await;
    let mut attempts = Vec::new();
    for _ in 0..3 {
        let attempt = rig.start(&rig.shell("sleep infinity")).await;
        rig.running(attempt).await;
        attempts.push(attempt);
    }
    let [deleted, forced, evicted]: [AttemptRef; 3] = attempts.try_into().unwrap();
    rig.pods.delete(&pod_name(deleted), &DeleteParams::default()).await.unwrap();
    rig.pods.delete(&pod_name(forced), &DeleteParams::default().grace_period(0)).await.unwrap();
    rig.evict(evicted);
    for (attempt, class, reason) in [
        (deleted, FailureClass::NodeLost, "Deleted"),
        (forced, FailureClass::NodeLost, "Deleted"),
        (evicted, FailureClass::Evicted, "Evicted"),
    ] {
        let end = rig.end(attempt).await;
        assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(class), reason), "{end:?}");
    }
    assert_eq!(rig.executor.inventory().await.unwrap().len(), 3, "they wait for their receipts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_agent_ends_what_may_be_replaced_and_nothing_else() {
    let rig = Rig::new("fenced").await;
    let stays = rig.start(&rig.shell("sleep infinity")).await;
    let mut order = rig.order(&rig.shell("sleep infinity"));
    order.replace = true;
    let goes = order.attempt;
    rig.create(order).await.unwrap();
    rig.running(stays).await;
    rig.running(goes).await;
    rig.executor.fence(Duration::from_secs(1)).await.unwrap();
    let end = rig.end(goes).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Failed(FailureClass::AgentLost), "Fenced"));
    rig.executor.fence(Duration::ZERO).await.unwrap();
    assert!(rig.pod(stays).await.unwrap().metadata.deletion_timestamp.is_none(), "a run that waits");
    assert_eq!(rig.executor.look(stays).await.unwrap().unwrap().phase, Phase::Running);
}
