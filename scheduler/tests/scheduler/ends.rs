//! Ends: receipted once they are committed, and again as often as they are reported.

use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{FailureClass, Outcome, RetryPolicy, Status};
use berth_domain::protocol::{FromAgentBody, Notice, Phase, ToAgentBody};
use sqlx::{Connection, SqliteConnection};

use super::replica::ended;
use super::world::{AGENT, World, eventually};

/// How long something that must not come is waited for.
const A_WHILE: Duration = Duration::from_millis(700);

#[tokio::test]
async fn a_late_or_doubled_end_gets_its_receipt_and_changes_nothing() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.end(attempt, 5, Outcome::Succeeded).await;
    let before = world.run(run).await;
    agent.end(attempt, 5, Outcome::Succeeded).await;
    agent.end(attempt, 9, Outcome::Failed(FailureClass::User)).await;
    agent.report(attempt, 10, Phase::Running).await;
    agent.is_taken_in().await;
    assert_eq!(world.run(run).await, before);
    world.close().await;
}

#[tokio::test]
async fn what_befell_a_pod_is_a_condition_of_its_run_and_changes_nothing_else() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    let notice = Notice {
        run,
        attempt: attempt.attempt,
        uid: "another".into(),
        at: world.clock.now(),
        reason: "FailedMount".into(),
        message: "secret \"s\" not found".into(),
    };
    let foreign = Notice { run: RunId::new(), ..notice.clone() };
    agent.say(FromAgentBody::Notices(vec![notice.clone(), foreign, notice])).await;
    agent.is_taken_in().await;
    let conditions = world.store.conditions(run).await.unwrap();
    let told: Vec<_> = conditions.iter().filter(|condition| condition.reason == "FailedMount").collect();
    assert_eq!(told.len(), 1, "{conditions:?}");
    assert_eq!((told[0].status, told[0].message.as_str()), (Status::Starting, "secret \"s\" not found"));
    assert_eq!(world.status(run).await, Status::Starting);
    world.close().await;
}

#[tokio::test]
async fn an_end_of_an_old_attempt_gets_its_receipt_and_leaves_the_new_one_alone() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit_with(RetryPolicy { max_retries: 1, ..RetryPolicy::default() }).await;
    let first = agent.offer().await;
    agent.go(first).await;
    agent.end(first, 1, Outcome::Failed(FailureClass::User)).await;
    agent.pass(&world, 2).await;
    let second = agent.offer().await;
    assert_eq!((second.run, second.attempt), (run, 1));
    agent.go(second).await;
    let before = world.run(run).await;
    agent.end(first, 2, Outcome::Succeeded).await;
    assert_eq!(world.run(run).await, before);
    agent.end(second, 1, Outcome::Succeeded).await;
    assert_eq!(world.status(run).await, Status::Succeeded);
    world.close().await;
}

#[tokio::test]
async fn an_end_that_nobody_has_claimed_is_not_receipted() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.report(attempt, 1, ended(Outcome::Succeeded)).await;
    agent.is_taken_in().await;
    assert_eq!(world.status(run).await, Status::Scheduled);
    assert!(!agent.hears(Duration::ZERO, is_receipt).await, "the claim may be on its way");
    world.close().await;
}

#[tokio::test]
async fn an_end_is_receipted_only_when_it_is_committed() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    let url = format!("sqlite:{}", world.dir.path().join("berth.db").display());
    let mut writer = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    agent.report(attempt, 1, ended(Outcome::Succeeded)).await;
    let out = world.names.out(AGENT);
    eventually("the intake", async || {
        let depth = world.broker.depth(&out).await.unwrap();
        (depth.ready == 0 && depth.unacked == Some(1)).then_some(())
    })
    .await;
    assert!(!agent.hears(A_WHILE, is_receipt).await, "nothing can be committed");
    assert_eq!(world.status(run).await, Status::Starting);
    sqlx::query("ROLLBACK").execute(&mut writer).await.unwrap();
    agent.receipt().await;
    assert_eq!(world.status(run).await, Status::Succeeded);
    world.close().await;
}

fn is_receipt(body: &ToAgentBody) -> bool {
    matches!(body, ToAgentBody::Receipts(_))
}
