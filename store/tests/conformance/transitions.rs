//! Decisions applied under locks.

use std::collections::BTreeSet;

use berth_domain::lifecycle::{Event, Status, step};
use berth_store::{AuditFilter, Decision, Error, Page, Store};
use futures_util::future::join_all;

use crate::world::{NOW, World, after, audit, claim, go};

pub(crate) async fn of_many_racing_claims_one_wins(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 3).await;
    store.transition(&ids, NOW, |head| step(&head.dispatch, &Event::Admit, NOW, 0.0).ok()).await.unwrap();
    let racing = (0..40).map(|n| {
        let mut ids = ids.clone();
        async move {
            if n % 2 == 0 {
                ids.reverse();
            }
            let nonce = format!("n{n}");
            let won = store
                .transition(&ids, after(1), |head| step(&head.dispatch, &claim(&nonce), after(1), 0.0).ok())
                .await
                .unwrap();
            won.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        }
    });
    let won: Vec<_> = join_all(racing).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 3, "each run was claimed once");
    assert_eq!(won.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(store.live_attempts(world.agent.id).await.unwrap().len(), 3);
}

pub(crate) async fn a_decision_writes_conditions_changes_and_audit(store: &Store) {
    let world = World::new(store).await;
    let ids = world.create(store, 2).await;
    let changed = store
        .transition(&ids, after(3), |head| {
            let step = step(&head.dispatch, &Event::Stop { by: "ann" }, after(3), 0.0).ok()?;
            (head.id == ids[0]).then(|| Decision::audited(step, audit("run.stop")))
        })
        .await
        .unwrap();
    assert_eq!(changed.len(), 1);
    let run = store.run_by_id(ids[0]).await.unwrap();
    assert_eq!((run.status(), run.finished_at, run.version), (Status::Stopped, Some(after(3)), 2));
    assert_eq!(store.conditions(ids[0]).await.unwrap().last().unwrap().status, Status::Stopped);
    assert_eq!(store.run_by_id(ids[1]).await.unwrap().status(), Status::Queued);
    let filter = AuditFilter { object_id: Some(ids[0].uuid()), ..AuditFilter::default() };
    let log = store.audit_entries(&filter, &Page::default()).await.unwrap().items;
    assert_eq!(log[0].audit.action, "run.stop");
    let untouched = store.transition(&ids, NOW, |_| None::<Decision>).await.unwrap();
    assert!(untouched.is_empty());

    store.delete_run(ids[0], &audit("run.delete")).await.unwrap();
    assert!(matches!(store.run_by_id(ids[0]).await, Err(Error::NotFound { .. })));
}

pub(crate) async fn due_runs_come_when_their_time_has_come(store: &Store) {
    let world = World::new(store).await;
    let id = world.create(store, 1).await[0];
    assert!(store.due_runs(after(1000), 10).await.unwrap().is_empty());
    store.transition(&[id], NOW, |head| Some(go(&head.dispatch, &Event::Admit, NOW))).await.unwrap();
    let offered = store.offered_runs(world.agent.id, world.queue.id, NOW, 10).await.unwrap();
    assert_eq!(offered.len(), 1);
    assert_eq!((offered[0].project.as_str(), offered[0].queue.as_str()), ("p", "default"));
    assert_eq!(offered[0].content.as_deref(), Some("{\"kind\":\"operation\"}"));
    store
        .transition(&[id], after(5), |head| Some(go(&head.dispatch, &Event::Offer, after(5))))
        .await
        .unwrap();
    assert!(store.offered_runs(world.agent.id, world.queue.id, after(4), 10).await.unwrap().is_empty());
    assert_eq!(store.offered_runs(world.agent.id, world.queue.id, after(5), 10).await.unwrap().len(), 1);
    store.transition(&[id], after(6), |head| Some(go(&head.dispatch, &claim("n"), after(6)))).await.unwrap();
    assert!(store.due_runs(after(16), 10).await.unwrap().is_empty());
    let due = store.due_runs(after(17), 10).await.unwrap();
    assert_eq!((due.len(), due[0].wake_at), (1, after(17)));
    assert!(!store.live_attempts(world.agent.id).await.unwrap()[0].has_object());
}
