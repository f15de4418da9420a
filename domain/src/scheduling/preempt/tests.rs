//! Who makes room, by example; and over generated worlds, that it is never in vain and comes to an end.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::feature::Features;
use crate::id::Id;
use crate::scheduling::{
    AgentView, Confinement, Demand, Fairness, Limit, Limits, Pace, Paused, ProjectView, QueueProtocol,
    QueueView, Quota, choose,
};
use crate::time::Time;

fn id<T>(n: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(n))
}

fn slots(limit: Option<u32>, used: u32) -> Limits {
    Limits::slots(Limit { limit, used })
}

/// A queue of agent 1 that lets its runs end others, with so many slots.
fn queue(n: u128, priority: i32, limit: Option<u32>) -> QueueView {
    QueueView {
        id: id(n),
        name: format!("queue-{n}"),
        agent: id(1),
        protocol: QueueProtocol::Berth,
        priority,
        limits: slots(limit, 0),
        fairness: Fairness::default(),
        pace: Pace::default(),
        reserve_after: None,
        window: Limit { limit: Some(1_000), used: 0 },
        paused: None,
        preemption: Preemption::LowerPriority,
    }
}

fn gpus(gpus: i64) -> Demand {
    [("gpu".to_owned(), Quantity::from_units(gpus))].into_iter().collect()
}

/// A run that has been at the agent since so many seconds.
fn holder(n: u128, queue: u128, priority: u8, seconds: u64, demand: Demand) -> Holder {
    Holder {
        run: id(n),
        lane: lane(queue, &[], demand),
        priority,
        stands: Stands::Live { since: Time::from_micros(NOW - 1_000_000 * i64::try_from(seconds).unwrap()) },
    }
}

const NOW: i64 = 1_000_000_000_000;

/// Waiting runs, each with its priority; the smaller number is the older one.
fn lane(queue: u128, runs: &[(u128, u8)], demand: Demand) -> Lane {
    let mut heads: Vec<Candidate> = runs
        .iter()
        .map(|(n, priority)| Candidate {
            run: id(*n),
            priority: *priority,
            queued_at: Time::from_micros(i64::try_from(*n).unwrap()),
        })
        .collect();
    heads.sort_by_key(Candidate::order);
    Lane {
        queue: id(queue),
        project: id(1),
        pipelines: Vec::new(),
        share: String::new(),
        demand,
        namespace: None,
        heads,
        has_more: false,
    }
}

/// A world in which the holders count towards every limit.
fn world(queues: Vec<QueueView>, holders: Vec<Holder>, lanes: Vec<Lane>) -> Snapshot {
    let mut world = Snapshot {
        now: Time::from_micros(NOW),
        broker_is_up: true,
        organization: Limits::default(),
        agents: vec![AgentView {
            id: id(1),
            name: "agent-1".into(),
            limits: Limits::default(),
            is_live: true,
            loss: None,
            is_cordoned: false,
            hold: None,
            can: Features::of_bits(-1),
        }],
        queues,
        projects: vec![ProjectView {
            id: id(1),
            name: "p".into(),
            limits: Limits::default(),
            confinement: Confinement::default(),
        }],
        pipelines: Vec::new(),
        lanes,
        holders: Vec::new(),
    };
    for holder in &holders {
        let of: Vec<Level> = world.levels(&holder.lane).collect();
        for level in of {
            world.limits_mut(level).unwrap().take(&holder.lane.demand);
        }
    }
    Snapshot { holders, ..world }
}

fn asked(snapshot: &Snapshot) -> Vec<(u128, u128)> {
    preempt(snapshot).iter().map(|victim| (victim.run.uuid().as_u128(), victim.by.uuid().as_u128())).collect()
}

fn none() -> Demand {
    Demand::default()
}

#[test]
fn the_run_that_loses_the_least_work_makes_room_for_one_that_goes_before_it() {
    let holders =
        vec![holder(10, 1, 0, 500, none()), holder(11, 1, 5, 20, none()), holder(12, 1, 9, 1, none())];
    let snapshot = world(vec![queue(1, 0, Some(3))], holders, vec![lane(1, &[(1, 9), (2, 5)], none())]);
    assert_eq!(asked(&snapshot), [(11, 1), (10, 2)], "and each run has one of its own");
    let reason = &preempt(&snapshot)[0].reason;
    let expected = "goes before it and needs its place: queue queue-1 runs 3 of the 3 that it may";
    assert!(reason.ends_with(expected), "{reason}");
}

