//! Stops: a state in the store, of which agents are told until the run has ended.

use berth_domain::lifecycle::{Outcome, Status};
use berth_domain::protocol::Phase;

use super::world::World;

#[tokio::test]
async fn a_stopped_offer_is_dropped_at_its_claim() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    world.stop(run).await;
    assert_eq!(agent.dropped(attempt).await, "dropped: the run is stopped");
    assert_eq!(world.status(run).await, Status::Stopped);
    world.close().await;
}

#[tokio::test]
async fn a_stop_of_what_was_claimed_is_told_until_it_has_ended() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.report(attempt, 1, Phase::Running).await;
    world.becomes(run, Status::Running).await;
    world.stop(run).await;
    agent.remove(attempt).await;
    agent.remove(attempt).await;
    assert_eq!(world.status(run).await, Status::Stopping);
    agent.end(attempt, 2, Outcome::Succeeded).await;
    assert_eq!(world.status(run).await, Status::Stopped);
    world.close().await;
}

#[tokio::test]
async fn a_stop_of_a_claim_that_created_nothing_ends_when_the_agent_has_looked() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    world.stop(run).await;
    agent.remove(attempt).await;
    assert_eq!(world.status(run).await, Status::Stopping, "a create may still land");
    agent.pass(&world, 11).await;
    let question = agent.question(run).await;
    agent.answer(&question, false).await;
    world.becomes(run, Status::Stopped).await;
    world.close().await;
}
