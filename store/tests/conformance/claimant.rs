//! What an agent's claims are judged by.

use std::time::Duration;

use berth_domain::id::AgentId;
use berth_domain::scheduling::Paused;
use berth_store::{AgentPatch, Error, NewAgent, NewQueue, QueuePatch, Store};

use crate::world::{NOW, World, after, audit};

pub(crate) async fn what_claims_are_judged_by_is_read_at_once(store: &Store) {
    let world = World::new(store).await;
    let claimant = store.claimant(world.agent.id, NOW).await.unwrap();
    assert_eq!((claimant.id, claimant.name.as_str()), (world.agent.id, "local"));
    assert!(claimant.is_live && !claimant.is_cordoned && claimant.paused.is_empty());
    assert_eq!(claimant.create_grace, Duration::from_millis(500));
    assert!(!store.claimant(world.agent.id, after(15)).await.unwrap().is_live);

    let other = NewAgent::named("acme", "other".parse().unwrap());
    let other = store.create_agent(other, &audit("agent.create")).await.unwrap();
    let gpu = NewQueue::named(world.agent.id, "gpu".parse().unwrap());
    let gpu = store.create_queue(gpu, &audit("queue.create")).await.unwrap();
    let paused = Paused { reason: "upgrade".into(), by: "me".into(), until: Some(after(5)), drain: false };
    for agent in ["local", "other"] {
        let patch = QueuePatch { paused: Some(Some(paused.clone())), ..QueuePatch::default() };
        store.update_queue("acme", agent, "default", patch, &audit("queue.pause")).await.unwrap();
    }
    let patch = AgentPatch { draining: Some(true), ..AgentPatch::default() };
    store.update_agent("acme", "local", patch, &audit("agent.drain")).await.unwrap();
    let claimant = store.claimant(world.agent.id, NOW).await.unwrap();
    assert!(claimant.is_cordoned, "what is drained takes nothing new either");
    assert_eq!(claimant.paused.len(), 1, "neither the other queue nor the other agent's");
    let found = &claimant.paused[&world.queue.id];
    assert_eq!((found.name.as_str(), &found.paused), ("default", &paused));

    let names = store.queue_names(world.agent.id).await.unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!((names[&world.queue.id].as_str(), names[&gpu.id].as_str()), ("default", "gpu"));
    assert_eq!(store.queue_names(other.id).await.unwrap().len(), 1);
    assert!(matches!(store.claimant(AgentId::new(), NOW).await, Err(Error::NotFound { .. })));
}
