//! Properties of choosing over generated worlds, and its order by example.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::feature::Features;
use crate::id::{AgentId, Id};
use crate::quantity::Quantity;
use crate::scheduling::{
    Admissible, AgentView, Asked, Confinement, Demand, Hold, PipelineView, Place, Preemption, ProjectView,
    QueueProtocol, Quota, Rate, Rule, Share, admissible, blocks, explain, holds,
};

fn id<T>(n: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(n))
}

fn agent(n: u128, limit: Option<u32>) -> AgentView {
    AgentView {
        id: id(n),
        name: format!("agent-{n}"),
        limits: Limits::slots(Limit { limit, used: 0 }),
        is_live: true,
        loss: None,
        is_cordoned: false,
        hold: None,
        can: Features::of_bits(-1),
    }
}

fn queue(n: u128, of: AgentId, priority: i32, limit: Option<u32>) -> QueueView {
    QueueView {
        id: id(n),
        name: format!("queue-{n}"),
        agent: of,
        protocol: QueueProtocol::Berth,
        priority,
        limits: Limits::slots(Limit { limit, used: 0 }),
        fairness: Fairness::default(),
        pace: Pace::default(),
        reserve_after: None,
        window: Limit { limit: Some(1_000), used: 0 },
        paused: None,
        preemption: Preemption::Never,
    }
}

fn project(n: u128, limit: Option<u32>) -> ProjectView {
    let limits = Limits::slots(Limit { limit, used: 0 });
    ProjectView { id: id(n), name: format!("project-{n}"), limits, confinement: Confinement::default() }
}

fn confined(agents: &[&str]) -> Confinement {
    let agents = agents.iter().map(|agent| agent.parse().unwrap()).collect();
    Confinement { agents, ..Confinement::default() }
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
    waiting(id(queue), id(project), heads)
}

fn waiting(queue: QueueId, project: ProjectId, heads: Vec<Candidate>) -> Lane {
    Lane {
        queue,
        project,
        pipelines: Vec::new(),
        share: String::new(),
        demand: Demand::default(),
        namespace: None,
        heads,
        has_more: false,
    }
}

fn world(queues: Vec<QueueView>, projects: Vec<ProjectView>, lanes: Vec<Lane>) -> Snapshot {
    Snapshot {
        now: Time::from_micros(0),
        broker_is_up: true,
        organization: Limits::default(),
        pipelines: Vec::new(),
        agents: vec![agent(1, None)],
        queues,
        projects,
        lanes,
        holders: Vec::new(),
    }
}

fn order(snapshot: &Snapshot) -> Vec<u128> {
    admit(snapshot, usize::MAX).starts.into_iter().map(|admission| admission.run.uuid().as_u128()).collect()
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
    let mut without_agent = lost.clone();
    without_agent.queues[0].protocol = QueueProtocol::Celery;
    let mut cordoned = base.clone();
    cordoned.agents[0].is_cordoned = true;
    let mut paused = base.clone();
    let why = crate::scheduling::Paused { reason: "r".into(), by: "b".into(), until: None, drain: false };
    paused.queues[0].paused = Some(why);
    let mut deaf = base.clone();
    deaf.broker_is_up = false;
    assert_eq!(order(&base), [1]);
    assert_eq!(order(&without_agent), [1], "Celery workers need no agent to be there");
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
            Some(crate::scheduling::Paused { reason: "r".into(), by: "b".into(), until, drain: false });
        snapshot
    };
    assert_eq!(order(&paused(6)), [] as [u128; 0]);
    assert_eq!(order(&paused(5)), [1]);
}

#[test]
fn a_small_run_passes_a_large_one_that_waits_for_a_quota_until_that_has_waited_for_long() {
    let mut snapshot = world(
        vec![QueueView { reserve_after: Some(Duration::from_secs(60)), ..queue(1, id(1), 0, None) }],
        vec![project(1, None)],
        vec![asking(lane(1, 1, &[(1, 0)]), "8"), asking(lane(1, 1, &[(2, 0), (3, 0)]), "1")],
    );
    snapshot.queues[0].limits.quotas = vec![gpus("8", "1")];
    assert_eq!(order(&snapshot), [2, 3]);
    snapshot.now = Time::from_micros(1).plus(Duration::from_secs(60));
    assert_eq!(order(&snapshot), [] as [u128; 0]);
    let said = blocks(&snapshot, &snapshot.lanes[1]);
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].rule, said[0].holders.clone()), (Rule::Reserved, vec![id::<()>(1).to_string()]));
    snapshot.queues[0].limits.quotas = vec![gpus("8", "0")];
    assert_eq!(order(&snapshot), [1]);
}

