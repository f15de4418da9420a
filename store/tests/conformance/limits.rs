//! Quotas, rates and shares: what is used of them is counted from the runs themselves, and remembered between rounds.

use std::collections::BTreeMap;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::{
    Candidate, Demand, Lane, LaneKey, LimitPatch, Rule, SharingPatch, admit, blocks, estimate,
};
use berth_domain::time::Time;
use berth_store::{AdmissionOptions, Admitted, CountedLane, NewRun, ProjectPatch, QueuePatch, Store};

use crate::world::{NOW, World, after, audit, project};

fn asking(mut run: NewRun, gpus: &str) -> NewRun {
    let demand: Demand = [("gpu".to_owned(), gpus.parse().unwrap())].into_iter().collect();
    run.lane = LaneKey { demand, ..LaneKey::default() };
    run
}

async fn limit_queue(store: &Store, limits: LimitPatch, sharing: SharingPatch) {
    let patch = QueuePatch { limits, sharing, ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
}

fn quota(gpus: &str) -> LimitPatch {
    let quota = BTreeMap::from([("gpu".to_owned(), gpus.parse().unwrap())]);
    LimitPatch { quota: Some(quota), rate: None }
}

async fn admitted(store: &Store, now: Time, most: usize) -> Vec<RunId> {
    let options = AdmissionOptions::default();
    match store.with_admission("acme", now, options, |snapshot| admit(snapshot, most)).await.unwrap() {
        Admitted::Runs(runs) => runs.into_iter().map(|run| run.id).collect(),
        other => panic!("nobody else admits here: {other:?}"),
    }
}

async fn create(store: &Store, runs: &[NewRun]) {
    for created in store.create_runs(runs, &audit("run.create")).await.unwrap() {
        created.unwrap();
    }
}

pub(crate) async fn a_quota_is_taken_by_what_holds_a_slot_and_given_back_at_its_end(store: &Store) {
    let world = World::new(store).await;
    limit_queue(store, quota("4"), SharingPatch::default()).await;
    let runs: Vec<NewRun> = ["3", "2", "1", "500m"]
        .iter()
        .zip(0..)
        .map(|(gpus, n)| asking(world.queued(0, after(n)), gpus))
        .collect();
    create(store, &runs).await;
    assert_eq!(
        admitted(store, after(5), 10).await,
        [runs[0].id, runs[2].id],
        "3 and 1 fill it; 2 would pass it"
    );
    let snapshot = store.snapshot("acme", after(5), AdmissionOptions::default()).await.unwrap();
    let used = snapshot.queues[0].limits.quotas[0].used;
    assert_eq!(used, "4".parse().unwrap());
    let waiting = snapshot.lanes.iter().map(|lane| blocks(&snapshot, lane));
    assert!(waiting.into_iter().all(|found| found.iter().all(|block| block.rule == Rule::Quota)));

    let ended = Event::Force { by: "test", status: Status::Failed };
    let now = after(6);
    store.transition(&[runs[0].id], now, |head| step(&head.dispatch, &ended, now, 0.0).ok()).await.unwrap();
    assert_eq!(admitted(store, now, 10).await, [runs[1].id, runs[3].id]);
}

pub(crate) async fn a_project_has_quotas_over_all_its_queues(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let patch = ProjectPatch { limits: quota("1"), ..ProjectPatch::default() };
    store.update_project("acme", "q", patch, &audit("project.update")).await.unwrap();
    let runs = [
        asking(world.queued_in(other.id, 0, NOW), "1"),
        asking(world.queued_in(other.id, 0, after(1)), "1"),
        asking(world.queued(0, after(2)), "1"),
    ];
    create(store, &runs).await;
    assert_eq!(admitted(store, after(3), 10).await, [runs[0].id, runs[2].id]);
}

pub(crate) async fn a_rate_holds_over_any_period(store: &Store) {
    let world = World::new(store).await;
    let rate = LimitPatch { quota: None, rate: Some(Some("3/10s".parse().unwrap())) };
    limit_queue(store, rate, SharingPatch::default()).await;
    world.create(store, 10).await;
    assert_eq!(admitted(store, after(1), 2).await.len(), 2);
    assert_eq!(admitted(store, after(4), 10).await.len(), 1);
    assert_eq!(admitted(store, after(10), 10).await.len(), 0, "the first two are 9 s old");
    let snapshot = store.snapshot("acme", after(10), AdmissionOptions::default()).await.unwrap();
    assert_eq!(snapshot.queues[0].limits.rate.unwrap().frees_at, Some(after(11)));
    assert_eq!(admitted(store, after(11), 10).await.len(), 2, "exactly when they are a period old");
    let gone = store.snapshot("acme", after(60), AdmissionOptions::default()).await.unwrap();
    assert_eq!(gone.queues[0].limits.rate.unwrap().used, 0);
}

pub(crate) async fn shares_go_on_where_they_were(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let weights =
        SharingPatch { weights: Some(BTreeMap::from([("q".to_owned(), 3)])), ..SharingPatch::default() };
    limit_queue(store, LimitPatch::default(), weights).await;
    let runs: Vec<NewRun> =
        (0..40).flat_map(|n| [world.queued(0, after(n)), world.queued_in(other.id, 0, after(n))]).collect();
    create(store, &runs).await;
    let mut of_other = 0;
    for round in 0..8 {
        let now = after(round);
        store.grant_lease(world.agent.id, "r1", &crate::world::lease("m1"), now).await.unwrap();
        for id in admitted(store, now, 3).await {
            of_other += usize::from(runs.iter().any(|run| run.id == id && run.project_id == other.id));
        }
    }
    assert!(
        (17..=19).contains(&of_other),
        "{of_other} of 24 started, three quarters of them the heavier project's"
    );
}

pub(crate) async fn a_place_counts_all_lanes_of_a_queue(store: &Store) {
    let world = World::new(store).await;
    let runs = [
        asking(world.queued(0, after(3)), "1"),
        asking(world.queued(0, after(1)), "2"),
        world.queued(0, after(2)),
        asking(world.queued(5, after(4)), "1"),
    ];
    create(store, &runs).await;
    for (run, place) in runs.iter().zip([4, 2, 3, 1]) {
        let position = store.position_in_queue(run.id).await.unwrap().unwrap();
        assert_eq!((position.position, position.of), (place, 4));
    }
    assert_eq!(store.run_by_id(runs[1].id).await.unwrap().lane, runs[1].lane);
}

pub(crate) async fn starts_of_a_queue_are_remembered_and_tell_when_a_run_starts(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let runs: Vec<NewRun> =
        (0..30).flat_map(|n| [world.queued(0, after(n)), world.queued_in(other.id, 0, after(n))]).collect();
    create(store, &runs).await;
    for round in 0..20 {
        let now = after(100 + 10 * round);
        store.grant_lease(world.agent.id, "r1", &crate::world::lease("m1"), now).await.unwrap();
        assert_eq!(admitted(store, now, 1).await.len(), 1);
    }
    let snapshot = store.snapshot("acme", after(290), AdmissionOptions::default()).await.unwrap();
    let last = runs.last().unwrap();
    let place = store.position_in_queue(last.id).await.unwrap().unwrap();
    assert_eq!((place.position, place.of, place.share.as_deref()), (40, 40, Some("q")));
    let candidate = Candidate { run: last.id, priority: 0, queued_at: after(29) };
    let lane = place.lanes.iter().find(|counted| counted.lane.project == other.id).unwrap().lane.clone();
    let lane = Lane { heads: vec![candidate], ..lane };
    let ahead: Vec<_> = place.lanes.iter().map(CountedLane::ahead).collect();
    let told = estimate(&snapshot, &lane, &ahead).unwrap();
    assert!((after(600)..=after(700)).contains(&told.at), "40 starts at ten seconds each: {told:?}");
}

pub(crate) async fn a_full_backlog_takes_no_more_until_some_of_it_has_started(store: &Store) {
    let world = World::new(store).await;
    let full = SharingPatch { max_backlog: Some(Some(3)), ..SharingPatch::default() };
    limit_queue(store, LimitPatch::default(), full).await;
    let runs: Vec<NewRun> = (0..5).map(|n| world.queued(0, after(n))).collect();
    let results = store.create_runs(&runs, &audit("run.create")).await.unwrap();
    let errors: Vec<String> =
        results.iter().filter_map(|result| Some(result.as_ref().err()?.to_string())).collect();
    let said = "queue `default` has 3 waiting runs, and may have no more: try later";
    assert_eq!(errors, [said, said]);
    assert_eq!(admitted(store, after(5), 2).await.len(), 2);
    let more: Vec<NewRun> = (6..9).map(|n| world.queued(0, after(n))).collect();
    let results = store.create_runs(&more, &audit("run.create")).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
}
