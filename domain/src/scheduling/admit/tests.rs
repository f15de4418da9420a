//! Properties of choosing over generated worlds, and its order by example.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::feature::Features;
use crate::id::{AgentId, Id};
use crate::scheduling::{AgentView, Asked, Lane, Place, ProjectView, explain};
use crate::time::Time;

fn id<T>(n: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(n))
}

fn agent(n: u128, limit: Option<u32>) -> AgentView {
    AgentView {
        id: id(n),
        name: format!("agent-{n}"),
        slots: Limit { limit, used: 0 },
        is_live: true,
        loss: None,
        is_cordoned: false,
        can: Features::of_bits(-1),
    }
}

fn queue(n: u128, of: AgentId, priority: i32, limit: Option<u32>) -> QueueView {
    QueueView {
        id: id(n),
        name: format!("queue-{n}"),
        agent: of,
        priority,
        slots: Limit { limit, used: 0 },
        window: Limit { limit: Some(1_000), used: 0 },
        paused: None,
    }
}

fn project(n: u128, limit: Option<u32>) -> ProjectView {
    ProjectView { id: id(n), name: format!("project-{n}"), slots: Limit { limit, used: 0 } }
}

fn lane(queue: u128, project: u128, runs: &[(u128, u8)]) -> Lane {
    let mut heads: Vec<Candidate> = runs
        .iter()
        .map(|(n, priority)| Candidate {
            run: id(*n),
            priority: *priority,
            queued_at: Time::from_micros(i64::try_from(*n).unwrap()),
        })
        .collect();
    heads.sort_by_key(Candidate::order);
    Lane { queue: id(queue), project: id(project), heads }
}

fn world(queues: Vec<QueueView>, projects: Vec<ProjectView>, lanes: Vec<Lane>) -> Snapshot {
    Snapshot {
        now: Time::from_micros(0),
        broker_is_up: true,
        organization: Limit::default(),
        agents: vec![agent(1, None)],
        queues,
        projects,
        lanes,
    }
}

fn order(snapshot: &Snapshot) -> Vec<u128> {
    admit(snapshot, usize::MAX).into_iter().map(|admission| admission.run.uuid().as_u128()).collect()
}

#[test]
fn within_a_queue_priority_goes_before_age() {
    let snapshot = world(
        vec![queue(1, id(1), 0, None)],
        vec![project(1, None), project(2, None)],
        vec![lane(1, 1, &[(1, 0), (3, 9), (5, 0)]), lane(1, 2, &[(2, 0), (4, 9)])],
    );
    assert_eq!(order(&snapshot), [3, 4, 1, 2, 5]);
}

#[test]
fn queues_go_by_priority_with_minus_one_above_all_and_equal_ones_in_turn() {
    let snapshot = world(
        vec![queue(1, id(1), 0, None), queue(2, id(1), 5, None), queue(3, id(1), 5, None), {
            queue(4, id(1), -1, None)
        }],
        vec![project(1, None)],
        vec![
            lane(1, 1, &[(10, 9)]),
            lane(2, 1, &[(20, 0), (21, 0)]),
            lane(3, 1, &[(30, 0), (31, 0)]),
            lane(4, 1, &[(40, 0)]),
        ],
    );
    assert_eq!(order(&snapshot), [40, 20, 30, 21, 31, 10]);
}

#[test]
fn a_run_that_nothing_blocks_is_not_held_up_by_one_that_its_own_limit_blocks() {
    let snapshot = world(
        vec![queue(1, id(1), 0, None)],
        vec![project(1, Some(1)), project(2, None)],
        vec![lane(1, 1, &[(1, 9), (2, 9)]), lane(1, 2, &[(3, 0)])],
    );
    assert_eq!(order(&snapshot), [1, 3]);
}

#[test]
fn two_queues_of_one_project_share_its_limit() {
    let snapshot = world(
        vec![queue(1, id(1), 0, None), queue(2, id(1), 0, None)],
        vec![project(1, Some(1))],
        vec![lane(1, 1, &[(1, 0)]), lane(2, 1, &[(2, 0)])],
    );
    assert_eq!(order(&snapshot).len(), 1);
}

#[test]
fn nothing_starts_at_an_agent_that_is_lost_or_cordoned_or_in_a_queue_that_is_paused() {
    let base = world(vec![queue(1, id(1), 0, None)], vec![project(1, None)], vec![lane(1, 1, &[(1, 0)])]);
    let mut lost = base.clone();
    lost.agents[0].is_live = false;
    let mut cordoned = base.clone();
    cordoned.agents[0].is_cordoned = true;
    let mut paused = base.clone();
    let why = crate::scheduling::Paused { reason: "r".into(), by: "b".into(), until: None };
    paused.queues[0].paused = Some(why);
    let mut deaf = base.clone();
    deaf.broker_is_up = false;
    assert_eq!(order(&base), [1]);
    for snapshot in [lost, cordoned, paused, deaf] {
        assert_eq!(order(&snapshot), [] as [u128; 0]);
    }
}

#[test]
fn a_pause_that_has_ended_by_itself_holds_nothing_back() {
    let base = world(vec![queue(1, id(1), 0, None)], vec![project(1, None)], vec![lane(1, 1, &[(1, 0)])]);
    let paused = |until: i64| {
        let until = Some(Time::from_micros(until));
        let mut snapshot = Snapshot { now: Time::from_micros(5), ..base.clone() };
        snapshot.queues[0].paused =
            Some(crate::scheduling::Paused { reason: "r".into(), by: "b".into(), until });
        snapshot
    };
    assert_eq!(order(&paused(6)), [] as [u128; 0]);
    assert_eq!(order(&paused(5)), [1]);
}

