//! Where runs may go, and what moves with one that goes elsewhere.

use std::collections::BTreeSet;

use berth_domain::compile::Routing;
use berth_domain::id::QueueId;
use berth_domain::lifecycle::{Event, Step};
use berth_domain::scheduling::routes::parse;
use berth_domain::scheduling::{Confinement, ConfinementPatch, LaneKey, Rule, SharingPatch, blocks};
use berth_store::{
    AdmissionOptions, Agent, AgentPatch, Decision, NewAgent, NewQueue, NewRun, OrganizationPatch,
    OrganizationSettings, ProjectPatch, Queue, QueuePatch, RunHead, Store,
};
use serde_json::json;

use crate::world::{NOW, World, after, audit, go, lease};

/// A queue of the world's agent that is shared by `fairness`.
async fn queue_by(store: &Store, world: &World, name: &str, fairness: &str) -> QueueId {
    let new = NewQueue::named(world.agent.id, name.parse().unwrap());
    let queue = store.create_queue(new, &audit("queue.create")).await.unwrap();
    let sharing = SharingPatch { fairness: Some(fairness.parse().unwrap()), ..SharingPatch::default() };
    let patch = QueuePatch { sharing, ..QueuePatch::default() };
    store.update_queue("acme", "local", name, patch, &audit("queue.update")).await.unwrap();
    queue.id
}

pub(crate) async fn a_moved_run_waits_in_the_lane_that_its_new_queue_has_for_it(store: &Store) {
    let world = World::new(store).await;
    let mut run = world.queued(0, NOW);
    let labels = json!({ "team": "vision", "region": "eu" });
    let operation = json!({ "run": { "kind": "job", "environment": { "labels": labels }, "container": {} } });
    run.content = Some(operation.to_string());
    run.lane = LaneKey { user: "ada".into(), ..LaneKey::default() };
    store.create_run(run.clone(), &audit("run.create")).await.unwrap();
    for (fairness, labels) in [
        ("label:team", json!({ "team": "vision" })),
        ("label:region", json!({ "region": "eu" })),
        ("label:none", json!({})),
        ("user", json!({})),
    ] {
        let name = fairness.replace(':', "-");
        let queue = queue_by(store, &world, &name, fairness).await;
        let moved = store
            .transition(&[run.id], NOW, |head| {
                let stays = Step { state: head.dispatch.clone(), conditions: Vec::new(), dead_letter: None };
                Some(Decision::moving(stays, queue, world.agent.id))
            })
            .await
            .unwrap();
        assert_eq!(moved.len(), 1);
        let moved = store.run_by_id(run.id).await.unwrap();
        assert_eq!(moved.queue_id, Some(queue));
        assert_eq!(json!(moved.lane.labels), labels, "{fairness}");
        assert_eq!(moved.lane.user, "ada");
    }
}

/// Another agent with a live lease, and its queue.
async fn other(store: &Store, name: &str) -> (Agent, Queue) {
    let agent = NewAgent::named("acme", name.parse().unwrap());
    let agent = store.create_agent(agent, &audit("agent.create")).await.unwrap();
    store.grant_lease(agent.id, "r1", &lease(name), NOW).await.unwrap();
    (store.agent("acme", name).await.unwrap(), store.queue("acme", name, "default").await.unwrap())
}

fn choice() -> Option<Routing> {
    let queues = ["local/default", "other/default"].map(|queue| queue.parse().unwrap()).to_vec();
    Some(Routing { queues, ..Routing::default() })
}

pub(crate) async fn a_confinement_is_kept_changed_and_told_to_admission(store: &Store) {
    let world = World::new(store).await;
    world.create(store, 1).await;
    let change = async |patch: ConfinementPatch| {
        let patch = ProjectPatch { confinement: patch, ..ProjectPatch::default() };
        store.update_project("acme", "p", patch, &audit("project.update")).await.unwrap().confinement
    };
    let agents = Some(vec!["other".parse().unwrap()]);
    let set = change(ConfinementPatch { agents, ..ConfinementPatch::default() }).await;
    let namespaces = Some(vec!["team".parse().unwrap()]);
    let set = Confinement { namespaces: namespaces.clone().unwrap(), ..set };
    assert_eq!(change(ConfinementPatch { namespaces, ..ConfinementPatch::default() }).await, set);
    assert_eq!(store.project("acme", "p").await.unwrap().confinement, set);
    assert_eq!(store.confinements("acme").await.unwrap(), [(world.project.id, set.clone())].into());
    let snapshot = store.snapshot("acme", NOW, AdmissionOptions::default()).await.unwrap();
    assert_eq!(snapshot.projects[0].confinement, set);
    assert_eq!(blocks(&snapshot, &snapshot.lanes[0])[0].rule, Rule::Confined);
    let none =
        ConfinementPatch { agents: Some(vec![]), namespaces: Some(vec![]), ..ConfinementPatch::default() };
    assert!(change(none).await.is_empty());
    assert!(store.confinements("acme").await.unwrap().is_empty());
}

