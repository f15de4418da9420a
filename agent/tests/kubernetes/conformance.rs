//! The contract of an executor, as `agent/tests/agent/conformance.rs` has it for processes.

use std::time::Duration;

use berth_agent::executor::{CreateError, Hint, Order, Release};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::Phase;
use berth_test_servers::kubernetes::until;
use kube::api::ListParams;
use serde_json::json;

use super::rig::{PATIENCE, Rig, stand};

#[tokio::test(flavor = "multi_thread")]
async fn created_twice_is_executed_once() {
    let rig = Rig::new("twice").await;
    let order = rig.order(&rig.shell("exit 0"));
    let (first, second) = tokio::join!(rig.create(order.clone()), rig.create(order.clone()));
    assert_eq!(first.unwrap().uid, second.unwrap().uid);
    let end = rig.end(order.attempt).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Succeeded, Some(0)));
    let after = rig.create(order.clone()).await.unwrap();
    assert!(after.is_ended(), "the tombstone is found: {after:?}");
    assert_eq!(rig.pods.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_the_same_name_with_another_spec_is_not_ours() {
    let rig = Rig::new("foreign").await;
    let order = rig.order(&rig.shell("exit 0"));
    rig.create(order.clone()).await.unwrap();
    for other in [
        Order { spec_hash: "another".into(), ..order.clone() },
        Order { agent: "another".into(), ..order.clone() },
    ] {
        let error = rig.create(other).await.unwrap_err();
        assert!(matches!(error, CreateError::Foreign { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_when_the_claim_is_over() {
    let rig = Rig::new("late").await;
    let mut order = rig.order(&rig.shell("exit 0"));
    order.create_by = rig.settings.uptime.now();
    let error = rig.create(order.clone()).await.unwrap_err();
    assert!(matches!(error, CreateError::Late(_)), "{error}");
    assert_eq!(rig.executor.look(order.attempt).await.unwrap(), None);
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn phases_grow_in_rank_and_are_hinted_at() {
    let rig = Rig::new("phases").await;
    let mut watch = rig.executor.watch().unwrap();
    assert_eq!(watch.next().await.unwrap(), Hint::All, "what was there before");
    let order = rig.order(&rig.shell("sleep 0.3"));
    rig.create(order.clone()).await.unwrap();
    let mut phases = Vec::new();
    let mut rank = 0;
    while !matches!(phases.last(), Some(Phase::Ended(_))) {
        let hint = tokio::time::timeout(PATIENCE, watch.next()).await.expect("a hint").unwrap();
        let Hint::Seen(objects) = hint else { continue };
        for object in objects {
            assert_eq!(object.attempt, order.attempt);
            if object.rank > rank {
                rank = object.rank;
                phases.push(object.phase);
            }
        }
    }
    assert!(phases.contains(&Phase::Running), "{phases:?}");
    let survey = rig.executor.survey().await.unwrap();
    assert_eq!(survey, rig.executor.inventory().await.unwrap(), "the view is what there is");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_honoured_is_refused_by_name_and_what_kubernetes_refuses_in_its_words() {
    let rig = Rig::new("refused").await;
    let mut model = rig.shell("exit 0");
    model["run"]["init"] = json!([{"modelRef": "x"}]);
    let mut mistyped = rig.shell("exit 0");
    mistyped["run"]["environment"]["affinity"] = json!({"nodeAfinity": {}});
    let mut invalid = rig.shell("exit 0");
    invalid["run"]["volumes"] = json!([{"name": "Not A Name", "emptyDir": {}}]);
    for (operation, words) in [
        (model, "`run.init[0].modelRef` is not supported"),
        (mistyped, "unknown field \"spec.affinity.nodeAfinity\""),
        (invalid, "spec.volumes[0].name: Invalid value: \"Not A Name\""),
    ] {
        let order = rig.order(&operation);
        let error = rig.create(order.clone()).await.unwrap_err();
        let CreateError::Refused { refusal, .. } = error else { panic!("{error}") };
        assert!(refusal.message.contains(words), "{refusal}");
        assert_eq!(refusal.end().outcome, Outcome::Failed(FailureClass::Config));
        assert_eq!(rig.executor.look(order.attempt).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_it_and_what_ended_stays_as_it_ended() {
    let rig = Rig::new("stops").await;
    let attempt = rig.start(&rig.shell("sleep infinity")).await;
    rig.running(attempt).await;
    rig.executor.stop(attempt, None).await.unwrap();
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.reason.as_str(), end.exit_code), (Outcome::Stopped, "Stopped", Some(143)));
    let deaf = rig.start(&rig.shell("trap '' TERM; sleep infinity")).await;
    rig.running(deaf).await;
    rig.executor.stop(deaf, None).await.unwrap();
    assert_eq!(rig.end(deaf).await.exit_code, Some(137));
    let done = rig.start(&rig.shell("exit 3")).await;
    rig.end(done).await;
    rig.executor.stop(done, None).await.unwrap();
    assert_eq!(rig.end(done).await.reason, "ExitCode");
    // Nothing there is nothing to stop.
    rig.executor.stop(rig.order(&rig.shell("exit 0")).attempt, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_stays_until_its_claim_is_over() {
    let rig = Rig::with("tombstone", stand).await;
    let order = rig.order(&rig.shell("exit 0"));
    rig.create(order.clone()).await.unwrap();
    rig.end(order.attempt).await;
    let early = rig.executor.release(order.attempt).await.unwrap();
    assert!(matches!(early, Release::NotBefore(then) if then > rig.settings.clock.now()), "{early:?}");
    // What is left of the claim, a call's time, and the server's own.
    rig.settings.clock.advance(Duration::from_secs(10 + 10 + 60));
    assert_eq!(rig.executor.release(order.attempt).await.unwrap(), Release::Done);
    assert_eq!(
        rig.executor.release(order.attempt).await.unwrap(),
        Release::Done,
        "released once is released"
    );
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
    until("the pod is gone", PATIENCE, async || rig.pod(order.attempt).await.is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_pod_is_kept_as_long_as_it_should_be_and_found_by_a_late_create() {
    let rig = Rig::with("kept", |settings| {
        stand(settings);
        settings.server_timeout = Duration::ZERO;
    })
    .await;
    let mut operation = rig.shell("exit 0");
    operation["termination"] = json!({"ttl": 600});
    let order = rig.order(&operation);
    rig.create(order.clone()).await.unwrap();
    rig.end(order.attempt).await;
    rig.settings.clock.advance(Duration::from_secs(30));
    assert_eq!(rig.executor.release(order.attempt).await.unwrap(), Release::Done);
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
    rig.executor.tidy().await.unwrap();
    assert!(rig.create(order.clone()).await.unwrap().is_ended());
    assert_eq!(rig.executor.newest(order.attempt.run).await.unwrap(), Some(order.attempt));
    rig.settings.clock.advance(Duration::from_secs(600));
    rig.executor.tidy().await.unwrap();
    until("the pod is gone", PATIENCE, async || rig.pod(order.attempt).await.is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_found_by_another_agent_on_the_same_ground() {
    let rig = Rig::new("again").await;
    let attempt = rig.start(&rig.shell("exit 4")).await;
    let end = rig.end(attempt).await;
    let other = rig.reopened().await;
    let object = other.look(attempt).await.unwrap().unwrap();
    assert_eq!(object.phase, Phase::Ended(end));
    assert_eq!(other.inventory().await.unwrap(), [object]);
    assert_eq!(other.identity().await.unwrap(), rig.executor.identity().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_live_are_listed_until_they_resign() {
    let rig = Rig::new("replicas").await;
    let (one, two) = (rig.executor.enlist("one").unwrap(), rig.executor.enlist("two").unwrap());
    let listed = async |wanted: &[&str]| {
        until(&format!("{wanted:?} live"), PATIENCE, async || {
            let mut alive = rig.executor.replicas().await.unwrap();
            alive.sort();
            (alive == wanted).then_some(())
        })
        .await;
    };
    tokio::select! {
        () = one.keep() => unreachable!(),
        () = two.keep() => unreachable!(),
        () = listed(&["one", "two"]) => {}
    }
    two.resign().await.unwrap();
    listed(&["one"]).await;
}
