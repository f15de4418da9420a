//! Room is made under the lock of choosing: what nobody has claimed waits again at once, the rest when it has ended.

use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, Event, Outcome, Status, step};
use berth_domain::protocol::{Phase, Report};
use berth_domain::scheduling::{Choice, Preemption, SharingPatch, Stands, Victim, choose};
use berth_domain::time::Time;
use berth_store::{AdmissionOptions, Admitted, QueuePatch, Store};

use crate::world::{NOW, World, after, audit, claim};

async fn round(store: &Store, now: Time) -> Admitted {
    let options = AdmissionOptions::default();
    store.with_admission("acme", now, options, |snapshot| choose(snapshot, 10)).await.unwrap()
}

async fn starts(store: &Store, now: Time) -> Vec<RunId> {
    match round(store, now).await {
        Admitted::Runs(runs) => runs.into_iter().map(|run| run.id).collect(),
        other => panic!("{other:?}"),
    }
}

async fn happens(store: &Store, run: RunId, now: Time, event: &Event<'_>) {
    let changed =
        store.transition(&[run], now, |head| step(&head.dispatch, event, now, 0.5).ok()).await.unwrap();
    assert_eq!(changed.len(), 1, "{event:?}");
}

pub(crate) async fn whoever_goes_before_others_has_them_make_room(store: &Store) {
    let world = World::new(store).await;
    let sharing = SharingPatch { preemption: Some(Preemption::LowerPriority), ..SharingPatch::default() };
    let patch = QueuePatch { concurrency: Some(Some(2)), sharing, ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
    let low = [world.queued(0, NOW), world.queued(0, after(1))];
    store.create_runs(&low, &audit("run.create")).await.unwrap();
    assert_eq!(starts(store, after(1)).await, [low[0].id, low[1].id]);
    happens(store, low[0].id, after(2), &claim("n")).await;

    let high = [world.queued(9, after(3)), world.queued(9, after(4))];
    store.create_runs(&high[..1], &audit("run.create")).await.unwrap();
    assert_eq!(round(store, after(5)).await, Admitted::MadeRoom(vec![low[1].id]), "nobody had claimed it");
    let withdrawn = store.run_by_id(low[1].id).await.unwrap();
    assert_eq!((withdrawn.status(), withdrawn.dispatch.attempt), (Status::Queued, 0));
    assert_eq!(starts(store, after(5)).await, [high[0].id]);

    store.create_runs(&high[1..], &audit("run.create")).await.unwrap();
    assert_eq!(round(store, after(6)).await, Admitted::MadeRoom(vec![low[0].id]));
    assert_eq!(store.run_by_id(low[0].id).await.unwrap().status(), Status::Stopping);
    let conditions = store.conditions(low[0].id).await.unwrap();
    let told = conditions.last().unwrap();
    assert_eq!(told.reason, "Preempted");
    assert!(told.message.contains(&high[1].id.to_string()), "{}", told.message);
    let stopping: Vec<RunId> =
        store.stopping_attempts().await.unwrap().iter().map(|attempt| attempt.id).collect();
    assert_eq!(stopping, [low[0].id], "its agent is told");
    assert_eq!(starts(store, after(7)).await, [], "its place is its own until it has ended");
    let snapshot = store.snapshot("acme", after(7), AdmissionOptions::default()).await.unwrap();
    let leaves: Vec<RunId> = snapshot
        .holders
        .iter()
        .filter(|holder| matches!(holder.stands, Stands::Leaves { .. }))
        .map(|holder| holder.run)
        .collect();
    assert_eq!(leaves, [low[0].id]);

    let end = End {
        outcome: Outcome::Stopped,
        exit_code: Some(143),
        reason: "Stopped".to_owned(),
        message: "it is over".to_owned(),
    };
    let report = Report {
        run: low[0].id,
        attempt: 0,
        uid: Some("u".to_owned()),
        rank: 9,
        at: after(8),
        span: None,
        phase: Phase::Ended(end),
    };
    happens(store, low[0].id, after(8), &Event::Report(&report)).await;
    let again = store.run_by_id(low[0].id).await.unwrap();
    assert_eq!((again.status(), again.dispatch.attempt, again.dispatch.user_retries), (Status::Queued, 1, 0));
    assert_eq!(starts(store, after(8)).await, [high[1].id]);
    assert_eq!(starts(store, after(9)).await, [], "and nobody is asked for those that come after");

    // What started or was stopped between the choice and its commit needs no room any more.
    let late = Choice {
        victims: vec![Victim { run: high[0].id, by: high[1].id, reason: "late".to_owned() }],
        ..Choice::default()
    };
    let outcome =
        store.with_admission("acme", after(9), AdmissionOptions::default(), |_| late).await.unwrap();
    assert_eq!(outcome, Admitted::Runs(Vec::new()));
    assert_eq!(store.run_by_id(high[0].id).await.unwrap().status(), Status::Scheduled);
}
