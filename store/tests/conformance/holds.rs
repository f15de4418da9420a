//! Pauses, cordons and drains: what they let in, and how those that are for a time end.

use berth_domain::scheduling::Paused;
use berth_domain::time::Time;
use berth_store::{AdmissionOptions, AgentPatch, AuditFilter, Error, Page, QueuePatch, Store};

use crate::world::{NOW, World, after, audit};

fn hold(until: Option<Time>, drain: bool) -> Paused {
    Paused { reason: "new disks".into(), by: "ann".into(), until, drain }
}

async fn pause(store: &Store, hold: Option<Paused>) {
    let patch = QueuePatch { paused: Some(hold), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.pause")).await.unwrap();
}

async fn close(store: &Store, hold: Option<Paused>) {
    let drain = hold.as_ref().is_some_and(|hold| hold.drain);
    let (cordoned, draining) = (Some(hold.is_some() && !drain), Some(drain));
    let patch = AgentPatch { cordoned, draining, hold: Some(hold), ..AgentPatch::default() };
    store.update_agent("acme", "local", patch, &audit("agent.cordon")).await.unwrap();
}

/// Whether a new run is let in; else why not.
async fn lets_in(store: &Store, world: &World) -> Result<(), String> {
    match store.create_run(world.queued(0, NOW), &audit("run.create")).await {
        Ok(_) => Ok(()),
        Err(Error::Closed { message }) => Err(message),
        Err(other) => panic!("{other}"),
    }
}

pub(crate) async fn what_is_drained_lets_nothing_in_and_what_is_paused_does(store: &Store) {
    let world = World::new(store).await;
    pause(store, Some(hold(None, false))).await;
    lets_in(store, &world).await.unwrap();
    pause(store, Some(hold(Some(after(60)), true))).await;
    let refused = lets_in(store, &world).await.unwrap_err();
    let told = format!("queue local/default is being drained by ann until {}: new disks", after(60));
    assert_eq!(refused, told);
    pause(store, Some(hold(Some(NOW), true))).await;
    lets_in(store, &world).await.unwrap();
    pause(store, None).await;
    close(store, Some(hold(None, false))).await;
    lets_in(store, &world).await.unwrap();
    close(store, Some(hold(None, true))).await;
    assert_eq!(lets_in(store, &world).await.unwrap_err(), "agent local is being drained by ann: new disks");
    let agent = store.agent("acme", "local").await.unwrap();
    assert_eq!(agent.hold, Some(hold(None, true)));
    let claimant = store.claimant(agent.id, NOW).await.unwrap();
    assert_eq!((claimant.is_cordoned, claimant.hold), (true, agent.hold.clone()));
    let snapshot = store.snapshot("acme", NOW, AdmissionOptions::default()).await.unwrap();
    assert_eq!((snapshot.agents[0].is_cordoned, snapshot.agents[0].hold.clone()), (true, agent.hold));
}

pub(crate) async fn what_is_for_a_time_ends_with_it_and_the_rest_stays(store: &Store) {
    World::new(store).await;
    assert_eq!(store.end_holds(NOW).await.unwrap(), (false, None));
    pause(store, Some(hold(Some(after(20)), false))).await;
    close(store, Some(hold(Some(after(10)), true))).await;
    assert_eq!(store.end_holds(after(9)).await.unwrap(), (false, Some(after(10))));
    assert_eq!(store.end_holds(after(10)).await.unwrap(), (true, Some(after(20))));
    let agent = store.agent("acme", "local").await.unwrap();
    assert_eq!((agent.cordoned, agent.draining, agent.hold), (false, false, None));
    assert!(store.queue("acme", "local", "default").await.unwrap().paused.is_some());
    assert_eq!(store.end_holds(after(25)).await.unwrap(), (true, None));
    assert_eq!(store.queue("acme", "local", "default").await.unwrap().paused, None);
    pause(store, Some(hold(None, false))).await;
    assert_eq!(store.end_holds(after(99)).await.unwrap(), (false, None), "what has no end waits for a hand");
    let filter = AuditFilter { actor: Some("scheduler".to_owned()), ..AuditFilter::default() };
    let log = store.audit_entries(&filter, &Page::default()).await.unwrap().items;
    let told: Vec<&str> = log.iter().map(|entry| entry.audit.action.as_str()).collect();
    assert_eq!(told, ["queue.resume", "agent.uncordon"]);
}
