//! Making room: the agent is told, by a nudge and with its inventory, and the place is another's only when it is free.

use berth_domain::lifecycle::{Outcome, Status};
use berth_domain::protocol::Phase;
use berth_domain::scheduling::{Preemption, SharingPatch};
use berth_store::QueuePatch;

use super::world::{AGENT, OWNER, World};

#[tokio::test]
async fn a_running_run_makes_room_and_follows_when_the_other_has_ended() {
    let (world, mut agent) = World::with_replica().await;
    let sharing = SharingPatch { preemption: Some(Preemption::LowerPriority), ..SharingPatch::default() };
    let patch = QueuePatch { concurrency: Some(Some(1)), sharing, ..QueuePatch::default() };
    world.store.update_queue(OWNER, AGENT, "default", patch, &world.by("queue.update")).await.unwrap();
    let low = world.submit().await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.report(attempt, 1, Phase::Running).await;
    world.becomes(low, Status::Running).await;

    let high = world.submit_first().await;
    agent.remove(attempt).await;
    assert_eq!((world.status(low).await, world.status(high).await), (Status::Stopping, Status::Queued));
    // Whoever comes back, and had not heard of it, is told again.
    agent.inventory(&[attempt]).await;
    agent.remove(attempt).await;
    agent.end(attempt, 2, Outcome::Stopped).await;

    let first = agent.offer().await;
    assert_eq!(first.run, high);
    let waiting = world.run(low).await;
    assert_eq!((waiting.status(), waiting.dispatch.attempt), (Status::Queued, 1));
    agent.go(first).await;
    agent.end(first, 1, Outcome::Succeeded).await;
    let again = agent.offer().await;
    assert_eq!((again.run, again.attempt), (low, 1));
    agent.go(again).await;
    agent.end(again, 1, Outcome::Succeeded).await;
    world.becomes(low, Status::Succeeded).await;
    world.close().await;
}
