//! Agents' broker credentials: two generations, and hashes only.

use berth_store::{AuditFilter, Credentials, Error, NewCredentials, Page, Store};

use crate::world::{NOW, World, audit};

async fn make(store: &Store, secret: &str) -> Credentials {
    let new = NewCredentials { rabbitmq_hash: format!("r-{secret}"), redis_hash: format!("h-{secret}") };
    store.create_credentials("acme", "local", new, &audit("agent.credentials")).await.unwrap()
}

fn slots(there: &[Credentials]) -> Vec<(i64, i64)> {
    there.iter().map(|credentials| (credentials.generation, credentials.slot)).collect()
}

pub(crate) async fn the_generation_before_stays_and_what_is_older_goes(store: &Store) {
    let world = World::new(store).await;
    assert!(store.credentials("acme", "local").await.unwrap().is_empty());
    let first = make(store, "a").await;
    assert_eq!((first.agent.as_str(), first.slot, first.generation), ("local", 1, 1));
    assert_eq!((first.created_by.as_str(), first.created_at), ("tester", NOW));
    let second = make(store, "b").await;
    assert_eq!(store.credentials("acme", "local").await.unwrap(), [first, second.clone()]);
    let third = make(store, "c").await;
    assert_eq!(store.credentials("acme", "local").await.unwrap(), [second.clone(), third.clone()]);
    assert_eq!((third.slot, third.rabbitmq_hash.as_str(), third.redis_hash.as_str()), (1, "r-c", "h-c"));
    assert_eq!(store.all_credentials().await.unwrap(), [second, third]);
    let filter = AuditFilter { action: Some("agent.credentials".into()), ..AuditFilter::default() };
    let log = store.audit_entries(&filter, &Page::first(10)).await.unwrap().items;
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|entry| entry.object_id == Some(world.agent.id.uuid())));
    assert!(log.iter().all(|entry| entry.audit.details.is_none()), "{log:?}");
}

pub(crate) async fn generations_made_at_once_are_all_counted(store: &Store) {
    World::new(store).await;
    let made = tokio::join!(make(store, "a"), make(store, "b"), make(store, "c"));
    let mut generations = [made.0.generation, made.1.generation, made.2.generation];
    generations.sort_unstable();
    assert_eq!(generations, [1, 2, 3]);
    assert_eq!(slots(&store.credentials("acme", "local").await.unwrap()), [(2, 2), (3, 1)]);
}

pub(crate) async fn what_was_retired_is_gone_and_its_number_is_not_used_again(store: &Store) {
    World::new(store).await;
    make(store, "a").await;
    make(store, "b").await;
    let retire = async |generation| {
        store.delete_credentials("acme", "local", generation, &audit("agent.credentials.retire")).await
    };
    retire(2).await.unwrap();
    assert_eq!(slots(&store.credentials("acme", "local").await.unwrap()), [(1, 1)]);
    let error = retire(2).await.unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { .. }) && error.to_string().contains("generation `2`"),
        "{error}"
    );
    make(store, "c").await;
    assert_eq!(slots(&store.credentials("acme", "local").await.unwrap()), [(1, 1), (3, 2)]);
    let nobody = store.delete_credentials("acme", "nobody", 1, &audit("x")).await.unwrap_err();
    assert!(matches!(nobody, Error::NotFound { .. }), "{nobody}");
}

pub(crate) async fn they_go_with_their_agent(store: &Store) {
    World::new(store).await;
    make(store, "a").await;
    store.delete_agent("acme", "local", &audit("agent.delete")).await.unwrap();
    assert!(store.all_credentials().await.unwrap().is_empty());
    assert!(matches!(store.credentials("acme", "local").await, Err(Error::NotFound { .. })));
}