#[test]
fn nobody_makes_room_for_its_equal_or_where_nobody_asked_for_it() {
    let holders = vec![holder(10, 1, 5, 1, none())];
    let lanes = vec![lane(1, &[(1, 5)], none())];
    let mut snapshot = world(vec![queue(1, 0, Some(1))], holders, lanes);
    assert_eq!(asked(&snapshot), []);
    snapshot.lanes[0].heads[0].priority = 6;
    assert_eq!(asked(&snapshot), [(10, 1)]);
    snapshot.queues[0].preemption = Preemption::Never;
    assert_eq!(asked(&snapshot), []);
}

#[test]
fn a_queue_of_higher_priority_takes_the_places_of_others_of_its_agent() {
    let holders = vec![holder(10, 2, 9, 1, none())];
    let mut snapshot =
        world(vec![queue(1, 5, None), queue(2, 1, None)], holders, vec![lane(1, &[(1, 0)], none())]);
    snapshot.agents[0].limits.slots.limit = Some(1);
    assert_eq!(asked(&snapshot), [(10, 1)]);
    snapshot.queues[1].priority = -1;
    assert_eq!(asked(&snapshot), [], "-1 is above all");
}

#[test]
fn what_was_asked_before_is_counted_and_nobody_is_asked_twice() {
    let leaves = Holder { stands: Stands::Leaves { by: id(1) }, ..holder(10, 1, 0, 1, none()) };
    let holders = vec![leaves, holder(11, 1, 0, 2, none())];
    let mut snapshot = world(vec![queue(1, 0, Some(2))], holders, vec![lane(1, &[(1, 9)], none())]);
    assert_eq!(asked(&snapshot), []);
    snapshot.lanes[0] = lane(1, &[(1, 9), (2, 9)], none());
    assert_eq!(asked(&snapshot), [(11, 2)]);
    snapshot.holders[1].stands = Stands::Keeps;
    assert_eq!(asked(&snapshot), []);
}

#[test]
fn nobody_is_asked_by_what_was_read_at_different_moments() {
    let holders = vec![holder(10, 1, 0, 1, none()), holder(11, 1, 0, 2, none())];
    let mut snapshot = world(vec![queue(1, 0, Some(2))], holders, vec![lane(1, &[(1, 9)], none())]);
    assert_eq!(asked(&snapshot), [(10, 1)]);
    // It had made room when the holders were read, and not yet when they were counted.
    snapshot.holders.remove(0);
    assert_eq!(asked(&snapshot), []);
}

#[test]
fn what_nobody_has_claimed_yet_goes_first() {
    let offered = Holder { stands: Stands::Offered, ..holder(10, 1, 3, 0, none()) };
    let holders = vec![holder(11, 1, 0, 1, none()), offered];
    let snapshot = world(vec![queue(1, 0, Some(2))], holders, vec![lane(1, &[(1, 9)], none())]);
    assert_eq!(asked(&snapshot), [(10, 1)]);
}

fn with_quota(limit: i64, holders: Vec<Holder>, lanes: Vec<Lane>) -> Snapshot {
    let mut of = queue(1, 0, None);
    let (limit, used) = (Quantity::from_units(limit), Quantity::ZERO);
    of.limits.quotas = vec![Quota { resource: "gpu".into(), limit, used }];
    world(vec![of], holders, lanes)
}

#[test]
fn no_more_make_room_than_a_quota_needs() {
    let holders = || {
        vec![
            holder(10, 1, 0, 1, gpus(1)),
            holder(11, 1, 0, 2, gpus(1)),
            holder(12, 1, 0, 3, gpus(4)),
            holder(13, 1, 0, 4, none()),
            holder(14, 1, 0, 900, gpus(2)),
        ]
    };
    let asked_for = |amount| asked(&with_quota(8, holders(), vec![lane(1, &[(1, 9)], gpus(amount))]));
    assert_eq!(asked_for(1), [(10, 1)]);
    assert_eq!(asked_for(2), [(10, 1), (11, 1)]);
    assert_eq!(asked_for(4), [(12, 1)], "the small ones would end for nothing");
    assert_eq!(asked_for(8).len(), 4);
    assert_eq!(asked_for(9), [], "it can never start");
}

