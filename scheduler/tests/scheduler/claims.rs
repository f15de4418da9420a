//! Offers and claims: who gets a run, and who doesn't.

use std::time::Duration;

use berth_domain::lifecycle::{Outcome, Status};
use berth_domain::protocol::{ClaimRequest, FromAgentBody, Phase, Question, ToAgentBody, Verdict};
use berth_domain::scheduling::Paused;
use berth_store::{AgentPatch, QueuePatch};

use super::replica::{Replica, ended};
use super::world::{AGENT, OWNER, World, eventually};

#[tokio::test]
async fn a_run_is_offered_claimed_reported_and_ends() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    assert_eq!((attempt.run, attempt.attempt), (run, 0));
    assert_eq!(world.status(run).await, Status::Scheduled);
    assert_eq!(agent.claim(attempt).await, Verdict::Go { valid_ms: 10_000 });
    assert_eq!(world.status(run).await, Status::Starting, "committed before it was said");
    agent.report(attempt, 1, Phase::Created).await;
    agent.report(attempt, 2, Phase::Running).await;
    world.becomes(run, Status::Running).await;
    agent.end(attempt, 3, Outcome::Succeeded).await;
    let ended = world.run(run).await;
    assert_eq!((ended.status(), ended.finished_at), (Status::Succeeded, Some(world.clock.now())));
    world.close().await;
}

#[tokio::test]
async fn a_claim_without_a_lease_is_dropped_and_the_offer_holds() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    world.clock.advance(Duration::from_secs(16));
    assert_eq!(agent.dropped(attempt).await, "agent local holds no lease");
    assert_eq!(world.status(run).await, Status::Scheduled);
    agent.lease().await;
    agent.go(attempt).await;
    world.close().await;
}

#[tokio::test]
async fn a_claim_of_a_cordoned_agent_is_dropped_and_the_run_goes_back_to_the_backlog() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    let cordon = async |cordoned| {
        let patch = AgentPatch { cordoned: Some(cordoned), ..AgentPatch::default() };
        world.store.update_agent(OWNER, AGENT, patch, &world.by("agent.cordon")).await.unwrap();
    };
    cordon(true).await;
    assert_eq!(agent.dropped(attempt).await, "agent local is cordoned");
    assert_eq!(world.status(run).await, Status::Queued);
    cordon(false).await;
    world.wake().await;
    assert_eq!(agent.offer().await, attempt, "the same attempt: it was never claimed");
    agent.go(attempt).await;
    world.close().await;
}

#[tokio::test]
async fn a_claim_in_a_paused_queue_is_dropped_and_the_run_waits_until_the_pause_ends_by_itself() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    let until = world.clock.now().plus(Duration::from_secs(12));
    let paused = Paused { reason: "upgrade".into(), by: "eve".into(), until: Some(until), drain: false };
    let patch = QueuePatch { paused: Some(Some(paused)), ..QueuePatch::default() };
    world.store.update_queue(OWNER, AGENT, "default", patch, &world.by("queue.pause")).await.unwrap();
    let text = format!("queue default was paused by eve until {until}: upgrade");
    assert_eq!(agent.dropped(attempt).await, text);
    assert_eq!(world.status(run).await, Status::Queued);
    agent.pass(&world, 12).await;
    assert_eq!(agent.offer().await, attempt);
    agent.go(attempt).await;
    eventually("the pause to be gone", async || {
        let queue = world.store.queue(OWNER, AGENT, "default").await.unwrap();
        queue.paused.is_none().then_some(())
    })
    .await;
    world.close().await;
}

#[tokio::test]
async fn two_claims_of_one_attempt_give_one_go() {
    let (world, mut first) = World::with_replica().await;
    let mut second = Replica::join(&world, AGENT, "r2").await;
    second.lease().await;
    world.submit().await;
    let attempt = first.offer().await;
    let (mine, others) = tokio::join!(first.claim(attempt), second.claim(attempt));
    let goes = [&mine, &others].into_iter().filter(|verdict| matches!(verdict, Verdict::Go { .. }));
    assert_eq!(goes.count(), 1, "{mine:?}, {others:?}");
    world.close().await;
}

#[tokio::test]
async fn a_claim_asked_again_gets_the_same_answer_and_another_one_in_the_same_message_none() {
    let (world, mut agent) = World::with_replica().await;
    world.submit().await;
    let attempt = agent.offer().await;
    let (first, second) = (agent.nonce(), agent.nonce());
    let claim =
        |nonce: &str| ClaimRequest { nonce: nonce.to_owned(), run: attempt.run, attempt: 0, span: None };
    agent.say(FromAgentBody::Claims(vec![claim(&first), claim(&second)])).await;
    let both = agent
        .hear("both answers", |body| match body {
            ToAgentBody::ClaimAnswers(answers) => Some(answers.clone()),
            _ => None,
        })
        .await;
    assert_eq!(both[0].verdict, Verdict::Go { valid_ms: 10_000 });
    assert_eq!(both[1].verdict, Verdict::Drop { reason: "dropped: another claim came first".into() });
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(agent.claim_as(attempt, first).await, Verdict::Go { valid_ms: 7_000 }, "what is left of it");
    world.close().await;
}

#[tokio::test]
async fn an_agent_that_speaks_of_another_agents_run_changes_nothing() {
    let (world, mut owner) = World::with_replica().await;
    world.create_agent("other").await;
    let mut other = Replica::join(&world, "other", "r1").await;
    other.lease().await;
    let run = world.submit().await;
    let attempt = owner.offer().await;
    assert_eq!(other.dropped(attempt).await, "the run is not this agent's");
    assert_eq!(world.status(run).await, Status::Scheduled);
    owner.go(attempt).await;
    owner.report(attempt, 1, Phase::Running).await;
    let before = world.becomes(run, Status::Running).await;
    other.report(attempt, 9, ended(Outcome::Succeeded)).await;
    other.answer(&Question { run, attempt: 0, question: 0 }, false).await;
    other.inventory(&[]).await;
    other.is_taken_in().await;
    assert_eq!(world.run(run).await, before);
    let is_receipt = |body: &_| matches!(body, ToAgentBody::Receipts(_));
    assert!(!other.hears(Duration::ZERO, is_receipt).await, "nor does it hear that an end was taken in");
    world.close().await;
}
