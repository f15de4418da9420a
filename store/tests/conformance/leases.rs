//! Leases and identities.

use berth_store::{Lease, Store};

use crate::world::{NOW, World, after, audit, lease};

pub(crate) async fn a_second_identity_is_refused_until_the_name_is_released(store: &Store) {
    let world = World::new(store).await;
    let Lease::Refused { reason } =
        store.grant_lease(world.agent.id, "x", &lease("m2"), after(100)).await.unwrap()
    else {
        panic!("a second machine got the name");
    };
    for word in ["local", "m1", "m2"] {
        assert!(reason.contains(word), "{reason}");
    }
    let alive = store.release_agent("acme", "local", &audit("agent.release")).await.unwrap_err();
    assert!(alive.to_string().contains("is alive"), "{alive}");
    let mut later = audit("agent.release");
    later.at = after(100);
    store.release_agent("acme", "local", &later).await.unwrap();
    let granted = store.grant_lease(world.agent.id, "x", &lease("m2"), after(101)).await.unwrap();
    assert!(matches!(granted, Lease::Granted { was_lapsed: true, .. }), "{granted:?}");
}

pub(crate) async fn a_lease_ends_with_its_last_replica(store: &Store) {
    let world = World::new(store).await;
    let granted = store.grant_lease(world.agent.id, "r2", &lease("m1"), after(5)).await.unwrap();
    let Lease::Granted { queues, until, was_lapsed, cordoned } = granted else { panic!("refused") };
    assert_eq!((queues, until, was_lapsed, cordoned), (vec!["default".to_owned()], after(20), false, false));
    let agent = store.agent("acme", "local").await.unwrap();
    assert!((agent.handover_rate - 5.0).abs() < 0.001, "{}", agent.handover_rate);
    assert_eq!(agent.executor.as_deref(), Some("process"));
    assert_eq!(store.replicas(agent.id).await.unwrap().len(), 2);
    store.drop_replica(agent.id, "r2", after(6)).await.unwrap();
    assert!(store.agent("acme", "local").await.unwrap().is_live(after(14)));
    store.drop_replica(agent.id, "r1", after(6)).await.unwrap();
    assert!(!store.agent("acme", "local").await.unwrap().is_live(NOW));
}
