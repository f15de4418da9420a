//! Choosing under the organization's lock.

use berth_domain::feature::Features;
use berth_domain::lifecycle::{Event, Status, step};
use berth_domain::scheduling::{Admission, Choice, Snapshot, admit};
use berth_store::{AdmissionOptions, Admitted, ProjectPatch, QueuePatch, Store};
use futures_util::future::join_all;

use crate::world::{NOW, World, after, audit, claim, project};

pub(crate) async fn parallel_admitters_never_pass_a_limit(store: &Store) {
    let world = World::new(store).await;
    let patch = QueuePatch { concurrency: Some(Some(5)), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", patch, &audit("queue.update")).await.unwrap();
    world.create(store, 60).await;
    let admitters = (0..6).map(|n| async move {
        let mut admitted = 0;
        for round in 0..12 {
            let now = after(round);
            // The lease goes on: choosing needs a live agent.
            store.grant_lease(world_agent(store).await, "r1", &crate::world::lease("m1"), now).await.unwrap();
            let outcome = store
                .with_admission("acme", now, AdmissionOptions::default(), |snapshot| admit(snapshot, 100))
                .await
                .unwrap();
            let Admitted::Runs(runs) = outcome else { continue };
            admitted += runs.len();
            let stats = &store.queue_stats(None, NOW).await.unwrap()[0];
            assert!(stats.offered + stats.in_flight <= 5, "{stats:?}");
            // One of them ends now and then, so that slots come free while others choose.
            if let Some(run) = runs.first() {
                let nonce = format!("{n}-{round}");
                store
                    .transition(&[run.id], now, |head| step(&head.dispatch, &claim(&nonce), now, 0.0).ok())
                    .await
                    .unwrap();
                let failed = Event::Force { by: "test", status: Status::Failed };
                store
                    .transition(&[run.id], now, |head| step(&head.dispatch, &failed, now, 0.0).ok())
                    .await
                    .unwrap();
            }
        }
        admitted
    });
    let admitted: usize = join_all(admitters).await.into_iter().sum();
    assert!(admitted > 5, "slots that came free were used: {admitted}");
    let all = store.queue_stats(None, NOW).await.unwrap();
    assert_eq!(store.queue_stats(Some("acme"), NOW).await.unwrap(), all);
    assert_eq!(store.queue_stats(Some("another"), NOW).await.unwrap(), []);
    let stats = &all[0];
    assert!(stats.offered + stats.in_flight <= 5, "{stats:?}");
    assert_eq!(stats.backlog as usize, 60 - admitted);
}

async fn world_agent(store: &Store) -> berth_domain::id::AgentId {
    store.default_agent("acme").await.unwrap().id
}

pub(crate) async fn lanes_show_the_first_by_priority_and_age(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let patch = ProjectPatch { concurrency: Some(Some(1)), ..ProjectPatch::default() };
    store.update_project("acme", "q", patch, &audit("project.update")).await.unwrap();
    let runs = [
        world.queued(0, after(1)),
        world.queued(5, after(3)),
        world.queued(5, after(2)),
        world.queued(0, NOW),
        world.queued_in(other.id, 0, after(4)),
    ];
    store.create_runs(&runs, &audit("run.create")).await.unwrap();
    assert_eq!(store.owners_with_work().await.unwrap(), ["acme"]);
    let options = AdmissionOptions { heads: 3, ..AdmissionOptions::default() };
    let snapshot = store.snapshot("acme", after(5), options).await.unwrap();
    assert_eq!(snapshot.lanes.len(), 2);
    let lane = snapshot.lanes.iter().find(|lane| lane.project == world.project.id).unwrap();
    let heads: Vec<_> = lane.heads.iter().map(|head| head.run).collect();
    assert_eq!(heads, [runs[2].id, runs[1].id, runs[3].id]);
    assert_eq!(snapshot.project(other.id).unwrap().limits.slots.limit, Some(1));
    assert!(snapshot.agents[0].is_live);
    let late = store.snapshot("acme", after(100), options).await.unwrap();
    assert!(!late.agents[0].is_live);

    let chosen = vec![runs[0].id, runs[2].id, runs[1].id];
    let start = |run| Admission { run, queue: world.queue.id, project: world.project.id, lane: 0 };
    let choice = Choice { starts: chosen.into_iter().map(start).collect(), ..Choice::default() };
    let outcome = store.with_admission("acme", after(5), options, |_| choice).await.unwrap();
    let Admitted::Runs(admitted) = outcome else { panic!("busy") };
    let ids: Vec<_> = admitted.iter().map(|run| run.id).collect();
    assert_eq!(ids, [runs[2].id, runs[1].id], "only what the snapshot showed is admitted, in order");
    assert_eq!(store.owners_with_work().await.unwrap(), ["acme"]);
}

pub(crate) async fn a_place_in_the_queue_is_exact(store: &Store) {
    let world = World::new(store).await;
    let other = project(store, "q").await;
    let runs = [
        world.queued(0, after(1)),
        world.queued(5, after(3)),
        world.queued_in(other.id, 5, after(2)),
        world.queued_in(other.id, 0, NOW),
    ];
    store.create_runs(&runs, &audit("run.create")).await.unwrap();
    for (run, place) in runs.iter().zip([4, 2, 1, 3]) {
        let position = store.position_in_queue(run.id).await.unwrap().unwrap();
        assert_eq!((position.position, position.of, position.is_exact), (place, 4, true));
    }
    let stats = &store.queue_stats(None, NOW).await.unwrap()[0];
    assert_eq!((stats.backlog, stats.oldest_queued_at), (4, Some(NOW)));
}

pub(crate) async fn a_run_that_its_agent_cant_do_waits_and_others_go_past_it(store: &Store) {
    let world = World::new(store).await;
    let mut can = crate::world::lease("m1");
    can.features = vec!["process".into(), "init".into(), "of-the-future".into()];
    store.grant_lease(world.agent.id, "r1", &can, NOW).await.unwrap();
    let agent = store.agent_by_id(world.agent.id).await.unwrap();
    assert_eq!(agent.can.names(), ["init"]);
    let mut runs: Vec<_> = (0..3).map(|n| world.queued(0, after(n))).collect();
    runs[0].needs = Features::named(["init", "service"]);
    runs[1].needs = Features::named(["init"]);
    for result in store.create_runs(&runs, &audit("run.create")).await.unwrap() {
        result.unwrap();
    }
    let admit_all = async |at| {
        let choose = |snapshot: &Snapshot| admit(snapshot, 10);
        let options = AdmissionOptions { heads: 1, ..AdmissionOptions::default() };
        match store.with_admission("acme", at, options, choose).await.unwrap() {
            Admitted::Runs(runs) => {
                runs.into_iter().map(|run| (run.id, run.needs.names())).collect::<Vec<_>>()
            }
            other => panic!("nobody else admits here: {other:?}"),
        }
    };
    assert_eq!(admit_all(NOW).await, [(runs[1].id, vec!["init".to_owned()])]);
    assert_eq!(admit_all(NOW).await, [(runs[2].id, Vec::new())]);
    assert_eq!(admit_all(NOW).await, []);
    can.features.push("service".into());
    store.grant_lease(world.agent.id, "r1", &can, NOW).await.unwrap();
    assert_eq!(admit_all(NOW).await[0].0, runs[0].id, "once its agent can");
}

pub(crate) async fn requests_of_all_replicas_that_live_are_added_up(store: &Store) {
    let mut sums = Vec::new();
    for (replica, requests, at) in [("a", 3, 0), ("b", 4, 1), ("a", 1, 2), ("b", 2, 40)] {
        sums.push(store.note_requests(replica, requests, after(at)).await.unwrap());
    }
    assert_eq!(sums, [3, 7, 5, 2]);
}