#[test]
fn nothing_is_kept_for_what_a_quota_can_never_hold() {
    let mut snapshot = world(
        vec![QueueView { reserve_after: Some(Duration::ZERO), ..queue(1, id(1), 0, None) }],
        vec![project(1, None)],
        vec![asking(lane(1, 1, &[(1, 0)]), "9"), asking(lane(1, 1, &[(2, 0)]), "1")],
    );
    snapshot.queues[0].limits.quotas = vec![gpus("8", "0")];
    assert_eq!(order(&snapshot), [2]);
    let said = blocks(&snapshot, &snapshot.lanes[0]);
    assert_eq!(said[0].message, "it asks for 9 of gpu, and queue queue-1 may never use more than 8");
}

#[test]
fn of_two_projects_the_later_one_starts_within_two_slots() {
    let thousand: Vec<(u128, u8)> = (0..1_000).map(|n| (n, 0)).collect();
    let mut first = lane(1, 1, &thousand);
    first.share = "first".into();
    let mut snapshot =
        world(vec![queue(1, id(1), 0, Some(10))], vec![project(1, None), project(2, None)], vec![first]);
    let choice = admit(&snapshot, 500);
    snapshot.queues[0].fairness = choice.fairness[&id(1)].clone();
    let mut second = lane(1, 2, &[(5_000, 0), (5_001, 0)]);
    second.share = "second".into();
    snapshot.lanes[0].heads.drain(..10);
    snapshot.lanes.push(second);
    assert!(order(&snapshot)[..2].contains(&5_000));
}

#[test]
fn weights_of_three_to_one_start_three_to_one_over_any_window() {
    let runs = |from: u128| -> Vec<(u128, u8)> { (from..from + 4_000).map(|n| (n, 0)).collect() };
    let (mut heavy, mut light) = (lane(1, 1, &runs(0)), lane(1, 2, &runs(10_000)));
    (heavy.share, light.share) = ("heavy".into(), "light".into());
    let mut snapshot = world(
        vec![QueueView { window: Limit::default(), ..queue(1, id(1), 0, None) }],
        vec![project(1, None), project(2, None)],
        vec![heavy, light],
    );
    snapshot.queues[0].fairness.shares.insert("heavy".into(), Share { weight: 3, due: 0 });
    let mut started = Vec::new();
    while started.len() < 4_000 {
        let choice = admit(&snapshot, 37);
        started.extend(choice.starts.iter().map(|start| start.run.uuid().as_u128() < 10_000));
        snapshot = after(&snapshot, &choice);
    }
    for window in started.windows(200) {
        let heavy = window.iter().filter(|is_heavy| **is_heavy).count();
        assert!((143..=157).contains(&heavy), "{heavy} of 200");
    }
}

#[test]
fn a_round_stops_where_the_next_run_of_a_lane_is_not_known() {
    let mut first = lane(1, 1, &[(1, 9), (2, 9)]);
    first.has_more = true;
    let snapshot = world(
        vec![queue(1, id(1), 0, None)],
        vec![project(1, None), project(2, None)],
        vec![first, lane(1, 2, &[(3, 0)])],
    );
    assert_eq!(order(&snapshot), [1, 2]);
}

#[test]
fn a_rate_lets_so_many_start_and_says_when_the_next_may() {
    let mut snapshot = world(
        vec![queue(1, id(1), 0, None)],
        vec![project(1, None)],
        vec![lane(1, 1, &[(1, 0), (2, 0), (3, 0)])],
    );
    let frees_at = Some(Time::from_micros(30_000_000));
    snapshot.queues[0].limits.rate =
        Some(Rate { starts: 30, period: Duration::from_secs(60), used: 28, frees_at });
    assert_eq!(order(&snapshot), [1, 2]);
    snapshot.queues[0].limits.rate =
        Some(Rate { starts: 30, period: Duration::from_secs(60), used: 30, frees_at });
    assert_eq!(
        blocks(&snapshot, &snapshot.lanes[0])[0].message,
        "queue queue-1 started 30 in the last 60 s, of the 30 that it may; the next may start at \
         1970-01-01T00:00:30.000000Z"
    );
}

