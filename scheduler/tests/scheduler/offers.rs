//! Offers that the broker loses: the store's own list of them is the outbox.

use berth_domain::lifecycle::OFFER_PATIENCE;

use super::world::{AGENT, World, eventually};

#[tokio::test]
async fn an_offer_that_vanished_from_the_broker_is_offered_again() {
    let (world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    world.admitted(run).await;
    world.offers_lie(1).await;
    assert_eq!(world.broker.purge(&world.names.offers(AGENT, "default")).await.unwrap(), 1);
    world.clock.advance(OFFER_PATIENCE);
    world.offers_lie(1).await;
    let again = world.until(run, "a second offer", |state| state.offered.unwrap().times == 2).await;
    assert_eq!(again.dispatch.offered.unwrap().at, world.clock.now());
    let attempt = agent.offer().await;
    agent.go(attempt).await;
    world.close().await;
}

#[tokio::test]
async fn a_broker_that_lost_its_marker_gets_everything_again_at_once() {
    let (world, mut agent) = World::with_replica().await;
    let marker = eventually("a marker", async || world.store.broker_marker().await.unwrap()).await;
    let runs = [world.submit().await, world.submit().await];
    for run in runs {
        world.admitted(run).await;
    }
    world.offers_lie(2).await;
    // A broker without the offers and without the marker that the store knows.
    world.broker.delete_queue(&world.names.offers(AGENT, "default")).await.unwrap();
    assert!(world.store.set_broker_marker(Some(&marker), "lost").await.unwrap());
    world.offers_lie(2).await;
    let known = world.store.broker_marker().await.unwrap().unwrap();
    assert!(world.broker.marker_exists(&known).await.unwrap(), "the next loss will be noticed too");
    for _ in runs {
        let attempt = agent.offer().await;
        agent.go(attempt).await;
    }
    world.close().await;
}
