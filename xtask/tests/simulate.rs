//! What holds of every replay, whatever the trace, and what a project gets while another floods the queue.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Limits, Preemption, Sharing};
use berth_domain::time::Time;
use proptest::prelude::*;
use xtask::simulate::cluster::{Cluster, Queue, limits};
use xtask::simulate::random::Random;
use xtask::simulate::replay::{Outcome, Rule, replay};
use xtask::simulate::trace::{Run, Trace};

fn at(seconds: u64) -> Time {
    Time::from_micros(0).plus(Duration::from_secs(seconds))
}

fn run(submitted: u64, duration: u64, project: &str) -> Run {
    Run {
        submitted: at(submitted),
        duration: Duration::from_secs(duration),
        project: project.into(),
        user: "ada".into(),
        queue: "default".into(),
        priority: 0,
        demand: std::iter::empty().collect(),
    }
}

fn cluster_of(slots: u32) -> Cluster {
    let queue = Queue { name: "default".into(), priority: 0, limits: Limits::default() };
    Cluster {
        limits: limits(Some(slots), &BTreeMap::new()),
        queues: vec![queue],
        sharing: Sharing::default(),
    }
}

/// A project submits so many runs at the beginning, and another one some later; all take about a minute.
fn flood(first: usize, then: usize, seed: u64) -> Trace {
    let mut random = Random::seeded(seed);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes")]
    let mut minute = move || random.log_normal(60.0, 0.5).ceil() as u64;
    let flooding = (0..first).map(|_| (0, "first"));
    let late = (0..then).map(|_| (3_600, "second"));
    flooding.chain(late).map(|(at, project)| run(at, minute(), project)).collect()
}

/// The projects of the starts, in their order.
fn projects<'a>(trace: &'a Trace, outcome: &Outcome) -> Vec<&'a str> {
    outcome.order.iter().map(|run| trace.runs()[*run].project.as_str()).collect()
}

#[test]
fn of_ten_thousand_runs_and_a_hundred_later_ones_of_another_project_these_start_within_two_slots() {
    let trace = flood(10_000, 100, 1);
    let outcome = replay(&trace, &cluster_of(20), Rule::Berth);
    let arrived = trace.runs().iter().find(|run| run.project == "second").unwrap().submitted;
    let before = outcome.starts[..10_000].iter().flatten().filter(|at| **at <= arrived).count();
    let after = &projects(&trace, &outcome)[before..];
    assert!(after[..2].contains(&"second"), "{:?}", &after[..10]);
    let last = after.iter().rposition(|project| *project == "second").unwrap();
    assert!(last <= 200, "every other start is theirs, so that 100 take 200: the last was start {last}");
    let fifo = replay(&trace, &cluster_of(20), Rule::Fifo);
    assert_eq!(projects(&trace, &fifo).iter().position(|project| *project == "second"), Some(10_000));
}

#[test]
fn weights_of_three_to_one_give_three_to_one_over_any_window_of_two_hundred_starts() {
    let heavy = flood(4_000, 0, 2);
    let light: Vec<Run> =
        flood(2_000, 0, 3).runs().iter().map(|run| Run { project: "light".into(), ..run.clone() }).collect();
    let trace: Trace = heavy.runs().iter().cloned().chain(light).collect();
    let mut cluster = cluster_of(50);
    cluster.sharing.weights.insert("first".into(), 3);
    let outcome = replay(&trace, &cluster, Rule::Berth);
    let started = projects(&trace, &outcome);
    // From the first start until the heavier has no more.
    let both = started.iter().rposition(|project| *project == "first").unwrap();
    for window in started[..both].windows(200) {
        let light = window.iter().filter(|project| **project == "light").count();
        assert!((48..=52).contains(&light), "{light} of 200, where 50 are due");
    }
}