pub(crate) async fn an_organizations_rules_are_kept_and_changed_one_by_one(store: &Store) {
    assert_eq!(store.organization_settings("acme").await.unwrap(), OrganizationSettings::default());
    let rules = parse("- match: {kind: job, resources: {gpu: 500m}}\n  queues: [eu/gpu, us/gpu]\n").unwrap();
    let patch = OrganizationPatch { rules: Some(rules.clone()), ..OrganizationPatch::default() };
    store.update_organization("acme", patch, &audit("organization.update")).await.unwrap();
    let patch =
        OrganizationPatch { default_queue: Some(Some("eu/cpu".into())), ..OrganizationPatch::default() };
    let set = store.update_organization("acme", patch, &audit("organization.update")).await.unwrap();
    let expected = OrganizationSettings {
        default_queue: Some("eu/cpu".into()),
        rules,
        ..OrganizationSettings::default()
    };
    assert_eq!(set, expected);
    assert_eq!(store.organization_settings("acme").await.unwrap(), set);
    assert_eq!(store.organization_settings("other").await.unwrap(), OrganizationSettings::default());
    let patch = OrganizationPatch {
        default_queue: Some(None),
        rules: Some(Vec::new()),
        ..OrganizationPatch::default()
    };
    assert_eq!(
        store.update_organization("acme", patch, &audit("organization.update")).await.unwrap(),
        OrganizationSettings::default()
    );
}

pub(crate) async fn a_queue_has_room_for_what_its_limits_leave_as_long_as_nothing_waits_there_for_long(
    store: &Store,
) {
    let world = World::new(store).await;
    let (_, there) = other(store, "other").await;
    let ids = [world.queue.id, there.id];
    let rooms_at = async |at| {
        let rooms = store.rooms(&ids, at).await.unwrap();
        ids.map(|id| rooms[&id])
    };
    let rooms = async || rooms_at(NOW).await;
    assert_eq!(rooms().await, [u32::MAX, u32::MAX]);
    let limit = QueuePatch { concurrency: Some(Some(3)), ..QueuePatch::default() };
    store.update_queue("acme", "local", "default", limit, &audit("queue.update")).await.unwrap();
    assert_eq!(rooms().await, [3, u32::MAX]);
    let runs = world.create(store, 2).await;
    assert_eq!(rooms().await, [1, u32::MAX], "two are about to start");
    assert_eq!(rooms_at(after(10)).await, [0, u32::MAX], "two have waited for some time");
    store.transition(&runs, NOW, |head| Some(go(&head.dispatch, &Event::Admit, NOW))).await.unwrap();
    assert_eq!(rooms().await, [1, u32::MAX]);
    let limit = AgentPatch { concurrency: Some(Some(2)), ..AgentPatch::default() };
    store.update_agent("acme", "local", limit, &audit("agent.update")).await.unwrap();
    assert_eq!(rooms().await, [0, u32::MAX], "its agent is full");
}

pub(crate) async fn runs_that_have_a_choice_are_found_by_how_long_they_wait_where_they_are(store: &Store) {
    let world = World::new(store).await;
    let (agent, there) = other(store, "other").await;
    let mut runs: Vec<NewRun> = (0..3).map(|n| world.queued(0, after(n))).collect();
    for run in &mut runs[..2] {
        run.routing = choice();
    }
    for created in store.create_runs(&runs, &audit("run.create")).await.unwrap() {
        created.unwrap();
    }
    let here = world.queue.id;
    let queues = async || {
        let queues = store.choosing_queues().await.unwrap();
        queues.into_iter().map(|choosing| choosing.queue).collect::<BTreeSet<_>>()
    };
    let found = async |queue, since, start| {
        let found = store.choosing_runs(queue, since, start, 1).await.unwrap();
        found.first().copied()
    };
    assert_eq!(queues().await, [here].into());
    let first = found(here, after(9), None).await;
    assert_eq!(first, Some((NOW, runs[0].id)));
    assert_eq!(found(here, after(9), first).await, Some((after(1), runs[1].id)));
    assert_eq!(found(here, after(9), Some((after(1), runs[1].id))).await, None, "the third has no choice");
    assert_eq!(found(here, after(0), first).await, None, "not for that long");

    // Where it is counts from its coming there.
    let decide = |head: &RunHead| {
        assert_eq!(head.stay().unwrap().since, NOW);
        let stays = Step { state: head.dispatch.clone(), conditions: Vec::new(), dead_letter: None };
        Some(Decision::moving(stays, there.id, agent.id))
    };
    store.transition(&[runs[0].id], after(60), decide).await.unwrap();
    let head = store.run_head(runs[0].id).await.unwrap();
    let stay = head.stay().unwrap();
    assert_eq!((stay.queue, stay.since, stay.left), (there.id, after(60), [(here, after(60))].into()));
    assert_eq!(head.dispatch.queued_at, Some(NOW), "it keeps its age");
    assert_eq!(found(there.id, after(59), None).await, None);
    assert_eq!(found(there.id, after(60), None).await, Some((after(60), runs[0].id)));
    assert_eq!(queues().await, [here, there.id].into());

    // What is offered to an agent that is lost is found by that.
    let ids = [runs[0].id, runs[1].id];
    store
        .transition(&ids, after(61), |head| Some(go(&head.dispatch, &Event::Admit, after(61))))
        .await
        .unwrap();
    assert_eq!(queues().await, BTreeSet::new());
    store.note_loss(agent.id, NOW, "it waits", after(80)).await.unwrap();
    assert_eq!(queues().await, [there.id].into());
    assert_eq!(store.offered_with_choice(agent.id, there.id, 9).await.unwrap(), [runs[0].id]);
    let places = store.destinations("acme").await.unwrap();
    let away: Vec<_> = places.iter().filter(|place| place.host.is_away).map(ToString::to_string).collect();
    assert_eq!(away, ["other/default"]);
}