#[test]
fn nobody_makes_room_where_that_would_not_help() {
    let holders = || vec![holder(10, 1, 0, 1, none())];
    let full = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = world(vec![queue(1, 0, Some(1))], holders(), vec![lane(1, &[(1, 9)], none())]);
        change(&mut snapshot);
        asked(&snapshot)
    };
    assert_eq!(full(&|_| {}), [(10, 1)]);
    let paused = Paused { reason: "r".into(), by: "b".into(), until: None, drain: false };
    assert_eq!(full(&|it| it.queues[0].paused = Some(paused.clone())), []);
    assert_eq!(full(&|it| it.agents[0].is_live = false), []);
    assert_eq!(full(&|it| it.queues[0].window = Limit { limit: Some(1), used: 1 }), []);
    let others = Limit { limit: Some(1), used: 1 };
    assert_eq!(full(&|it| it.organization.slots = others), [(10, 1)], "it counts there, too");
    let more = Limit { limit: Some(1), used: 3 };
    assert_eq!(full(&|it| it.organization.slots = more), [], "others hold that one");
}

#[test]
fn nobody_makes_room_that_it_would_take_back_itself() {
    // Queues of equal priority take turns, and the first is the holder's.
    let holders = vec![holder(10, 1, 0, 1, gpus(3))];
    let lanes = vec![lane(2, &[(1, 9)], gpus(2))];
    let mut snapshot = world(vec![queue(1, 0, None), queue(2, 0, None)], holders, lanes);
    let (limit, used) = (Quantity::from_units(3), Quantity::from_units(3));
    snapshot.agents[0].limits.quotas = vec![Quota { resource: "gpu".into(), limit, used }];
    assert_eq!(asked(&snapshot), []);
    snapshot.queues[1].priority = 1;
    assert_eq!(asked(&snapshot), [(10, 1)]);
}

#[test]
fn nobody_makes_room_that_another_agents_run_would_take() {
    let mut snapshot =
        world(vec![queue(1, 0, None)], vec![holder(10, 1, 0, 1, none())], vec![lane(1, &[(1, 9)], none())]);
    snapshot.organization.slots.limit = Some(1);
    assert_eq!(asked(&snapshot), [(10, 1)]);
    // An agent whose turn is first, with a run that waits for the same slot.
    let other = AgentView { id: id(2), name: "agent-2".into(), ..snapshot.agents[0].clone() };
    snapshot.agents.insert(0, other);
    snapshot.queues.push(QueueView { agent: id(2), preemption: Preemption::Never, ..queue(2, 0, None) });
    snapshot.lanes.push(lane(2, &[(2, 0)], none()));
    assert_eq!(asked(&snapshot), []);
}

prop_compose! {
    fn any_world()(
        priorities in prop::collection::vec((-1_i32..3, prop::option::of(0_u32..4), any::<bool>()), 1..3),
        limits in (prop::option::of(0_u32..6), 0_i64..12),
        holders in prop::collection::vec((0_usize..3, 0_u8..4, 0_u64..100, 0_i64..5, 0_u8..8), 0..10),
        runs in prop::collection::vec((0_usize..3, 0_u8..4, 0_i64..5), 1..10),
    ) -> Snapshot {
        let queues: Vec<QueueView> = priorities.iter().enumerate().map(|(n, (priority, limit, allows))| {
            let preemption = if *allows { Preemption::LowerPriority } else { Preemption::Never };
            QueueView { preemption, ..queue(n as u128 + 1, *priority, *limit) }
        }).collect();
        let of = |n: usize| (n % queues.len()) as u128 + 1;
        let holders = holders.into_iter().enumerate().map(|(n, (queue, priority, seconds, demand, stands))| {
            let holder = holder(100 + n as u128, of(queue), priority, seconds, gpus(demand));
            match stands {
                0 => Holder { stands: Stands::Offered, ..holder },
                1 => Holder { stands: Stands::Keeps, ..holder },
                2 => Holder { stands: Stands::Leaves { by: id(1) }, ..holder },
                _ => holder,
            }
        }).collect();
        let mut lanes: Vec<Lane> = Vec::new();
        for (n, (queue, priority, demand)) in runs.into_iter().enumerate() {
            let one = lane(of(queue), &[(n as u128 + 1, priority)], gpus(demand));
            match lanes.iter_mut().find(|other| (other.queue, &other.demand) == (one.queue, &one.demand)) {
                Some(other) => other.heads.extend(one.heads),
                None => lanes.push(one),
            }
        }
        for lane in &mut lanes {
            lane.heads.sort_by_key(Candidate::order);
        }
        let mut world = world(queues, holders, lanes);
        world.agents[0].limits.slots.limit = limits.0;
        let used = world.holders.iter().map(|holder| holder.lane.demand.of("gpu"));
        let used = used.fold(Quantity::ZERO, Quantity::saturating_add);
        let limit = Quantity::from_units(limits.1);
        world.agents[0].limits.quotas = vec![Quota { resource: "gpu".into(), limit, used }];
        world
    }
}

