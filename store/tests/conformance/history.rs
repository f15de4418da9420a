//! The history of queues: what is counted once, seen at its largest, shared by replicas, and forgotten in time.

use std::time::Duration;

use berth_domain::history::{Gauges, Range};
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::admit;
use berth_store::{AdmissionOptions, Admitted, RetentionSettings, Store};

use crate::world::{NOW, World, after, claim};

fn seen(backlog: u64) -> Gauges {
    Gauges { backlog, oldest_ms: backlog * 1_000, ..Gauges::default() }
}

pub(crate) async fn what_happens_is_counted_once_in_every_resolution(store: &Store) {
    let world = World::new(store).await;
    world.create(store, 3).await;
    store.write_history(Some(&[(world.queue.id, seen(3))]), after(1)).await.unwrap();
    let admitted = store
        .with_admission("acme", after(2), AdmissionOptions::default(), |snapshot| admit(snapshot, 2))
        .await
        .unwrap();
    let Admitted::Runs(admitted) = admitted else { panic!("{admitted:?}") };
    assert_eq!(admitted.len(), 2);
    let failed = Event::Force { by: "test", status: Status::Failed };
    for (run, event) in [(0, claim("n")), (0, failed), (1, Event::Stop { by: "test" })] {
        let ids = [admitted[run].id];
        store
            .transition(&ids, after(3), |head| step(&head.dispatch, &event, after(3), 0.0).ok())
            .await
            .unwrap();
    }
    // What fails is not counted, and what was written is not written again.
    store.write_history(Some(&[(world.queue.id, seen(1))]), after(4)).await.unwrap();
    store.write_history(None, after(5)).await.unwrap();

    for range in Range::ALL {
        let points = store.queue_history(world.queue.id, range, after(6)).await.unwrap();
        let whole = store.owner_history("acme", range, after(6)).await.unwrap();
        assert_eq!(points, whole, "{range:?}");
        let sum = |of: fn(&berth_domain::history::Point) -> u64| points.iter().map(of).sum::<u64>();
        assert_eq!(sum(|point| point.counts.submitted), 3, "{range:?}: {points:?}");
        assert_eq!(sum(|point| point.counts.started), 2);
        assert_eq!(sum(|point| point.counts.finished), 2);
        assert_eq!(sum(|point| point.counts.failed), 1);
        let most = points.iter().map(|point| point.gauges.backlog).max();
        assert_eq!(most, Some(3), "the largest of a step is kept");
        let waits: u64 = points.iter().flat_map(|point| point.counts.waits.buckets()).map(|(_, n)| n).sum();
        assert_eq!(waits, 2);
    }
    let recent = store.recent("acme", Duration::from_secs(300), after(6)).await.unwrap();
    let counts = &recent.queues[&world.queue.id];
    assert_eq!((counts.submitted, counts.started, counts.finished), (3, 2, 2));
    let p50 = counts.waits.quantile(0.5).unwrap().as_secs_f64();
    assert!((1.6..=2.4).contains(&p50), "runs waited for 2 s, and {p50} s is read");
    assert!(store.recent("other", Duration::from_secs(300), after(6)).await.unwrap().queues.is_empty());
}

pub(crate) async fn an_idle_step_is_told_from_one_that_nobody_measured(store: &Store) {
    let world = World::new(store).await;
    let minutes = |count: u64| after(60 * count);
    store.write_history(Some(&[(world.queue.id, seen(2))]), NOW).await.unwrap();
    store.write_history(Some(&[(world.queue.id, seen(0))]), minutes(1)).await.unwrap();
    // Nobody looks in the second minute.
    store.write_history(Some(&[(world.queue.id, seen(4))]), minutes(3)).await.unwrap();
    let points = store.queue_history(world.queue.id, Range::Hour, minutes(3)).await.unwrap();
    let shown: Vec<_> = points.iter().map(|point| (point.at, point.gauges.backlog)).collect();
    let at = |count| Range::Hour.step_of(minutes(count));
    assert_eq!(shown, [(at(0), 2), (at(1), 0), (at(3), 4)]);
    let (steps, backlogs) = store.backlogs("acme", minutes(3)).await.unwrap();
    assert_eq!(steps, [at(0), at(1), at(3)]);
    let of_queue: Vec<_> = backlogs[&world.queue.id].iter().map(|(at, backlog)| (*at, *backlog)).collect();
    assert_eq!(of_queue, [(at(0), 2), (at(3), 4)]);
}

pub(crate) async fn each_resolution_is_kept_for_its_range_and_then_forgotten(store: &Store) {
    let world = World::new(store).await;
    world.create(store, 1).await;
    store.write_history(Some(&[(world.queue.id, seen(1))]), NOW).await.unwrap();
    let kept = async |later: Duration| {
        let now = NOW.plus(later);
        store.retention(now, &RetentionSettings::default(), 100).await.unwrap();
        let mut kept = Vec::new();
        for range in Range::ALL {
            // As it was to be seen then.
            if !store.queue_history(world.queue.id, range, NOW).await.unwrap().is_empty() {
                kept.push(range);
            }
        }
        kept
    };
    let hour = Duration::from_secs(3_600);
    assert_eq!(kept(hour).await, Range::ALL);
    assert_eq!(kept(2 * hour).await, [Range::Day, Range::Week, Range::Month]);
    assert_eq!(kept(26 * hour).await, [Range::Week, Range::Month]);
    assert_eq!(kept(31 * 24 * hour).await, []);
}
