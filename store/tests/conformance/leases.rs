//! Leases and identities.

use berth_domain::nodes::{Node, NodeSummary};
use berth_domain::protocol::LeaseRequest;
use berth_store::{AgentPatch, Lease, Store};

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

pub(crate) async fn the_newest_lease_says_what_the_agent_is_under_an_operators_word(store: &Store) {
    let world = World::new(store).await;
    let id = world.agent.id;
    let says = |zone: &str, hello: bool| {
        let labels = ["zone", "gpu"].map(|key| (key.to_owned(), zone.to_owned()));
        let namespaces = vec!["ml".to_owned()];
        LeaseRequest { labels: Some(labels.into()), namespaces, hello, ..lease("m1") }
    };
    let effective = async || store.agent("acme", "local").await.unwrap().effective_labels()["zone"].clone();
    let overruled = async |replica: &str, request: LeaseRequest, at: u64| {
        let granted = store.grant_lease(id, replica, &request, after(at)).await.unwrap();
        let Lease::Granted { overruled, .. } = granted else { panic!("refused") };
        overruled.map(|said| said.replica)
    };
    assert_eq!(store.agent("acme", "local").await.unwrap().reported, None, "the release before says nothing");
    assert_eq!(overruled("r1", says("eu", true), 1).await, None);
    assert_eq!(overruled("r2", says("us", true), 2).await.as_deref(), Some("r1"), "said once");
    assert_eq!(overruled("r2", says("us", true), 3).await, None);
    assert_eq!((overruled("r1", says("eu", false), 4).await, effective().await), (None, "us".to_owned()));
    store.grant_lease(id, "r3", &lease("m1"), after(5)).await.unwrap();
    let agent = store.agent("acme", "local").await.unwrap();
    assert_eq!(agent.reported.unwrap().namespaces, ["ml"], "the release before changes nothing");
    store.drop_replica(id, "r2", after(6)).await.unwrap();
    assert_eq!((overruled("r1", says("eu", false), 7).await, effective().await), (None, "eu".to_owned()));
    let patch =
        AgentPatch { labels: Some([("zone".to_owned(), "mars".to_owned())].into()), ..AgentPatch::default() };
    let agent = store.update_agent("acme", "local", patch, &audit("agent.update")).await.unwrap();
    assert_eq!(agent.effective_labels()["gpu"], "eu");
    assert_eq!(effective().await, "mars");
    let refused = store.grant_lease(id, "r1", &says("a b", true), after(8)).await.unwrap();
    let Lease::Refused { reason } = refused else { panic!("granted") };
    assert!(reason.contains("agent `local`: labels: the value `a b` of `gpu` is not"), "{reason}");
}

pub(crate) async fn a_lease_ends_with_its_last_replica(store: &Store) {
    let world = World::new(store).await;
    let granted = store.grant_lease(world.agent.id, "r2", &lease("m1"), after(5)).await.unwrap();
    let Lease::Granted { queues, until, was_lapsed, cordoned, .. } = granted else { panic!("refused") };
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

pub(crate) async fn nodes_are_kept_until_others_are_said(store: &Store) {
    let world = World::new(store).await;
    let id = world.agent.id;
    assert_eq!(store.agent_nodes(id).await.unwrap(), None);
    let nodes = |pool: &str| {
        let labels = [("pool".to_owned(), pool.to_owned())].into();
        NodeSummary::of(&[Node { labels, ..Node::default() }])
    };
    for (said, known) in [(Some("a"), "a"), (None, "a"), (Some("b"), "b")] {
        let request = LeaseRequest { nodes: said.map(nodes).map(Box::new), ..lease("m1") };
        store.grant_lease(id, "r1", &request, after(1)).await.unwrap();
        assert_eq!(store.agent_nodes(id).await.unwrap(), Some(nodes(known)));
    }
    store.delete_agent("acme", "local", &audit("agent.delete")).await.unwrap();
    assert_eq!(store.agent_nodes(id).await.unwrap(), None);
}
