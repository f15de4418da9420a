//! A restore from a backup: noticed by what agents had seen, and reconciled before anything starts.

use std::time::Duration;

use berth_domain::id::AgentId;
use berth_domain::protocol::LeaseRequest;
use berth_domain::restore::Seen;
use berth_domain::scheduling::admit;
use berth_store::{AdmissionOptions, AuditFilter, Lease, NewAgent, Page, Store};

use crate::world::{World, after, audit, lease};

/// Asks for a lease, showing what was seen; says what the store shows now, and whether it found itself restored.
async fn asks(store: &Store, agent: AgentId, seen: Option<Seen>) -> (Seen, bool) {
    let granted =
        store.grant_lease(agent, "r1", &LeaseRequest { seen, ..lease("m1") }, after(1)).await.unwrap();
    let Lease::Granted { seen, is_restored, .. } = granted else { panic!("refused") };
    (seen, is_restored)
}

/// As far as anybody can see, restores a backup that is a second old. Returns what the store shows then.
pub(crate) async fn restore(store: &Store, agent: AgentId) -> Seen {
    let (seen, _) = asks(store, agent, None).await;
    let lost = Seen { granted_at: seen.granted_at.plus(Duration::from_secs(1)), ..seen };
    let (seen, is_restored) = asks(store, agent, Some(lost)).await;
    assert!(is_restored && seen.epoch > lost.epoch);
    assert!(!asks(store, agent, Some(lost)).await.1, "it is noticed once");
    seen
}

/// How many of the waiting runs may start.
async fn admissible(store: &Store) -> usize {
    let snapshot = store.snapshot("acme", after(1), AdmissionOptions::default()).await.unwrap();
    let paused = snapshot.queues.iter().filter_map(|queue| queue.paused.as_ref());
    assert!(paused.clone().all(|paused| paused.reason.contains("restored from a backup")));
    admit(&snapshot, 10).starts.len()
}

pub(crate) async fn a_restored_store_starts_nothing_until_every_agent_has_told_what_it_holds(store: &Store) {
    let world = World::new(store).await;
    let local = world.agent.id;
    let other = NewAgent::named("acme", "other".parse().unwrap());
    let other = store.create_agent(other, &audit("agent.create")).await.unwrap().id;
    let never_seen = NewAgent::named("acme", "never-seen".parse().unwrap());
    store.create_agent(never_seen, &audit("agent.create")).await.unwrap();
    asks(store, other, None).await;
    world.create(store, 1).await;

    let (first, _) = asks(store, local, None).await;
    let (second, is_restored) = asks(store, local, Some(first)).await;
    assert!(!is_restored && second.granted_at > first.granted_at, "it grows, whatever the clock says");
    assert!(!asks(store, other, Some(second)).await.1, "what another agent saw says nothing");
    assert_eq!((admissible(store).await, store.restored().await.unwrap()), (1, None));

    let restored = restore(store, local).await;
    assert_eq!(store.epoch().await.unwrap(), restored.epoch);
    assert_eq!(admissible(store).await, 0);
    let noted = store.restored().await.unwrap().unwrap();
    assert_eq!((noted.epoch, noted.noticed_by.as_str()), (restored.epoch, "local"));
    assert_eq!(store.unreconciled_agents(&noted).await.unwrap(), ["local", "other"]);
    assert!(
        !store.reconciled(local, first.epoch, after(2)).await.unwrap(),
        "a look from before does not count"
    );
    assert!(!store.reconciled(local, restored.epoch, after(2)).await.unwrap());
    assert_eq!(
        (admissible(store).await, store.unreconciled_agents(&noted).await.unwrap()),
        (0, vec!["other".to_owned()])
    );
    assert!(store.reconciled(other, restored.epoch, after(3)).await.unwrap(), "the last one");
    assert_eq!((admissible(store).await, store.restored().await.unwrap()), (1, None));
    assert!(!store.reconciled(other, restored.epoch, after(3)).await.unwrap());

    let audited = store.audit_entries(&AuditFilter::default(), &Page::first(100)).await.unwrap().items;
    let actions: Vec<&str> = audited.iter().map(|entry| entry.audit.action.as_str()).collect();
    assert!(actions.contains(&"store.restore") && actions.contains(&"store.reconciled"), "{actions:?}");
}

pub(crate) async fn an_agent_that_is_gone_holds_a_restore_up_until_somebody_says_so(store: &Store) {
    let world = World::new(store).await;
    world.create(store, 1).await;
    restore(store, world.agent.id).await;
    assert_eq!(admissible(store).await, 0);
    assert!(store.accept_restore(&audit("store.accept_restore")).await.unwrap());
    assert!(!store.accept_restore(&audit("store.accept_restore")).await.unwrap());
    assert_eq!(admissible(store).await, 1);

    let gone = NewAgent::named("acme", "gone".parse().unwrap());
    let gone = store.create_agent(gone, &audit("agent.create")).await.unwrap().id;
    asks(store, gone, None).await;
    let restored = restore(store, world.agent.id).await;
    store.reconciled(world.agent.id, restored.epoch, after(2)).await.unwrap();
    assert_eq!(admissible(store).await, 0, "the other may hold something");
    store.delete_agent("acme", "gone", &audit("agent.delete")).await.unwrap();
    assert_eq!(admissible(store).await, 1, "it is no more");
}