#[test]
fn whoever_is_urgent_has_the_run_make_room_that_loses_the_least() {
    let urgent = Run { priority: 9, ..run(100, 30, "urgent") };
    let trace: Trace = [run(0, 300, "first"), run(60, 300, "second"), urgent].into_iter().collect();
    let mut cluster = cluster_of(2);
    let waits = replay(&trace, &cluster, Rule::Berth);
    assert_eq!((waits.starts[2], waits.preempted), (Some(at(300)), 0));
    cluster.sharing.preemption = Preemption::LowerPriority;
    let outcome = replay(&trace, &cluster, Rule::Berth);
    assert_eq!(outcome.starts, [Some(at(0)), Some(at(130)), Some(at(100))], "the second begins anew");
    assert_eq!((outcome.preempted, outcome.lost), (1, Duration::from_secs(40)));
    assert_eq!(outcome.order, [0, 2, 1]);
    for rule in [Rule::Fifo, Rule::Polyaxon, Rule::Priority] {
        assert_eq!(replay(&trace, &cluster, rule).preempted, 0, "{rule:?}");
    }
}

/// The command of the book, with files where a test finds them; what it printed, and the chart that it wrote.
fn example() -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (trace, chart) = (root.join("examples/trace.csv"), folder.path().join("waits.svg"));
    let arguments =
        "--capacity gpu=8 --queue train --queue debug,priority=9,concurrency=1".split(' ').map(str::to_owned);
    let files = [("--trace", trace), ("--chart", chart.clone())];
    let files = files.into_iter().flat_map(|(flag, path)| [flag.to_owned(), path.display().to_string()]);
    let printed = xtask::simulate::run(files.chain(arguments)).unwrap();
    (printed, std::fs::read_to_string(chart).unwrap())
}

#[test]
fn the_book_shows_what_the_command_prints_and_draws() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs");
    let (printed, drawn) = example();
    let book = std::fs::read_to_string(docs.join("simulation.md")).unwrap();
    assert!(book.contains(&printed), "docs/simulation.md does not have:\n{printed}");
    assert_eq!(std::fs::read_to_string(docs.join("simulation.svg")).unwrap(), drawn);
}

const PROJECTS: [&str; 3] = ["a", "b", "c"];

prop_compose! {
    /// Runs that all fit the cluster of [`any_cluster`] alone: at most 4 GPUs, in one of three queues.
    fn any_trace()(
        runs in prop::collection::vec((0_u64..200, 0_u64..60, 0_usize..3, 0_u8..3, 0_usize..3, 0_i64..5), 1..60),
    ) -> Trace {
        runs.into_iter().map(|(submitted, duration, project, priority, queue, gpus)| Run {
            priority,
            queue: PROJECTS[queue].into(),
            demand: [("gpu".to_owned(), Quantity::from_units(gpus))].into_iter().collect(),
            ..run(submitted, duration, PROJECTS[project])
        }).collect()
    }
}

prop_compose! {
    fn any_cluster()(
        slots in prop::option::of(1_u32..8),
        gpus in 4_i64..9,
        queues in prop::collection::vec((-1_i32..3, prop::option::of(1_u32..5), prop::option::of(4_i64..7)), 3),
        reserve_after_seconds in prop::option::of(0_u32..100),
        preempts in any::<bool>(),
    ) -> Cluster {
        let amounts = |gpus: Option<i64>| gpus.map(|gpus| ("gpu".to_owned(), Quantity::from_units(gpus))).into_iter().collect();
        let queues = queues.into_iter().zip(PROJECTS).map(|((priority, slots, gpus), name)| Queue {
            name: name.into(), priority, limits: limits(slots, &amounts(gpus)),
        }).collect();
        let preemption = if preempts { Preemption::LowerPriority } else { Preemption::Never };
        let sharing = Sharing { reserve_after_seconds, preemption, ..Sharing::default() };
        Cluster { limits: limits(slots, &amounts(Some(gpus))), queues, sharing }
    }
}

