//! Traces in the shape of published ones, by seed. What is from the publications and what was chosen here is told beside
//! each, and in `docs/simulation.md`. All are scaled down to a cluster that some thousand runs fill.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::name::DEFAULT;
use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Demand, Sharing};
use berth_domain::time::Time;

use super::cluster::{Cluster, Queue, limits};
use super::random::Random;
use super::trace::{Run, Trace};

/// A published trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Google's Borg in May 2019 (M. Tirmazi et al., "Borg: the Next Generation", 2020).
    Borg2019,
    /// Alibaba's PAI in July and August 2020 (Q. Weng et al., NSDI 2022).
    Pai2020,
    /// Microsoft's Philly in autumn 2017 (M. Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN
    /// Training Workloads", ATC 2019).
    Philly2017,
}

/// Chosen: teams submit one run at a time, or several that differ in a parameter.
const BATCHES: [(usize, f64); 3] = [(1, 0.7), (5, 0.2), (25, 0.1)];
/// Chosen: all runs take so much of what the cluster could give from the first to the last submission. More than all, so
/// that there is a line to be ordered.
const LOAD: f64 = 1.25;

/// Philly, published with the trace and with PAI's analysis of it, read off with an error of about one in a hundred: a
/// quarter of the jobs ran for at most 3 minutes, half for 24, four fifths for 92; 96 of 100 for 18 hours, 98 for two
/// days; the longest for 54 days.
const PHILLY_SECONDS: [(f64, f64); 7] = [
    (0.0, 1.0),
    (0.26, 186.0),
    (0.52, 1_417.0),
    (0.82, 5_523.0),
    (0.96, 64_000.0),
    (0.98, 172_800.0),
    (1.0, 4_628_239.0),
];
/// Philly: the classes 1, 2 to 4, 5 to 8 and more than 8 are the paper's; how many jobs are in each is chosen.
const PHILLY_GPUS: [(i64, f64); 5] = [(1, 0.6), (2, 0.1), (4, 0.1), (8, 0.15), (16, 0.05)];

/// PAI: that GPUs are asked for in parts of one, that jobs train and infer side by side, and this request of 6 cores and
/// 29.3 GB to half a GPU, are published; how often which part is asked for is chosen.
const PAI_GPUS: [(f64, f64); 5] = [(0.25, 0.2), (0.5, 0.35), (1.0, 0.35), (2.0, 0.05), (8.0, 0.05)];
const PAI_CORES_PER_GPU: f64 = 12.0;

