//! What an estimate is taken from, and when nothing is said. How good it is, is tried on simulated load
//! (`xtask/tests/estimates.rs`).

use uuid::Uuid;

use super::*;
use crate::feature::Features;
use crate::id::{Id, ProjectId, RunId};
use crate::scheduling::{
    AgentView, Candidate, Confinement, Demand, Fairness, Limit, Limits, Paused, Preemption, ProjectView,
    QueueProtocol, Share as Weighted, WHOLE,
};

fn id<T>(n: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(n))
}

fn at(seconds: u64) -> Time {
    Time::from_micros(0).plus(Duration::from_secs(seconds))
}

fn start(share: &str, waits: bool) -> Starts<'_> {
    Starts { share, priority: 0, count: 1, waits }
}

/// One start of the share `a` every ten seconds, the last at 600, while others waited.
fn steady() -> Pace {
    let mut pace = Pace::default();
    (0..=60).for_each(|n| pace.note(at(10 * n), &[start("a", true)], true));
    pace
}

fn lane(project: ProjectId, share: &str) -> Lane {
    let head = Candidate { run: RunId::from_uuid(Uuid::from_u128(99)), priority: 0, queued_at: at(0) };
    Lane {
        queue: id(1),
        project,
        pipelines: Vec::new(),
        share: share.into(),
        demand: Demand::default(),
        namespace: None,
        heads: vec![head],
        has_more: false,
    }
}

/// A queue of ten slots, all taken, with a project that has a limit of its own.
fn world(pace: Pace) -> Snapshot {
    let slots = |limit, used| Limits::slots(Limit { limit, used });
    let project = |n: u128, limits| ProjectView {
        id: id(n),
        name: format!("project-{n}"),
        limits,
        confinement: Confinement::default(),
    };
    Snapshot {
        now: at(600),
        broker_is_up: true,
        organization: Limits::default(),
        agents: vec![AgentView {
            id: id(1),
            name: "agent".into(),
            limits: Limits::default(),
            is_live: true,
            loss: None,
            is_cordoned: false,
            hold: None,
            can: Features::of_bits(-1),
        }],
        queues: vec![QueueView {
            id: id(1),
            name: "queue".into(),
            agent: id(1),
            protocol: QueueProtocol::Berth,
            priority: 0,
            limits: slots(Some(10), 10),
            fairness: Fairness::default(),
            pace,
            reserve_after: None,
            window: Limit::default(),
            paused: None,
            preemption: Preemption::Never,
        }],
        projects: vec![project(1, Limits::default()), project(2, slots(Some(1), 1))],
        pipelines: Vec::new(),
        holders: Vec::new(),
        lanes: Vec::new(),
    }
}

fn ahead(lane: &Lane, older: u64) -> Ahead<'_> {
    Ahead { lane, higher: 0, equal: older, older }
}

#[test]
fn starts_that_go_on_as_they_did_are_told_with_a_narrow_spread() {
    let (snapshot, lane) = (world(steady()), lane(id(1), "a"));
    let told = estimate(&snapshot, &lane, &[ahead(&lane, 29)]).unwrap();
    assert!((at(880)..=at(900)).contains(&told.at), "{told:?}");
    assert!(at(780) < told.low && told.high < at(1_030), "{told:?}");
}

#[test]
fn where_there_is_too_little_to_go_by_nothing_is_said() {
    let lane = lane(id(1), "a");
    let mut few = Pace::default();
    (0..8).for_each(|n| few.note(at(10 * n), &[start("a", true)], true));
    let mut wild = Pace::default();
    (0..60).for_each(|n| wild.note(at(n * n / 6), &[start("a", true)], true));
    for pace in [Pace::default(), few] {
        assert_eq!(estimate(&world(pace), &lane, &[ahead(&lane, 29)]), None);
    }
    assert_eq!(estimate(&world(wild), &lane, &[ahead(&lane, 0)]), None, "the next start is anybody's guess");
}