#[test]
fn what_a_project_may_not_use_any_more_waits_and_says_so() {
    let mut snapshot =
        world(vec![queue(1, id(1), 0, None)], vec![project(1, None)], vec![lane(1, 1, &[(1, 0)])]);
    let told = |snapshot: &Snapshot| {
        let found = blocks(snapshot, &snapshot.lanes[0]);
        (order(snapshot).len(), found.first().map(|block| (block.rule, block.message.clone())))
    };
    snapshot.projects[0].confinement = confined(&["agent-2"]);
    let said = "project project-1 may not use agent-1/queue-1: it is confined to the agents agent-2";
    assert_eq!(told(&snapshot), (0, Some((Rule::Confined, said.to_owned()))));
    snapshot.projects[0].confinement.agents.clear();
    snapshot.projects[0].confinement.namespaces = vec!["team".parse().unwrap()];
    let said = "project project-1 may not use a namespace of the agent's choice: it is confined to the namespaces team";
    assert_eq!(told(&snapshot), (0, Some((Rule::Confined, said.to_owned()))));
    snapshot.lanes[0].namespace = Some("team".into());
    assert_eq!(told(&snapshot), (1, None));
}

/// What of the queue 1 waits for nothing but its agent's hand-over.
fn of_queue_one(snapshot: &Snapshot, waiting: &[u64]) -> Admissible {
    admissible(snapshot, waiting).remove(&id(1)).unwrap_or_default()
}

#[test]
fn work_that_any_limit_holds_back_is_not_admissible_and_what_the_agent_keeps_waiting_is() {
    let mut snapshot =
        world(vec![queue(1, id(1), 0, None)], vec![project(1, None)], vec![lane(1, 1, &[(1, 0)])]);
    snapshot.queues[0].window = Limit { limit: Some(32), used: 32 };
    let all = Admissible { waiting: 900, oldest: Some(Time::from_micros(1)), offered: 32 };
    assert_eq!(of_queue_one(&snapshot, &[900]), all, "the window is what the agent takes");
    snapshot.agents[0].is_live = false;
    snapshot.broker_is_up = false;
    assert_eq!(of_queue_one(&snapshot, &[900]), all, "a replica could help");
    let waiting = |snapshot: &Snapshot| of_queue_one(snapshot, &[900]).waiting;
    for limited in [
        |snapshot: &mut Snapshot| snapshot.organization.slots = Limit { limit: Some(40), used: 35 },
        |snapshot: &mut Snapshot| snapshot.agents[0].limits.slots = Limit { limit: Some(40), used: 35 },
        |snapshot: &mut Snapshot| snapshot.projects[0].limits.slots = Limit { limit: Some(5), used: 0 },
        |snapshot: &mut Snapshot| {
            snapshot.lanes[0] = asking(snapshot.lanes[0].clone(), "2");
            snapshot.queues[0].limits.quotas = vec![gpus("80", "69")];
        },
        |snapshot: &mut Snapshot| {
            let period = Duration::from_secs(60);
            snapshot.queues[0].limits.rate = Some(Rate { starts: 30, period, used: 25, frees_at: None });
        },
    ] {
        let mut held = snapshot.clone();
        limited(&mut held);
        assert_eq!(waiting(&held), 5);
    }
}

#[test]
fn nothing_of_a_queue_that_is_paused_or_of_an_agent_that_is_cordoned_is_admissible() {
    let mut paused =
        world(vec![queue(1, id(1), 0, None)], vec![project(1, None)], vec![lane(1, 1, &[(1, 0)])]);
    paused.queues[0].window.used = 7;
    let mut cordoned = paused.clone();
    cordoned.agents[0].is_cordoned = true;
    paused.queues[0].paused =
        Some(crate::scheduling::Paused { reason: "r".into(), by: "b".into(), until: None, drain: false });
    for snapshot in [paused, cordoned] {
        assert_eq!(of_queue_one(&snapshot, &[900]), Admissible::default());
    }
}

