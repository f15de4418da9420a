//! Overflow: what waits where nothing starts goes to another of its queues, and what can't go stays.

use std::time::Duration;

use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::id::RunId;
use berth_domain::lifecycle::Status;
use berth_domain::scheduling::{Paused, SharingPatch};
use berth_store::QueuePatch;
use tokio::time::Instant;

use super::replica::Replica;
use super::world::{AGENT, OWNER, World, eventually};

const OTHER: &str = "other";

/// A world with another agent. Its own agent's queue runs one at a time, and lets go after `patience` seconds.
async fn world(patience: u32) -> (World, Replica, Replica) {
    let (world, agent) = World::with_replica().await;
    world.create_agent(OTHER).await;
    let mut other = Replica::join(&world, OTHER, "r1").await;
    other.lease().await;
    let sharing = SharingPatch { overflow_after_seconds: Some(Some(patience)), ..SharingPatch::default() };
    set(&world, AGENT, QueuePatch { concurrency: Some(Some(1)), sharing, ..QueuePatch::default() }).await;
    (world, agent, other)
}

async fn set(world: &World, agent: &str, patch: QueuePatch) {
    world.store.update_queue(OWNER, agent, "default", patch, &world.by("queue.update")).await.unwrap();
    world.wake().await;
}

fn paused() -> QueuePatch {
    let paused = Paused { reason: "upgrade".into(), by: "eve".into(), until: None, drain: false };
    QueuePatch { paused: Some(Some(paused)), ..QueuePatch::default() }
}

/// A run that may go to either agent, and waits for none of them.
async fn with_choice(world: &World) -> RunId {
    let queues = [AGENT, OTHER].map(|agent| format!("{agent}/default").parse().unwrap()).to_vec();
    let routing = Routing { queues, ..Routing::default() };
    world.submit_routed(routing, OnAgentLoss::Wait).await
}

/// Waits until a run is the other agent's, and says what its history says of that.
async fn moved(world: &World, run: RunId, to: &str) -> String {
    eventually("a move", async || (world.run(run).await.agent.as_deref() == Some(to)).then_some(())).await;
    let conditions = world.store.conditions(run).await.unwrap();
    let moves: Vec<_> = conditions.iter().filter(|condition| condition.reason == "Overflow").collect();
    assert_eq!(moves.len(), 1, "{moves:?}");
    moves[0].message.clone()
}

#[tokio::test]
async fn a_run_that_waits_for_long_goes_to_another_of_its_queues_and_one_without_a_choice_stays() {
    let (world, mut agent, mut other) = world(3).await;
    let first = world.submit().await;
    let first_attempt = agent.offer().await;
    assert_eq!(first_attempt.run, first);
    let (goes, stays) = (with_choice(&world).await, world.submit().await);
    agent.pass(&world, 2).await;
    assert_eq!(world.run(goes).await.agent.as_deref(), Some(AGENT), "its patience has not passed");
    agent.pass(&world, 1).await;
    let said = moved(&world, goes, OTHER).await;
    assert!(said.starts_with("Moved from local/default to other/default: it waited for 3 s"), "{said}");
    let attempt = other.offer().await;
    assert_eq!((attempt.run, world.run(stays).await.agent.as_deref()), (goes, Some(AGENT)));
    other.go(attempt).await;
    world.close().await;
}

#[tokio::test]
async fn a_run_leaves_a_paused_queue_at_once_keeps_its_age_and_does_not_come_back_at_once() {
    let (world, _agent, other) = world(60).await;
    set(&world, AGENT, paused()).await;
    set(&world, OTHER, QueuePatch { concurrency: Some(Some(0)), ..QueuePatch::default() }).await;
    let run = with_choice(&world).await;
    let queued_at = world.run(run).await.dispatch.queued_at;
    let said = moved(&world, run, OTHER).await;
    assert_eq!(said, "Moved from local/default to other/default: queue local/default is paused: upgrade");
    assert_eq!(world.run(run).await.dispatch.queued_at, queued_at);
    set(&world, AGENT, QueuePatch { paused: Some(None), ..QueuePatch::default() }).await;
    set(&world, OTHER, paused()).await;
    let beside = with_choice(&world).await;
    assert_eq!(world.becomes(beside, Status::Scheduled).await.agent.as_deref(), Some(AGENT));
    assert_eq!(moved(&world, run, OTHER).await, said, "it has just left the other");
    let open = QueuePatch { paused: Some(None), concurrency: Some(None), ..QueuePatch::default() };
    set(&world, OTHER, open).await;
    assert_eq!(other.offer().await.run, run);
    world.close().await;
}

#[tokio::test]
async fn what_is_offered_to_an_agent_that_is_lost_goes_elsewhere_and_what_it_has_claimed_stays() {
    let (world, mut agent, mut other) = world(0).await;
    set(&world, AGENT, QueuePatch { concurrency: Some(None), ..QueuePatch::default() }).await;
    let claimed = with_choice(&world).await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    let offered = with_choice(&world).await;
    world.becomes(offered, Status::Scheduled).await;
    let mut renewals = tokio::time::interval(Duration::from_secs(1));
    let began = Instant::now();
    while world.run(offered).await.agent.as_deref() == Some(AGENT) {
        assert!(began.elapsed() < Duration::from_secs(40), "it is still where nobody takes it");
        renewals.tick().await;
        world.clock.advance(Duration::from_millis(1));
        other.ask_for_lease(false).await.unwrap();
    }
    assert!(moved(&world, offered, OTHER).await.ends_with("agent local is away"));
    assert_eq!(other.offer().await.run, offered);
    let kept = world.run(claimed).await;
    assert_eq!((kept.agent.as_deref(), kept.dispatch.attempt), (Some(AGENT), 0));
    // The offer that it still has is nothing any more.
    agent.lease().await;
    let stale = agent.offer().await;
    assert_eq!(stale.run, offered);
    assert_eq!(agent.dropped(stale).await, "the run is not this agent's");
    world.close().await;
}