/// The most slots and GPUs that runs of those which `counts` tells had at a time.
fn peak(trace: &Trace, outcome: &Outcome, counts: impl Fn(&Run) -> bool) -> (i64, f64) {
    // Ends come before starts of the same moment; what takes no time has none.
    let mut changes: Vec<(Time, i64, f64)> = trace
        .runs()
        .iter()
        .zip(&outcome.starts)
        .filter(|(run, _)| counts(run) && !run.duration.is_zero())
        .flat_map(|(run, start)| {
            let (start, gpus) = (start.unwrap(), run.demand.of("gpu").as_f64());
            [(start, 1, gpus), (start.plus(run.duration), -1, -gpus)]
        })
        .collect();
    changes.sort_by_key(|change| (change.0, change.1));
    let (mut now, mut most) = ((0, 0.0), (0, 0.0_f64));
    for (_, slots, gpus) in changes {
        now = (now.0 + slots, now.1 + gpus);
        most = (most.0.max(now.0), most.1.max(now.1));
    }
    most
}

fn passes(limits: &Limits, (slots, gpus): (i64, f64)) -> bool {
    limits.slots.limit.is_some_and(|limit| slots > i64::from(limit))
        || limits.quotas.iter().any(|quota| gpus > quota.limit.as_f64())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_run_starts_once_and_never_above_a_limit(trace in any_trace(), cluster in any_cluster()) {
        prop_assert!(trace.runs().iter().all(|run| cluster.could_hold(run)));
        for rule in Rule::ALL {
            let outcome = replay(&trace, &cluster, rule);
            let mut order = outcome.order.clone();
            order.sort_unstable();
            prop_assert_eq!(order, (0..trace.runs().len()).collect::<Vec<_>>(), "{:?}", rule);
            for (run, start) in trace.runs().iter().zip(&outcome.starts) {
                prop_assert!(start.unwrap() >= run.submitted);
            }
            prop_assert!(!passes(&cluster.limits, peak(&trace, &outcome, |_| true)), "{:?}", rule);
            for queue in &cluster.queues {
                prop_assert!(!passes(&queue.limits, peak(&trace, &outcome, |run| run.queue == queue.name)), "{:?}", rule);
            }
        }
    }

    #[test]
    fn a_replay_is_the_same_every_time(trace in any_trace(), cluster in any_cluster()) {
        for rule in Rule::ALL {
            prop_assert_eq!(replay(&trace, &cluster, rule), replay(&trace, &cluster, rule));
        }
    }

    #[test]
    fn first_in_is_first_out(trace in any_trace(), cluster in any_cluster()) {
        let outcome = replay(&trace, &cluster, Rule::Fifo);
        prop_assert!(outcome.order.is_sorted(), "{:?}", outcome.order);
    }

    #[test]
    fn by_plain_priority_nothing_passes_what_is_more_urgent(trace in any_trace(), cluster in any_cluster()) {
        let outcome = replay(&trace, &cluster, Rule::Priority);
        for (at, run) in outcome.order.iter().enumerate() {
            let later = outcome.order[at..].iter().map(|later| &trace.runs()[*later]);
            let start = outcome.starts[*run].unwrap();
            for later in later.filter(|later| later.submitted <= start) {
                prop_assert!(later.priority <= trace.runs()[*run].priority);
            }
        }
    }

    #[test]
    fn polyaxons_queues_of_equal_runs_hand_over_the_older_run_first(trace in any_trace(), cluster in any_cluster()) {
        let alike: Trace = trace.runs().iter().map(|run| Run {
            priority: 0, demand: std::iter::empty().collect(), ..run.clone()
        }).collect();
        let outcome = replay(&alike, &cluster, Rule::Polyaxon);
        for queue in PROJECTS {
            let of_queue = outcome.order.iter().filter(|run| alike.runs()[**run].queue == queue);
            prop_assert!(of_queue.is_sorted());
        }
    }
}