#[test]
fn queues_that_share_a_limit_are_not_admissible_beyond_it_together() {
    let snapshot = world(
        vec![queue(1, id(1), 0, None), queue(2, id(1), 5, None)],
        vec![project(1, Some(10))],
        vec![lane(1, 1, &[(1, 0)]), lane(2, 1, &[(2, 0)])],
    );
    let found = admissible(&snapshot, &[100, 8]);
    assert_eq!((found[&id(2)].waiting, found[&id(1)].waiting), (8, 2));
}

#[test]
fn what_is_kept_for_a_run_that_has_waited_for_long_is_not_admissible_for_others() {
    let mut snapshot = world(
        vec![QueueView { reserve_after: Some(Duration::from_secs(60)), ..queue(1, id(1), 0, None) }],
        vec![project(1, None)],
        vec![asking(lane(1, 1, &[(1, 0)]), "8"), asking(lane(1, 1, &[(2, 0)]), "1")],
    );
    snapshot.queues[0].limits.quotas = vec![gpus("8", "1")];
    assert_eq!(of_queue_one(&snapshot, &[1, 100]).waiting, 7);
    snapshot.now = Time::from_micros(1).plus(Duration::from_secs(60));
    assert_eq!(of_queue_one(&snapshot, &[1, 100]).waiting, 0);
}

fn gpus(limit: &str, used: &str) -> Quota {
    Quota { resource: "gpu".into(), limit: limit.parse().unwrap(), used: used.parse().unwrap() }
}

fn asking(mut lane: Lane, gpus: &str) -> Lane {
    lane.demand = [("gpu".to_owned(), gpus.parse().unwrap())].into_iter().collect();
    lane
}

fn limit() -> impl Strategy<Value = Limit> {
    (prop::option::of(0_u32..6), 0_u32..4).prop_map(|(limit, used)| Limit { limit, used })
}

fn limits() -> impl Strategy<Value = Limits> {
    let quota = (0_i64..9, 0_i64..6).prop_map(|(limit, used)| Quota {
        resource: "gpu".into(),
        limit: Quantity::from_units(limit),
        used: Quantity::from_units(used),
    });
    let rate = (0_u32..6, 0_u32..4).prop_map(|(starts, used)| Rate {
        starts,
        period: Duration::from_secs(60),
        used,
        frees_at: None,
    });
    let quotas = prop::option::weighted(0.3, quota).prop_map(Vec::from_iter);
    (limit(), quotas, prop::option::weighted(0.2, rate)).prop_map(|(slots, quotas, rate)| Limits {
        slots,
        quotas,
        rate,
    })
}

fn any_world() -> impl Strategy<Value = Snapshot> {
    any_world_of(2, 4)
}

