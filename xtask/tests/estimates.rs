//! Estimates of when a waiting run starts, held against when it did: on loads of many kinds, each by seed.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Estimate, Limits, Sharing};
use berth_domain::time::Time;
use xtask::simulate::cluster::{Cluster, Queue, limits};
use xtask::simulate::random::Random;
use xtask::simulate::replay::{Replay, Rule};
use xtask::simulate::trace::{Run, Trace};

/// A load: who submits, and how long runs take.
struct Load {
    name: &'static str,
    slots: u32,
    /// How much the logarithm of a duration varies; half are shorter than five minutes.
    spread: f64,
    /// Projects with their parts of the runs.
    projects: &'static [(&'static str, f64)],
    /// Priorities with their parts of the runs.
    priorities: &'static [(u8, f64)],
    /// Runs that are submitted at a time, and how often it is so many.
    batches: &'static [(usize, f64)],
    weights: &'static [(&'static str, u32)],
    /// GPUs, with how often it is so many; the cluster has as many as slots.
    gpus: &'static [(i64, f64)],
}

const ALONE: Load = Load {
    name: "one project",
    slots: 10,
    spread: 0.8,
    projects: &[("a", 1.0)],
    priorities: &[(0, 1.0)],
    batches: &[(1, 1.0)],
    weights: &[],
    gpus: &[(0, 1.0)],
};
const SHARED: &[(&str, f64)] = &[("a", 0.7), ("b", 0.2), ("c", 0.1)];

const LOADS: [Load; 7] = [
    ALONE,
    Load { name: "few slots, times of all kinds", slots: 3, spread: 1.4, ..ALONE },
    Load { name: "many slots, sweeps", slots: 60, batches: &[(1, 0.5), (40, 0.5)], ..ALONE },
    Load { name: "times that are alike", slots: 8, spread: 0.02, batches: &[(20, 1.0)], ..ALONE },
    Load { name: "three projects", projects: SHARED, batches: &[(1, 0.5), (20, 0.5)], ..ALONE },
    Load {
        name: "weights and some urgent runs",
        projects: SHARED,
        weights: &[("b", 3)],
        priorities: &[(0, 0.95), (5, 0.05)],
        ..ALONE
    },
    Load { name: "GPUs", slots: 16, projects: SHARED, gpus: &[(1, 0.7), (2, 0.2), (4, 0.1)], ..ALONE },
];
const RUNS: usize = 1_200;
/// Half as much again is submitted as there is room for.
const OVERLOAD: f64 = 1.5;

impl Load {
    fn trace(&self, seed: u64) -> Trace {
        let mut random = Random::seeded(seed);
        let mut drawn = Vec::new();
        while drawn.len() < RUNS {
            let (at, project) = (random.unit(), *random.pick(self.projects).unwrap());
            for _ in 0..*random.pick(self.batches).unwrap() {
                let run = Run {
                    submitted: Time::from_micros(0),
                    duration: Duration::from_secs_f64(random.log_normal(300.0, self.spread).max(1.0)),
                    project: project.into(),
                    user: "ada".into(),
                    queue: "default".into(),
                    priority: *random.pick(self.priorities).unwrap(),
                    demand: [("gpu".to_owned(), Quantity::from_units(*random.pick(self.gpus).unwrap()))]
                        .into_iter()
                        .collect(),
                };
                drawn.push((at, run));
            }
        }
        let taken: f64 = drawn
            .iter()
            .map(|(_, run)| run.duration.as_secs_f64() * run.demand.of("gpu").as_f64().max(1.0))
            .sum();
        let span = taken / f64::from(self.slots) / OVERLOAD;
        let at = |part: f64| Time::from_micros(0).plus(Duration::from_secs_f64(part * span));
        drawn.into_iter().map(|(part, run)| Run { submitted: at(part), ..run }).collect()
    }

    fn cluster(&self) -> Cluster {
        let gpus = [("gpu".to_owned(), Quantity::from_units(i64::from(self.slots)))].into();
        let queue = Queue { name: "default".into(), priority: 0, limits: limits(Some(self.slots), &gpus) };
        let weights = self.weights.iter().map(|(key, weight)| ((*key).to_owned(), *weight)).collect();
        let sharing = Sharing { weights, ..Sharing::default() };
        Cluster { limits: Limits::default(), queues: vec![queue], sharing }
    }

    /// Asks about some of the waiting runs, now and then, and holds the answers against what came.
    fn asked(&self, seed: u64) -> Tally {
        let trace = self.trace(seed);
        let mut replay = Replay::new(&trace, &self.cluster(), Rule::Berth);
        let mut said: Vec<(usize, Time, Estimate)> = Vec::new();
        let (mut tally, mut steps) = (Tally::default(), 0);
        while let Some(now) = replay.step() {
            steps += 1;
            if steps % 23 != 0 {
                continue;
            }
            let ours = replay.ours().unwrap();
            let waiting = ours.waiting(0);
            for run in waiting.iter().step_by(waiting.len() / 8 + 1) {
                tally.asked += 1;
                said.extend(ours.estimate(*run, &trace.runs()[*run]).map(|estimate| (*run, now, estimate)));
            }
        }
        let outcome = replay.outcome();
        for (run, now, estimate) in said {
            let start = outcome.starts[run].unwrap();
            let (wait, told) = (start.since(now).as_secs_f64(), estimate.at.since(now).as_secs_f64());
            tally.said += 1;
            tally.within += u32::from((estimate.low..=estimate.high).contains(&start));
            tally.within_two += u32::from((told / 2.0..=told * 2.0).contains(&wait));
        }
        tally
    }
}

/// How often what was asked was answered, and how well.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    asked: u32,
    said: u32,
    /// The start lay within the stated spread.
    within: u32,
    /// The wait was within a factor of two of the stated one.
    within_two: u32,
}

impl Tally {
    fn part(self, of: u32) -> f64 {
        f64::from(of) / f64::from(self.said.max(1))
    }
}

#[test]
fn the_start_lies_within_the_spread_in_four_of_five_cases_and_within_a_factor_of_two_in_nine_of_ten() {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for load in &LOADS {
        let tally = tallies.entry(load.name).or_default();
        for seed in 1..=3 {
            let more = load.asked(seed);
            tally.asked += more.asked;
            tally.said += more.said;
            tally.within += more.within;
            tally.within_two += more.within_two;
        }
    }
    for (name, tally) in tallies {
        assert!(tally.said * 3 >= tally.asked, "{name}: too little is said: {tally:?}");
        assert!(tally.part(tally.within) >= 0.8, "{name}: {tally:?}");
        assert!(tally.part(tally.within_two) >= 0.9, "{name}: {tally:?}");
    }
}