/// What waits in the world after the runs of `gone` have ended and wait again.
fn requeue(world: &mut Snapshot, gone: &[RunId]) {
    let leaving: Vec<Holder> =
        world.holders.iter().filter(|holder| gone.contains(&holder.run)).cloned().collect();
    world.holders.retain(|holder| !gone.contains(&holder.run));
    for holder in leaving {
        leave(world, &holder);
    }
}

/// Starts what was chosen.
fn start(world: &mut Snapshot, starts: &[crate::scheduling::Admission]) {
    for start in starts {
        let lane = world.lanes[start.lane].clone();
        let head = lane.heads.iter().find(|head| head.run == start.run).copied().unwrap();
        let held = Holder {
            run: start.run,
            lane: Lane { heads: Vec::new(), ..lane.clone() },
            priority: head.priority,
            stands: Stands::Live { since: world.now },
        };
        let of: Vec<Level> = world.levels(&held.lane).collect();
        for level in of {
            world.limits_mut(level).unwrap().take(&held.lane.demand);
        }
        world.lanes[start.lane].heads.retain(|other| other.run != start.run);
        world.holders.push(held);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whoever_makes_room_comes_after_whom_it_is_for_who_then_starts(snapshot in any_world()) {
        let victims = preempt(&snapshot);
        let mut next = snapshot.clone();
        let asked_before: Vec<RunId> = snapshot.holders.iter()
            .filter(|holder| matches!(holder.stands, Stands::Leaves { .. })).map(|holder| holder.run).collect();
        for victim in &victims {
            let holder = snapshot.holders.iter().find(|holder| holder.run == victim.run).unwrap();
            let could_be_asked = matches!(holder.stands, Stands::Offered | Stands::Live { .. });
            prop_assert!(could_be_asked);
            let (lane, head) = snapshot.lanes.iter()
                .find_map(|lane| Some((lane, lane.heads.iter().find(|head| head.run == victim.by)?))).unwrap();
            let before = precedence(&snapshot, lane.queue, head.priority);
            prop_assert!(precedence(&snapshot, holder.lane.queue, holder.priority) < before);
            let allows = snapshot.queue(lane.queue).unwrap().preemption;
            prop_assert_eq!(allows, Preemption::LowerPriority);
        }
        for holder in &snapshot.holders {
            if asked_before.contains(&holder.run) || victims.iter().any(|victim| victim.run == holder.run) {
                leave(&mut next, holder);
            }
        }
        let starts = admit(&next, usize::MAX).starts;
        for victim in &victims {
            prop_assert!(starts.iter().any(|start| start.run == victim.by), "{victim:?}");
        }
    }

    #[test]
    fn places_are_not_taken_in_turns_for_ever(snapshot in any_world()) {
        let mut world = snapshot;
        let mut rounds = 0;
        loop {
            let leaving: Vec<RunId> = world.holders.iter()
                .filter(|holder| matches!(holder.stands, Stands::Leaves { .. })).map(|holder| holder.run).collect();
            requeue(&mut world, &leaving);
            let choice = choose(&world, usize::MAX);
            if choice.starts.is_empty() && choice.victims.is_empty() {
                break;
            }
            start(&mut world, &choice.starts);
            for holder in &mut world.holders {
                if let Some(victim) = choice.victims.iter().find(|victim| victim.run == holder.run) {
                    holder.stands = Stands::Leaves { by: victim.by };
                }
            }
            rounds += 1;
            prop_assert!(rounds < 200, "it goes on and on");
        }
    }
}