prop_compose! {
    fn any_world_of(most_agents: usize, most_queues: usize)(
        organization in limits(),
        agents in prop::collection::vec((limits(), prop::bool::weighted(0.9), prop::bool::weighted(0.1)), 1..=most_agents),
        queues in prop::collection::vec(
            (0_usize..3, -1_i32..3, limits(), 0_u32..6, prop::option::of(0_u64..60)), 1..=most_queues),
        projects in prop::collection::vec((limits(), prop::bool::weighted(0.1)), 1..4),
        pipelines in prop::collection::vec(limit(), 1..3),
        weights in prop::collection::vec(1_u32..4, 3),
        runs in prop::collection::vec(
            (0_usize..5, 0_usize..4, 0_u8..10, 0_i64..50, prop::option::of(0_usize..2), 0_usize..3, 0_i64..5), 0..40),
    ) -> Snapshot {
        let agents: Vec<AgentView> = agents.into_iter().enumerate().map(|(n, (limits, is_live, is_cordoned))|
            AgentView { limits, is_live, is_cordoned, ..agent(n as u128 + 1, None) }).collect();
        let shares = || weights.iter().enumerate().map(|(n, weight)|
            (n.to_string(), Share { weight: *weight, due: 0 })).collect();
        let queues: Vec<QueueView> = queues.into_iter().enumerate()
            .map(|(n, (of, priority, limits, window, reserve_after))| QueueView {
                limits,
                window: Limit { limit: Some(window), used: 1 },
                fairness: Fairness { virtual_time: 0, shares: shares() },
                reserve_after: reserve_after.map(Duration::from_micros),
                ..queue(n as u128 + 1, agents[of % agents.len()].id, priority, None)
            }).collect();
        let projects: Vec<ProjectView> = projects.into_iter().enumerate().map(|(n, (limits, is_confined))| {
            let confinement = if is_confined { confined(&["agent-1"]) } else { Confinement::default() };
            ProjectView { limits, confinement, ..project(n as u128 + 1, None) }
        }).collect();
        let pipelines: Vec<PipelineView> = pipelines.into_iter().enumerate().map(|(n, slots)|
            PipelineView { id: id(900 + n as u128), name: n.to_string(), limits: Limits::slots(slots) }).collect();
        let mut lanes: Vec<Lane> = Vec::new();
        for (n, (queue, project, priority, at, pipeline, share, gpus)) in runs.into_iter().enumerate() {
            let mut lane = waiting(queues[queue % queues.len()].id, projects[project % projects.len()].id, Vec::new());
            lane.pipelines = pipeline.map(|n| pipelines[n % pipelines.len()].id).into_iter().collect();
            lane.share = share.to_string();
            lane.demand = [("gpu".to_owned(), Quantity::from_units(gpus))].into_iter().collect();
            let at = Candidate { run: id(n as u128), priority, queued_at: Time::from_micros(at) };
            match lanes.iter_mut().find(|other| Lane { heads: Vec::new(), ..(*other).clone() } == lane) {
                Some(lane) => lane.heads.push(at),
                None => lanes.push(Lane { heads: vec![at], ..lane }),
            }
        }
        for lane in &mut lanes {
            lane.heads.sort_by_key(Candidate::order);
        }
        Snapshot {
            now: Time::from_micros(50), broker_is_up: true, organization, agents, queues, projects, pipelines, lanes,
            holders: Vec::new(),
        }
    }
}

/// The world after `choice` was admitted.
fn after(snapshot: &Snapshot, choice: &Choice) -> Snapshot {
    let mut next = snapshot.clone();
    for admission in &choice.starts {
        let demand = next.lanes[admission.lane].demand.clone();
        let levels: Vec<Level> = next.levels(&next.lanes[admission.lane]).collect();
        for level in levels {
            limits_of(&mut next, level).take(&demand);
        }
        let queue = next.queues.iter_mut().find(|queue| queue.id == admission.queue).unwrap();
        queue.window.used += 1;
        next.lanes[admission.lane].heads.retain(|candidate| candidate.run != admission.run);
    }
    for (queue, fairness) in &choice.fairness {
        next.queues.iter_mut().find(|other| other.id == *queue).unwrap().fairness = fairness.clone();
    }
    next
}

fn limits_of(snapshot: &mut Snapshot, level: Level) -> &mut Limits {
    snapshot.limits_mut(level).unwrap()
}

