//! The change feed.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_store::{ChangeKind, Changes, Cursor, Error, RetentionSettings, Store};
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use crate::world::{World, after};

/// How long other transactions on the server may hold the feed back.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn no_change_is_skipped_while_many_commit(store: &Store) {
    let world = World::new(store).await;
    let mut cursor = store.latest_cursor().await.unwrap();
    let done = AtomicBool::new(false);
    let made = Mutex::new(BTreeSet::new());
    let writing = async {
        let writers = (0..8).map(|n| {
            let (world, made) = (&world, &made);
            async move {
                for _ in 0..10 {
                    // Batches of unlike size commit in another order than they drew their numbers in.
                    let ids = world.create(store, 1 + n * 5).await;
                    made.lock().unwrap().extend(ids.into_iter().map(|id| id.uuid()));
                }
            }
        });
        join_all(writers).await;
        done.store(true, Ordering::SeqCst);
    };
    let reading = async {
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_done = done.load(Ordering::SeqCst);
            let Changes::Next(changes) = store.changes_after(&cursor, 7).await.unwrap() else {
                panic!("resync");
            };
            if let Some(last) = changes.last() {
                cursor = last.cursor.to_string().parse().unwrap();
            } else if is_done && (seen.len() >= made.lock().unwrap().len() || Instant::now() > deadline) {
                // Other tests' transactions on the same server may delay the end of the feed; never forever.
                return seen;
            }
            let runs = changes.into_iter().filter(|change| change.kind == ChangeKind::Run);
            seen.extend(runs.map(|change| change.id));
        }
    };
    let ((), seen) = join(writing, reading).await;
    let made = made.into_inner().unwrap();
    let unique: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "no change comes twice");
    assert_eq!(unique, made);
}

pub(crate) async fn an_old_cursor_is_told_to_begin_anew(store: &Store) {
    let world = World::new(store).await;
    let old = store.latest_cursor().await.unwrap();
    world.create(store, 3).await;
    let settings = RetentionSettings::default();
    store.retention(after(3600 * 25), &settings, 100).await.unwrap();
    assert_eq!(store.changes_after(&old, 10).await.unwrap(), Changes::Resync);
    let deadline = Instant::now() + PATIENCE;
    let fresh = loop {
        let fresh = store.latest_cursor().await.unwrap();
        if store.changes_after(&fresh, 10).await.unwrap() == Changes::Next(Vec::new()) {
            break fresh;
        }
        assert!(Instant::now() < deadline, "a fresh cursor stays too old");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    crate::restore::restore(store, world.agent.id).await;
    assert_eq!(store.changes_after(&fresh, 10).await.unwrap(), Changes::Resync);
    assert!(matches!("1.2".parse::<Cursor>(), Err(Error::Invalid { .. })));
}
