//! The contract of an executor.

use std::time::Duration;

use berth_agent::executor::{CreateError, Hint, Release};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::Phase;
use serde_json::json;

use super::rig::{Rig, eventually, found, shell};

#[tokio::test]
async fn created_twice_is_executed_once() {
    let rig = Rig::new();
    let order = rig.shell("echo once");
    let (first, second) = tokio::join!(rig.create(order.clone()), rig.create(order.clone()));
    assert_eq!(first.unwrap().uid, second.unwrap().uid);
    let end = rig.end(order.attempt).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Succeeded, Some(0)));
    let after = rig.create(order.clone()).await.unwrap();
    assert!(after.is_ended(), "the tombstone is found: {after:?}");
    assert_eq!(rig.log(order.attempt).await, ["once"]);
}

#[tokio::test]
async fn an_object_of_the_same_name_with_another_spec_is_not_ours() {
    let rig = Rig::new();
    let order = rig.shell("true");
    rig.create(order.clone()).await.unwrap();
    for other in [
        berth_agent::executor::Order { spec_hash: "another".into(), ..order.clone() },
        berth_agent::executor::Order { agent: "another".into(), ..order.clone() },
    ] {
        let error = rig.create(other).await.unwrap_err();
        assert!(matches!(error, CreateError::Foreign { .. }), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_created_when_the_claim_is_over() {
    let rig = Rig::new();
    let mut order = rig.shell("true");
    order.create_by = rig.uptime.now();
    let error = rig.create(order.clone()).await.unwrap_err();
    assert!(matches!(error, CreateError::Late(_)), "{error}");
    assert_eq!(rig.executor.look(order.attempt).await.unwrap(), None);
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
}

#[tokio::test]
async fn phases_grow_in_rank_and_are_hinted_at() {
    let rig = Rig::new();
    let mut watch = rig.executor.watch().unwrap();
    let order = rig.shell("sleep 0.2");
    let mut rank = rig.create(order.clone()).await.unwrap().rank;
    let mut phases = Vec::new();
    while !matches!(phases.last(), Some(Phase::Ended(_))) {
        let hint = tokio::time::timeout(super::rig::PATIENCE, watch.next()).await.expect("a hint").unwrap();
        if let Hint::Attempts(attempts) = hint {
            assert_eq!(attempts, [order.attempt]);
        }
        let object = rig.executor.look(order.attempt).await.unwrap().unwrap();
        if object.rank > rank {
            rank = object.rank;
            phases.push(object.phase);
        }
    }
    assert!(phases.len() == 1 || phases[0] == Phase::Running, "{phases:?}");
}

#[tokio::test]
async fn what_can_not_be_honoured_ends_as_refused_and_is_kept_like_any_end() {
    let rig = Rig::new();
    let mut operation = shell("true");
    operation["run"]["init"] = json!([{"git": {"url": "x"}}]);
    let order = rig.order(&operation);
    assert!(rig.executor.admit(&order).is_err());
    let object = rig.create(order.clone()).await.unwrap();
    let Phase::Ended(end) = &object.phase else { panic!("{object:?}") };
    assert_eq!(end.outcome, Outcome::Failed(FailureClass::Config));
    assert!(end.message.starts_with("`run.init` is not supported"), "{}", end.message);
    assert_eq!(rig.executor.inventory().await.unwrap(), [object]);
}

#[tokio::test]
async fn a_stop_ends_it_and_what_ended_stays_as_it_ended() {
    let rig = Rig::new();
    let attempt = rig.start("sleep 60").await;
    rig.pid(attempt, "started.json").await;
    rig.executor.stop(attempt, None).await.unwrap();
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Stopped, "Stopped"));
    let done = rig.start("exit 3").await;
    rig.end(done).await;
    rig.executor.stop(done, None).await.unwrap();
    assert_eq!(rig.end(done).await.reason, "ExitCode");
    // Nothing there is nothing to stop.
    rig.executor.stop(rig.shell("true").attempt, None).await.unwrap();
}

#[tokio::test]
async fn a_tombstone_stays_until_its_claim_is_over_and_a_late_create_finds_it_even_then() {
    let rig = Rig::with(|settings| settings.uptime = berth_agent::uptime::Uptime::manual());
    let order = rig.shell("echo ran");
    rig.create(order.clone()).await.unwrap();
    rig.end(order.attempt).await;
    assert_eq!(rig.executor.release(order.attempt).await.unwrap(), Release::NotYet, "its claim is not over");
    rig.uptime.advance(Duration::from_secs(12));
    assert_eq!(rig.executor.release(order.attempt).await.unwrap(), Release::Done);
    assert_eq!(
        rig.executor.release(order.attempt).await.unwrap(),
        Release::Done,
        "released once is released"
    );
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
    let mut late = order.clone();
    late.create_by = rig.uptime.now() + Duration::from_secs(1);
    assert!(rig.create(late).await.unwrap().is_ended());
    assert_eq!(rig.executor.inventory().await.unwrap(), []);
}

#[tokio::test]
async fn an_end_is_found_by_another_agent_on_the_same_ground() {
    let rig = Rig::new();
    let attempt = rig.start("exit 4").await;
    let end = rig.end(attempt).await;
    let other = rig.reopened();
    let object = eventually("the object", async || found(&other, attempt).await).await;
    assert_eq!(object.phase, Phase::Ended(end));
    assert_eq!(other.identity().await.unwrap(), rig.executor.identity().await.unwrap());
}