/// Whether something that was used more is now used more than it may be.
fn passes(before: &Limits, now: &Limits) -> bool {
    let slots =
        now.slots.used > before.slots.used && now.slots.limit.is_some_and(|limit| now.slots.used > limit);
    let quota = before
        .quotas
        .iter()
        .zip(&now.quotas)
        .any(|(before, now)| now.used > before.used && now.used > now.limit);
    let rate = before
        .rate
        .zip(now.rate)
        .is_some_and(|(before, now)| now.used > before.used && now.used > now.starts);
    slots || quota || rate
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn something_is_admissible_where_something_would_start_if_it_were_handed_over_at_once(mut snapshot in any_world()) {
        for queue in &mut snapshot.queues {
            queue.window.limit = None;
        }
        let waiting: Vec<u64> = snapshot.lanes.iter().map(|lane| lane.heads.len() as u64).collect();
        for agent in &mut snapshot.agents {
            agent.is_live = true;
        }
        let runs: u64 = admissible(&snapshot, &waiting).values().map(|of| of.waiting).sum();
        let starts = order(&snapshot).len();
        prop_assert_eq!(runs > 0, starts > 0, "{} admissible, {} start", runs, starts);
        prop_assert!(runs <= snapshot.organization.slots.room());
    }

    #[test]
    fn no_limit_is_ever_passed(snapshot in any_world()) {
        let mut next = after(&snapshot, &admit(&snapshot, usize::MAX));
        let levels: BTreeSet<Level> = snapshot.lanes.iter().flat_map(|lane| snapshot.levels(lane)).collect();
        for level in levels {
            let before = snapshot.level(level).unwrap().limits;
            prop_assert!(!passes(before, limits_of(&mut next, level)), "{:?}", level);
        }
        for (before, now) in snapshot.queues.iter().zip(&next.queues) {
            prop_assert!(now.window.used == before.window.used || now.window.used <= now.window.limit.unwrap());
        }
        for (before, now) in snapshot.agents.iter().zip(&next.agents) {
            prop_assert!(before.limits.slots.used == now.limits.slots.used || (before.is_live && !before.is_cordoned));
        }
    }

    #[test]
    fn what_waits_is_blocked_by_a_rule_and_what_starts_was_not(snapshot in any_world()) {
        let choice = admit(&snapshot, usize::MAX);
        for admission in &choice.starts {
            let lane = &snapshot.lanes[admission.lane];
            let head = lane.heads.iter().find(|head| head.run == admission.run).copied();
            let lane = Lane { heads: head.into_iter().collect(), ..lane.clone() };
            prop_assert_eq!(blocks(&snapshot, &lane), vec![]);
        }
        let next = after(&snapshot, &choice);
        let written = holds(&snapshot, &choice);
        for (at, lane) in next.lanes.iter().enumerate().filter(|(_, lane)| !lane.heads.is_empty()) {
            prop_assert!(!blocks(&next, lane).is_empty(), "{:?} waits for nothing", lane);
            let remembered: BTreeSet<Hold> = blocks(&next, lane).into_iter().map(Hold::from).collect();
            prop_assert_eq!(&written[&at], &remembered);
            let mut state = crate::lifecycle::DispatchState::new(Default::default());
            state.status = crate::lifecycle::Status::Queued;
            let said = explain(&next, Asked {
                state: &state,
                lane,
                place: Some(Place { position: 1, of: 1 }),
                pending: None,
                needs: Features::default(),
                ahead: &[],
            });
            prop_assert_eq!(said.blocked_by, blocks(&next, lane));
        }
    }

    #[test]
    fn a_lane_starts_in_its_own_order(snapshot in any_world(), most in 0_usize..20) {
        let chosen = admit(&snapshot, most).starts;
        prop_assert!(chosen.len() <= most);
        for (index, lane) in snapshot.lanes.iter().enumerate() {
            let started: Vec<RunId> =
                chosen.iter().filter(|admission| admission.lane == index).map(|admission| admission.run).collect();
            let heads: Vec<RunId> = lane.heads.iter().map(|candidate| candidate.run).collect();
            prop_assert_eq!(&heads[..started.len()], &started[..]);
        }
    }

    #[test]
    fn what_is_kept_for_a_run_is_there_when_others_end(snapshot in any_world_of(1, 1)) {
        // Whatever runs ends, and nothing new comes: then the first in turn starts, if its limits allow it at all.
        // (More agents, and more queues of equal priority, would take turns of their own.)
        let mut idle = snapshot;
        idle.queues.iter_mut().for_each(|queue| queue.window = Limit::default());
        let levels: BTreeSet<Level> = idle.lanes.iter().flat_map(|lane| idle.levels(lane)).collect();
        for level in levels {
            let limits = limits_of(&mut idle, level);
            limits.slots.used = 0;
            limits.rate = None;
            limits.quotas.iter_mut().for_each(|quota| quota.used = Quantity::ZERO);
        }
        let starts = admit(&idle, usize::MAX).starts;
        for lane in &idle.lanes {
            let fits = idle.levels(lane).all(|level| idle.level(level).unwrap().limits.holds(&lane.demand));
            let agent = idle.agent(idle.queue(lane.queue).unwrap().agent).unwrap();
            let is_first = idle.lanes.iter().all(|other| {
                idle.turn(lane, &lane.heads[0]) <= idle.turn(other, &other.heads[0])
            });
            if fits && is_first && agent.is_live && !agent.is_cordoned {
                prop_assert!(starts.iter().any(|start| start.run == lane.heads[0].run));
            }
        }
    }
}