/// Borg: the tiers are published, in this order; how many jobs are in each, and their numbers, are chosen.
const BORG_TIERS: [(u8, f64); 4] = [(0, 0.1), (2, 0.6), (5, 0.1), (9, 0.2)];
/// Borg: published is that the largest hundredth of the jobs takes over 99 of 100 of the resources. Chosen is the
/// simplest load with that property: one run in a hundred is large.
const BORG_LARGE: f64 = 0.01;

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Borg2019, Self::Pai2020, Self::Philly2017];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Borg2019 => "borg-2019",
            Self::Pai2020 => "pai-2020",
            Self::Philly2017 => "philly-2017",
        }
    }

    /// A cluster that so much work just fills; its size is chosen.
    #[must_use]
    pub fn cluster(self) -> Cluster {
        let has: &[(&str, i64)] = match self {
            Self::Borg2019 => &[("cpu", 1_024)],
            Self::Pai2020 => &[("cpu", 1_536), ("gpu", 128)],
            Self::Philly2017 => &[("gpu", 64)],
        };
        let amounts: BTreeMap<String, Quantity> = has
            .iter()
            .map(|(resource, amount)| ((*resource).to_owned(), Quantity::from_units(*amount)))
            .collect();
        let queue = Queue { name: DEFAULT.to_owned(), priority: -1, limits: limits(None, &BTreeMap::new()) };
        Cluster { limits: limits(None, &amounts), queues: vec![queue], sharing: Sharing::default() }
    }

    /// What the load is measured by.
    const fn scarce(self) -> &'static str {
        match self {
            Self::Borg2019 => "cpu",
            Self::Pai2020 | Self::Philly2017 => "gpu",
        }
    }

    /// How many projects there are, named by their rank: the second submits half as often as the first, the third a
    /// third (chosen).
    const fn projects(self) -> (&'static str, usize) {
        match self {
            Self::Borg2019 => ("team", 8),
            Self::Pai2020 => ("user", 40),
            Self::Philly2017 => ("cluster", 10),
        }
    }

    /// So many runs of that shape; the same for the same seed.
    #[must_use]
    pub fn trace(self, runs: usize, seed: u64) -> Trace {
        let mut random = Random::seeded(seed);
        let (kind, count) = self.projects();
        #[expect(clippy::cast_precision_loss, reason = "some tens of projects")]
        let projects: Vec<(String, f64)> =
            (1..=count).map(|rank| (format!("{kind}-{rank}"), 1.0 / rank as f64)).collect();
        let mut drawn: Vec<(f64, Run)> = Vec::with_capacity(runs);
        while drawn.len() < runs {
            let batch = random.pick(&BATCHES).copied().unwrap_or(1);
            let (at, project) = (random.unit(), random.pick(&projects).cloned().unwrap_or_default());
            let (priority, demand, size) = self.kind(&mut random);
            for _ in 0..batch.min(runs - drawn.len()) {
                let run = Run {
                    submitted: Time::from_micros(0),
                    duration: self.duration(size, &mut random),
                    project: project.clone(),
                    user: DEFAULT.to_owned(),
                    queue: DEFAULT.to_owned(),
                    priority,
                    demand: demand.clone(),
                };
                drawn.push((at, run));
            }
        }
        let span = self.span(drawn.iter().map(|(_, run)| run));
        drawn
            .into_iter()
            .map(|(at, run)| Run { submitted: Time::from_micros(0).plus(whole_seconds(at * span)), ..run })
            .collect()
    }

    /// So many seconds from the first to the last submission give [`LOAD`].
    fn span<'a>(self, runs: impl Iterator<Item = &'a Run>) -> f64 {
        let taken: f64 =
            runs.map(|run| run.demand.of(self.scarce()).as_f64() * run.duration.as_secs_f64()).sum();
        let has = self
            .cluster()
            .limits
            .quotas
            .iter()
            .find(|quota| quota.resource == self.scarce())
            .map(|it| it.limit);
        taken / (has.map_or(1.0, |has| has.as_f64()) * LOAD)
    }

    /// Priority, demand, and whether it is a large one.
    fn kind(self, random: &mut Random) -> (u8, Demand, Size) {
        match self {
            Self::Borg2019 => {
                let is_large = random.unit() < BORG_LARGE;
                let tier = random.pick(&BORG_TIERS).copied().unwrap_or_default();
                let (cores, size) = if is_large { (256, Size::Large) } else { (1, Size::Any) };
                (tier, demand(&[("cpu", Quantity::from_units(cores))]), size)
            }
            Self::Pai2020 => {
                let part_of_gpu = random.pick(&PAI_GPUS).copied().unwrap_or_default();
                let gpus = Quantity::from_f64(part_of_gpu);
                let cores = Quantity::from_f64(part_of_gpu * PAI_CORES_PER_GPU);
                (0, demand(&[("cpu", cores), ("gpu", gpus)]), Size::Any)
            }
            Self::Philly2017 => {
                let gpus = random.pick(&PHILLY_GPUS).copied().unwrap_or_default();
                (0, demand(&[("gpu", Quantity::from_units(gpus))]), Size::Any)
            }
        }
    }

    fn duration(self, size: Size, random: &mut Random) -> Duration {
        let seconds = match (self, size) {
            // Chosen, so that a large one takes about ten thousand times what another does.
            (Self::Borg2019, Size::Any) => random.log_normal(45.0, 1.0),
            (Self::Borg2019, Size::Large) => random.log_normal(1_800.0, 1.0),
            // Chosen: the paper draws the distribution, and what can be read off it is its breadth.
            (Self::Pai2020, _) => random.log_normal(1_200.0, 1.5),
            (Self::Philly2017, _) => random.between_quantiles(&PHILLY_SECONDS),
        };
        whole_seconds(seconds.max(1.0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Any,
    Large,
}

/// Whole, so that the last digit of a logarithm on another machine changes nothing.
fn whole_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.round()).unwrap_or_default()
}

fn demand(amounts: &[(&str, Quantity)]) -> Demand {
    amounts.iter().map(|(resource, amount)| ((*resource).to_owned(), *amount)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the runs take, the most first.
    fn taken(shape: Shape, runs: usize) -> Vec<f64> {
        let trace = shape.trace(runs, 1);
        let of = |run: &Run| run.demand.of(shape.scarce()).as_f64() * run.duration.as_secs_f64();
        let mut taken: Vec<f64> = trace.runs().iter().map(of).collect();
        taken.sort_by(|a, b| b.total_cmp(a));
        taken
    }

    #[test]
    fn borgs_largest_hundredth_takes_about_all() {
        let taken = taken(Shape::Borg2019, 50_000);
        let part = taken[..taken.len() / 100].iter().sum::<f64>() / taken.iter().sum::<f64>();
        assert!((0.98..1.0).contains(&part), "{part}");
    }

    #[test]
    fn phillys_jobs_run_as_long_as_published() {
        let mut seconds: Vec<u64> =
            Shape::Philly2017.trace(50_000, 1).runs().iter().map(|run| run.duration.as_secs()).collect();
        seconds.sort_unstable();
        for (percent, expected) in [(26, 186.0), (52, 1_417.0), (82, 5_523.0), (96, 64_000.0)] {
            #[expect(clippy::cast_precision_loss, reason = "seconds of some weeks")]
            let found = seconds[seconds.len() * percent / 100] as f64;
            assert!((0.8..1.25).contains(&(found / expected)), "{percent}: {found}");
        }
    }

    #[test]
    fn a_seed_gives_a_trace_and_another_one_another() {
        for shape in Shape::ALL {
            assert_eq!(shape.trace(500, 7), shape.trace(500, 7));
            assert_ne!(shape.trace(500, 7), shape.trace(500, 8));
            assert_eq!(shape.trace(500, 7).runs().len(), 500);
            assert!(shape.trace(500, 7).runs().iter().all(|run| shape.cluster().could_hold(run)));
        }
    }
}