fn limit() -> impl Strategy<Value = Limit> {
    (prop::option::of(0_u32..6), 0_u32..4).prop_map(|(limit, used)| Limit { limit, used })
}

prop_compose! {
    fn any_world()(
        organization in limit(),
        agents in prop::collection::vec((limit(), prop::bool::weighted(0.9), prop::bool::weighted(0.1)), 1..3),
        queues in prop::collection::vec((0_usize..3, -1_i32..3, limit(), 0_u32..6), 1..5),
        projects in prop::collection::vec(limit(), 1..4),
        runs in prop::collection::vec((0_usize..5, 0_usize..4, 0_u8..10, 0_i64..50), 0..40),
    ) -> Snapshot {
        let agents: Vec<AgentView> = agents.into_iter().enumerate().map(|(n, (slots, is_live, is_cordoned))|
            AgentView { slots, is_live, is_cordoned, ..agent(n as u128 + 1, None) }).collect();
        let queues: Vec<QueueView> = queues.into_iter().enumerate().map(|(n, (of, priority, slots, window))|
            QueueView { slots, window: Limit { limit: Some(window), used: 1 },
                ..queue(n as u128 + 1, agents[of % agents.len()].id, priority, None) }).collect();
        let projects: Vec<ProjectView> = projects.into_iter().enumerate().map(|(n, slots)|
            ProjectView { slots, ..project(n as u128 + 1, None) }).collect();
        let mut lanes: BTreeMap<(QueueId, ProjectId), Vec<Candidate>> = BTreeMap::new();
        for (n, (queue, project, priority, at)) in runs.into_iter().enumerate() {
            lanes.entry((queues[queue % queues.len()].id, projects[project % projects.len()].id))
                .or_default()
                .push(Candidate { run: id(n as u128), priority, queued_at: Time::from_micros(at) });
        }
        let lanes = lanes.into_iter().map(|((queue, project), mut heads)| {
            heads.sort_by_key(Candidate::order);
            Lane { queue, project, heads }
        }).collect();
        Snapshot { now: Time::from_micros(0), broker_is_up: true, organization, agents, queues, projects, lanes }
    }
}

/// The world after `chosen` were admitted.
fn after(snapshot: &Snapshot, chosen: &[Admission]) -> Snapshot {
    let mut next = snapshot.clone();
    for admission in chosen {
        next.organization.used += 1;
        let queue = next.queues.iter_mut().find(|queue| queue.id == admission.queue).unwrap();
        queue.slots.used += 1;
        queue.window.used += 1;
        let of = queue.agent;
        next.agents.iter_mut().find(|agent| agent.id == of).unwrap().slots.used += 1;
        next.projects.iter_mut().find(|project| project.id == admission.project).unwrap().slots.used += 1;
        for lane in &mut next.lanes {
            lane.heads.retain(|candidate| candidate.run != admission.run);
        }
    }
    next
}

fn passes(before: Limit, now: Limit) -> bool {
    now.used > before.used && now.limit.is_some_and(|limit| now.used > limit)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_limit_is_ever_passed(snapshot in any_world()) {
        let chosen = admit(&snapshot, usize::MAX);
        let next = after(&snapshot, &chosen);
        prop_assert!(!passes(snapshot.organization, next.organization));
        for (before, now) in snapshot.agents.iter().zip(&next.agents) {
            prop_assert!(!passes(before.slots, now.slots));
            prop_assert!(now.slots.used == before.slots.used || (before.is_live && !before.is_cordoned));
        }
        for (before, now) in snapshot.queues.iter().zip(&next.queues) {
            prop_assert!(!passes(before.slots, now.slots));
            prop_assert!(!passes(before.window, now.window));
        }
        for (before, now) in snapshot.projects.iter().zip(&next.projects) {
            prop_assert!(!passes(before.slots, now.slots));
        }
    }

    #[test]
    fn what_waits_is_blocked_by_a_rule_and_what_starts_was_not(snapshot in any_world()) {
        let chosen = admit(&snapshot, usize::MAX);
        for admission in &chosen {
            let lane = Lane { queue: admission.queue, project: admission.project, heads: Vec::new() };
            prop_assert_eq!(blocks(&snapshot, &lane), vec![]);
        }
        let next = after(&snapshot, &chosen);
        for lane in next.lanes.iter().filter(|lane| !lane.heads.is_empty()) {
            prop_assert!(!blocks(&next, lane).is_empty(), "{:?} waits for nothing", lane);
            let mut state = crate::lifecycle::DispatchState::new(Default::default());
            state.status = crate::lifecycle::Status::Queued;
            let said = explain(&next, Asked {
                state: &state,
                queue: lane.queue,
                project: lane.project,
                place: Some(Place { position: 1, of: 1 }),
                pending: None,
                needs: Features::default(),
                starts_per_second: None,
            });
            prop_assert_eq!(said.blocked_by, blocks(&next, lane));
        }
    }

    #[test]
    fn a_lane_starts_in_its_own_order(snapshot in any_world(), most in 0_usize..20) {
        let chosen = admit(&snapshot, most);
        prop_assert!(chosen.len() <= most);
        for lane in &snapshot.lanes {
            let started: Vec<RunId> = chosen
                .iter()
                .filter(|admission| (admission.queue, admission.project) == (lane.queue, lane.project))
                .map(|admission| admission.run)
                .collect();
            let heads: Vec<RunId> = lane.heads.iter().map(|candidate| candidate.run).collect();
            prop_assert_eq!(&heads[..started.len()], &started[..]);
        }
    }
}
