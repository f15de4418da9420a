//! Runs that are gone from the store: their agents forget what they keep of them, too.

use berth_domain::lifecycle::Status;
use berth_domain::protocol::FromAgentBody;
use berth_store::RetentionSettings;

use super::world::{World, eventually};

#[tokio::test]
async fn an_agent_is_told_what_to_forget_until_it_says_that_it_has() {
    let (mut world, mut agent) = World::with_replica().await;
    let run = world.submit().await;
    world.stop(run).await;
    world.becomes(run, Status::Stopped).await;
    world.store.delete_run(run, &world.by("run.delete")).await.unwrap();
    let settings = RetentionSettings::default();
    let late = world.clock.now().plus(2 * settings.deleted_runs);
    assert_eq!(world.store.retention(late, &settings, 10).await.unwrap().runs, 1);

    // Each looks for it when it begins, and every minute.
    world.start_scheduler();
    agent.forget(run).await;
    world.start_scheduler();
    agent.forget(run).await;
    assert_eq!(world.store.agents_with_forgotten().await.unwrap(), [world.agent().await.id]);
    agent.say(FromAgentBody::Forgotten(vec![run])).await;
    eventually("that it is noted", async || {
        world.store.agents_with_forgotten().await.unwrap().is_empty().then_some(())
    })
    .await;
    world.close().await;
}
