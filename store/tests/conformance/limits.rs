//! Quotas, rates and shares: what is used of them is counted from the runs themselves, and remembered between rounds.

use std::collections::BTreeMap;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::{
    Candidate, Demand, Lane, LaneKey, LimitPatch, Paused, PipelineSettings, Rule, SharingPatch, admit,
    blocks, estimate,
};
use berth_domain::time::Time;
use berth_store::{
    AdmissionOptions, Admitted, CountedLane, NewRun, ProjectPatch, QueuePatch, RetentionSettings, Store,
};

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

pub(crate) async fn what_any_limit_holds_back_is_not_counted_as_admissible(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let patch = ProjectPatch { limits: quota("3"), ..ProjectPatch::default() };
    store.update_project("acme", "q", patch, &audit("project.update")).await.unwrap();
    let mut runs: Vec<NewRun> =
        (0..10).map(|n| asking(world.queued_in(other.id, 0, after(n)), "1")).collect();
    runs.extend((10..12).map(|n| world.queued(0, after(n))));
    create(store, &runs).await;
    let of_queue = async |at| {
        let stats = store.queue_stats(None, at).await.unwrap().remove(0);
        (stats.backlog, stats.offered, stats.admissible, stats.admissible_oldest)
    };
    // Three by the project's quota, and two that no quota counts.
    assert_eq!(of_queue(after(12)).await, (12, 0, 5, Some(NOW)));
    assert_eq!(admitted(store, after(12), 1).await, [runs[0].id]);
    assert_eq!(of_queue(after(12)).await, (11, 1, 5, Some(NOW)), "what is on offer waits for the agent, too");
    // Without an agent nothing starts; a replica of it is what would help.
    assert_eq!(of_queue(after(100)).await, (11, 1, 5, Some(NOW)));
    let paused = Paused { reason: "r".into(), by: "b".into(), until: None, drain: false };
    let patch = QueuePatch { paused: Some(Some(paused)), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.pause")).await.unwrap();
    assert_eq!(of_queue(after(12)).await, (11, 1, 0, None));
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

pub(crate) async fn a_pipeline_limits_the_runs_that_belong_to_it_and_no_others(store: &Store) {
    let world = World::new(store).await;
    let mut controller = world.queued(0, NOW);
    controller.name = Some("sweep".into());
    controller.pipeline = Some(PipelineSettings { concurrency: Some(2), ..PipelineSettings::default() });
    let belonging = |n| {
        let mut run = world.queued(0, after(n));
        run.lane = LaneKey { pipelines: vec![controller.id], ..LaneKey::default() };
        run
    };
    let runs: Vec<NewRun> = (1..5).map(belonging).chain([world.queued(0, after(9))]).collect();
    create(store, std::slice::from_ref(&controller)).await;
    create(store, &runs).await;
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    assert_eq!(admitted(store, after(10), 10).await, [controller.id, ids[0], ids[1], ids[4]]);
    let snapshot = store.snapshot("acme", after(10), AdmissionOptions::default()).await.unwrap();
    let found = blocks(&snapshot, &snapshot.lanes[0]);
    assert_eq!((found[0].level.as_str(), found[0].name.as_str(), found.len()), ("pipeline", "sweep", 1));
    let ended = Event::Force { by: "test", status: Status::Succeeded };
    let now = after(11);
    store.transition(&ids[..1], now, |head| step(&head.dispatch, &ended, now, 0.0).ok()).await.unwrap();
    assert_eq!(admitted(store, now, 10).await, [ids[2]]);
}

pub(crate) async fn what_held_runs_back_is_remembered_by_lane_as_it_begins_and_ends(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let patch = QueuePatch { concurrency: Some(Some(1)), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
    let round = async |at: u64| {
        let options = AdmissionOptions { notes_waits: true, ..AdmissionOptions::default() };
        store.with_admission("acme", after(at), options, |snapshot| admit(snapshot, 10)).await.unwrap()
    };
    let (first, second) = (world.queued(0, NOW), world.queued_in(other.id, 0, after(1)));
    create(store, &[first.clone(), second.clone()]).await;
    let spells = async |run: &NewRun, from: u64, until: u64| {
        let lane = (world.queue.id, run.project_id, &run.lane);
        let mut spells = store.spells(lane, after(from), after(until)).await.unwrap();
        spells.reverse();
        let seconds = |at: Time| at.since(NOW).as_secs();
        spells
            .into_iter()
            .map(|spell| (spell.hold.rule, seconds(spell.since), spell.until.map(seconds)))
            .collect::<Vec<_>>()
    };
    round(2).await;
    round(3).await;
    assert_eq!(spells(&first, 0, 9).await, [], "it has started, and nothing of its lane waits");
    assert_eq!(spells(&second, 0, 9).await, [(Rule::Limit, 2, None)], "once, however often it is looked at");

    let paused = Paused { reason: "fire drill".into(), by: "ada".into(), until: None, drain: false };
    let pause = QueuePatch { paused: Some(Some(paused)), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", pause, &audit("queue.pause")).await.unwrap();
    round(5).await;
    let ended = Event::Force { by: "test", status: Status::Succeeded };
    let now = after(7);
    store.transition(&[first.id], now, |head| step(&head.dispatch, &ended, now, 0.0).ok()).await.unwrap();
    round(7).await;
    let resume = QueuePatch { paused: Some(None), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", resume, &audit("queue.resume")).await.unwrap();
    let Admitted::Runs(started) = round(9).await else { panic!("nobody else admits here") };
    assert_eq!(started[0].id, second.id);
    assert_eq!(spells(&second, 0, 20).await, [(Rule::Limit, 2, Some(7)), (Rule::Paused, 5, Some(9))]);
    assert_eq!(spells(&second, 7, 8).await, [(Rule::Paused, 5, Some(9))]);
    assert_eq!(spells(&second, 9, 20).await, []);

    let settings = RetentionSettings::default();
    let late = after(10).plus(settings.waits);
    assert_eq!(store.retention(late, &settings, 1).await.unwrap().waits, 1);
    while !store.retention(late, &settings, 100).await.unwrap().is_nothing() {}
    assert_eq!(spells(&second, 0, 20).await, []);
}