#[test]
fn the_time_in_which_nothing_waited_says_nothing_of_how_fast_a_queue_is() {
    let mut pace = Pace::default();
    for hour in 0..6 {
        (0..10).for_each(|n| pace.note(at(3_600 * hour + 10 * n), &[start("a", true)], true));
        pace.note(at(3_600 * hour + 100), &[start("a", false)], false);
    }
    let lane = lane(id(1), "a");
    let snapshot = Snapshot { now: at(3_600 * 5 + 100), ..world(pace) };
    let told = estimate(&snapshot, &lane, &[ahead(&lane, 29)]).unwrap();
    assert!(told.at.since(snapshot.now) < Duration::from_secs(310), "{told:?}");
}

#[test]
fn a_queue_that_stands_still_is_slower_than_it_was() {
    let lane = lane(id(1), "a");
    let told = |now| estimate(&Snapshot { now, ..world(steady()) }, &lane, &[ahead(&lane, 29)]);
    let wait = |now| Some(told(now)?.at.since(now));
    assert!(wait(at(660)) > wait(at(600)));
    assert_eq!(wait(at(100_000)), None, "that it ever goes on is a guess");
}

#[test]
fn a_run_that_something_else_holds_back_gets_no_estimate() {
    let (own, limited) = (lane(id(1), "a"), lane(id(2), "a"));
    let snapshot = world(steady());
    assert!(estimate(&snapshot, &own, &[ahead(&own, 29)]).is_some());
    assert_eq!(estimate(&snapshot, &limited, &[ahead(&limited, 29)]), None, "its project's limit");
    let mut paused = snapshot;
    paused.queues[0].paused = Some(Paused { reason: "r".into(), by: "b".into(), until: None, drain: false });
    assert_eq!(estimate(&paused, &own, &[ahead(&own, 29)]), None);
}

#[test]
fn runs_that_a_limit_of_their_own_holds_back_are_not_counted_as_before_it() {
    let (own, limited) = (lane(id(1), "a"), lane(id(2), "a"));
    let snapshot = world(steady());
    let alone = estimate(&snapshot, &own, &[ahead(&own, 29)]);
    let beside = [ahead(&own, 29), Ahead { lane: &limited, higher: 1_000, equal: 0, older: 0 }];
    assert_eq!(estimate(&snapshot, &own, &beside), alone);
}

#[test]
fn other_shares_come_before_as_often_as_their_weights_say() {
    let (own, other) = (lane(id(1), "a"), lane(id(1), "b"));
    let mut queue = world(Pace::default()).queues.remove(0);
    let starts = |queue: &QueueView, waiting: u64| {
        let others = Ahead { lane: &other, higher: 0, equal: waiting, older: 0 };
        starts_until(queue, &own, &[ahead(&own, 10), others])
    };
    assert_eq!(starts(&queue, 1_000), (21, 11), "in turn");
    assert_eq!(starts(&queue, 4), (15, 11), "there are only four");
    queue.fairness.shares.insert("b".into(), Weighted { weight: 2, due: 0 });
    assert_eq!(starts(&queue, 1_000), (31, 11));
    queue.fairness.shares.insert("b".into(), Weighted { weight: 1, due: 10 * WHOLE });
    assert_eq!(starts(&queue, 1_000), (11, 11), "they have had theirs");
}

#[test]
fn what_is_remembered_stays_small_and_is_read_as_it_was_written() {
    let mut pace = Pace::default();
    let shares: Vec<String> = (0..9).map(|n| format!("share-{n}")).collect();
    for n in 0..1_000 {
        let started: Vec<Starts<'_>> =
            shares[n / 999..][..8].iter().map(|share| start(share, true)).collect();
        pace.note(at(2 * n as u64), &started, true);
    }
    let text = serde_json::to_string(&pace).unwrap();
    assert!(text.len() < 12 * 1024, "{}", text.len());
    assert!(!text.contains("share-0"), "it has started nothing for longest");
    assert_eq!(serde_json::from_str::<Pace>(&text).unwrap(), pace);
    assert_eq!(serde_json::from_str::<Pace>("{}").unwrap(), Pace::default());
}
