//! Losses: a silent agent's attempt goes elsewhere only once it must have ended, and what turns up of it later is
//! ended, receipted and shown.

use std::time::Duration;

use berth_domain::compile::{OnAgentLoss, Routing};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Outcome, Status};
use berth_domain::protocol::{AttemptRef, FENCED_SECONDS, Phase};
use tokio::time::Instant;

use super::replica::Replica;
use super::world::{AGENT, OWNER, World};

const OTHER: &str = "other";
/// From the last lease to the offer elsewhere: 30 s are promised, which `make chaos` holds to, and this is twice that, for
/// a machine that runs many tests at a time.
const LATEST: Duration = Duration::from_secs(60);

/// A world with another agent, and a third, so that one of them is less than half.
async fn world() -> (World, Replica, [Replica; 2]) {
    let (world, mut agent) = World::with_replica().await;
    let mut others = Vec::new();
    for name in [OTHER, "third"] {
        world.create_agent(name).await;
        let mut other = Replica::join(&world, name, "r1").await;
        other.lease().await;
        others.push(other);
    }
    agent.lease().await;
    let Ok(others) = others.try_into() else { unreachable!("there are two") };
    (world, agent, others)
}

/// A running attempt of the first agent's, which has a choice.
async fn running(world: &World, agent: &mut Replica, on_agent_loss: OnAgentLoss) -> AttemptRef {
    let queues = [AGENT, OTHER].map(|agent| format!("{agent}/default").parse().unwrap()).to_vec();
    let routing = Routing { queues, ..Routing::default() };
    world.submit_routed(routing, on_agent_loss).await;
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    agent.report(attempt, 1, Phase::Running).await;
    world.becomes(attempt.run, Status::Running).await;
    attempt
}

/// The others renew their leases until `done`, or so long; says how long it took.
async fn wait_until(
    world: &World,
    others: &mut [Replica; 2],
    limit: Duration,
    done: impl AsyncFn() -> bool,
) -> Duration {
    let began = Instant::now();
    while !done().await && began.elapsed() < limit {
        for other in others.iter_mut() {
            // Leases are told from each other by when they were granted.
            world.clock.advance(Duration::from_millis(1));
            other.ask_for_lease(false).await.unwrap();
        }
        tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.unwrap_err();
    }
    began.elapsed()
}

async fn attempt_of(world: &World, run: RunId) -> u32 {
    world.run(run).await.dispatch.attempt
}

#[tokio::test]
async fn a_silent_agents_attempt_goes_elsewhere_when_it_must_have_ended_and_what_lives_of_it_is_ended_and_shown()
 {
    let (world, mut agent, mut others) = world().await;
    let replaced = running(&world, &mut agent, OnAgentLoss::Replace).await;
    let waits = running(&world, &mut agent, OnAgentLoss::Wait).await;
    agent.ask_for_lease(false).await.unwrap();
    let run = replaced.run;
    let took = wait_until(&world, &mut others, LATEST, async || attempt_of(&world, run).await > 0).await;
    assert!(took > Duration::from_secs(FENCED_SECONDS) && took < LATEST, "{took:?}");
    let lost = world.store.agent(OWNER, AGENT).await.unwrap();
    assert!(lost.loss.unwrap().contains("its runs wait for it"));
    let next = others[0].offer().await;
    assert_eq!((next.run, next.attempt), (run, 1));
    others[0].go(next).await;
    others[0].report(next, 1, Phase::Running).await;
    world.becomes(run, Status::Running).await;
    assert_eq!((world.status(waits.run).await, attempt_of(&world, waits.run).await), (Status::Running, 0));

    // It is back, with all that it had.
    world.clock.advance(Duration::from_secs(1));
    agent.lease().await;
    agent.inventory(&[replaced, waits]).await;
    agent.remove(replaced).await;
    agent.report(replaced, 1, Phase::Running).await;
    agent.remove(replaced).await;
    agent.end(replaced, 5, Outcome::Stopped).await;
    agent.end(replaced, 5, Outcome::Stopped).await;
    let shown: Vec<_> = world.store.conditions(run).await.unwrap();
    let shown: Vec<_> = shown.iter().filter(|condition| condition.reason == "Overlap").collect();
    assert_eq!(shown.len(), 1, "{shown:?}");
    for part in [AGENT, OTHER, "Attempt 0", "attempt 1"] {
        assert!(shown[0].message.contains(part), "{}", shown[0].message);
    }
    assert_eq!(world.status(run).await, Status::Running, "the new one goes on");
    // What it says of an attempt that is another's is not believed.
    agent.report(next, 9, Phase::Running).await;
    agent.is_taken_in().await;
    others[0].end(next, 5, Outcome::Succeeded).await;
    agent.end(waits, 5, Outcome::Succeeded).await;
    for run in [run, waits.run] {
        assert_eq!(world.status(run).await, Status::Succeeded);
    }
    assert!(world.store.agent(OWNER, AGENT).await.unwrap().loss.is_none());
    world.close().await;
}

#[tokio::test]
async fn when_more_than_half_seem_lost_at_once_nothing_is_replaced() {
    let (world, mut agent, [_silent, mut third]) = world().await;
    let replaced = running(&world, &mut agent, OnAgentLoss::Replace).await;
    let until = Duration::from_secs(FENCED_SECONDS + 4);
    let began = Instant::now();
    while began.elapsed() < until {
        world.clock.advance(Duration::from_millis(1));
        third.ask_for_lease(false).await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.unwrap_err();
    }
    assert_eq!(
        (world.status(replaced.run).await, attempt_of(&world, replaced.run).await),
        (Status::Running, 0)
    );
    let lost = world.store.agent(OWNER, AGENT).await.unwrap();
    assert_eq!(lost.loss.as_deref(), Some("nothing is replaced, since 2 of 3 agents seem lost at once"));
    world.close().await;
}
