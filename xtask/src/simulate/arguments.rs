//! What `cargo xtask simulate` is asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use berth_domain::name::QueueName;
use berth_domain::quantity::Quantity;
use berth_domain::scheduling::{Preemption, Sharing};

use super::cluster::{Cluster, Queue, limits};
use super::replay::Rule;
use super::report::rule_names;
use super::shapes::Shape;

/// How it is called.
pub const USAGE: &str = "usage: cargo xtask simulate --trace FILE | --shape borg-2019|pai-2020|philly-2017 [--runs 2000] \
[--seed 1]\n  [--slots N] [--capacity RESOURCE=AMOUNT]... [--queue NAME[,priority=N][,concurrency=N][,RESOURCE=AMOUNT]...]...\n  \
[--fairness none|project|user] [--weight KEY=N]... [--reserve-after SECONDS] \
[--preemption never|lower_priority]\n  \
[--rule berth|fifo|polyaxon|priority]... [--chart FILE]";

/// Where the runs come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of comma separated values.
    File(PathBuf),
    /// Generated.
    Shape {
        /// In that shape.
        shape: Shape,
        /// So many.
        runs: usize,
        /// From that seed.
        seed: u64,
    },
}

/// All that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where the runs come from.
    pub source: Source,
    /// Where they run.
    pub cluster: Cluster,
    /// By which rules, one replay each.
    pub rules: Vec<Rule>,
    /// Where the chart goes.
    pub chart: Option<PathBuf>,
}

/// What flags say, before it is put together.
#[derive(Default)]
struct Flags {
    file: Option<PathBuf>,
    shape: Option<Shape>,
    runs: Option<usize>,
    seed: Option<u64>,
    slots: Option<u32>,
    capacity: BTreeMap<String, Quantity>,
    queues: Vec<Queue>,
    sharing: Sharing,
    rules: Vec<Rule>,
    chart: Option<PathBuf>,
}

impl Asked {
    /// Reads arguments.
    ///
    /// # Errors
    /// What is wrong with them: the flag, what was found, what is allowed.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<Self> {
        let mut flags = Flags::default();
        let mut arguments = arguments.into_iter();
        while let Some(flag) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{flag} needs a value\n{USAGE}"))?;
            flags.take(&flag, &value)?;
        }
        flags.finish()
    }
}

impl Flags {
    fn take(&mut self, flag: &str, value: &str) -> anyhow::Result<()> {
        match flag {
            "--trace" => self.file = Some(value.into()),
            "--shape" => {
                let known = Shape::ALL.into_iter().find(|shape| shape.as_str() == value);
                let names = Shape::ALL.map(Shape::as_str).join(", ");
                self.shape = Some(known.with_context(|| format!("--shape {value}: use one of {names}"))?);
            }
            "--runs" => {
                let runs = number(flag, value, "1 to 1000000")?;
                ensure!((1..=1_000_000).contains(&runs), "--runs {value}: use 1 to 1000000");
                self.runs = Some(runs);
            }
            "--seed" => self.seed = Some(number(flag, value, "a number from 0")?),
            "--slots" => self.slots = Some(at_least_one(flag, value)?),
            "--capacity" => {
                let (resource, amount) = amount(flag, value)?;
                self.capacity.insert(resource, amount);
            }
            "--queue" => {
                let queue = queue(value)?;
                let is_new = self.queues.iter().all(|other| other.name != queue.name);
                ensure!(is_new, "--queue {}: it is there twice", queue.name);
                self.queues.push(queue);
            }
            "--fairness" => {
                ensure!(
                    ["none", "project", "user"].contains(&value),
                    "--fairness {value}: use none, project or user"
                );
                self.sharing.fairness = value.parse()?;
            }
            "--weight" => {
                let (key, weight) =
                    value.split_once('=').with_context(|| format!("--weight {value}: use KEY=N"))?;
                let weight: u32 = number(flag, weight, "1 to 1000")?;
                ensure!((1..=1_000).contains(&weight), "--weight {value}: use 1 to 1000");
                self.sharing.weights.insert(key.to_owned(), weight);
            }
            "--reserve-after" => {
                self.sharing.reserve_after_seconds = Some(number(flag, value, "seconds from 0")?);
            }
            "--preemption" => {
                let read: Result<Preemption, _> = value.parse();
                self.sharing.preemption = read.with_context(|| format!("--preemption {value}"))?;
            }
            "--rule" => {
                let known = Rule::ALL.into_iter().find(|rule| rule.as_str() == value);
                self.rules
                    .push(known.with_context(|| format!("--rule {value}: use one of {}", rule_names()))?);
            }
            "--chart" => self.chart = Some(value.into()),
            _ => bail!("{USAGE}\n(found: {flag})"),
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Asked> {
        let source = match (self.file, self.shape) {
            (Some(_), None) if self.runs.is_some() || self.seed.is_some() => {
                bail!("--runs and --seed are for --shape; the runs of --trace are those of its file")
            }
            (Some(file), None) => Source::File(file),
            (None, Some(shape)) => {
                Source::Shape { shape, runs: self.runs.unwrap_or(2_000), seed: self.seed.unwrap_or(1) }
            }
            _ => bail!("either --trace or --shape says what is replayed\n{USAGE}"),
        };
        let is_sized = self.slots.is_some() || !self.capacity.is_empty();
        let mut cluster = match &source {
            Source::Shape { shape, .. } if !is_sized => shape.cluster(),
            _ => Cluster {
                limits: limits(self.slots, &self.capacity),
                queues: Vec::new(),
                sharing: Sharing::default(),
            },
        };
        ensure!(
            is_sized || matches!(source, Source::Shape { .. }),
            "--slots or --capacity says how much there is; without, all would start at once"
        );
        if !self.queues.is_empty() {
            cluster.queues = self.queues;
        }
        cluster.sharing = self.sharing;
        let rules = if self.rules.is_empty() { Rule::ALL.to_vec() } else { self.rules };
        Ok(Asked { source, cluster, rules, chart: self.chart })
    }
}

/// `NAME[,priority=N][,concurrency=N][,RESOURCE=AMOUNT]...`.
fn queue(text: &str) -> anyhow::Result<Queue> {
    let mut parts = text.split(',');
    let name: QueueName =
        parts.next().unwrap_or_default().parse().with_context(|| format!("--queue {text}"))?;
    let (mut priority, mut slots, mut amounts) = (-1, None, BTreeMap::new());
    for part in parts {
        match part.split_once('=') {
            Some(("priority", value)) => {
                priority = number("--queue: priority", value, "a number from -1")?;
                ensure!(priority >= -1, "--queue: priority {value}: use a number from -1");
            }
            Some(("concurrency", value)) => slots = Some(at_least_one("--queue: concurrency", value)?),
            _ => {
                let (resource, amount) = amount("--queue", part)?;
                amounts.insert(resource, amount);
            }
        }
    }
    Ok(Queue { name: name.to_string(), priority, limits: limits(slots, &amounts) })
}

fn number<T: FromStr>(flag: &str, value: &str, allowed: &str) -> anyhow::Result<T> {
    value.parse().ok().with_context(|| format!("{flag} {value}: use {allowed}"))
}

fn at_least_one(flag: &str, value: &str) -> anyhow::Result<u32> {
    let count: u32 = number(flag, value, "a number from 1")?;
    ensure!(count > 0, "{flag} {value}: use a number from 1");
    Ok(count)
}

fn amount(flag: &str, text: &str) -> anyhow::Result<(String, Quantity)> {
    let read = || {
        let (resource, amount) = text.split_once('=')?;
        let amount: Quantity = amount.parse().ok()?;
        (!resource.is_empty() && amount > Quantity::ZERO).then(|| (resource.to_owned(), amount))
    };
    read().with_context(|| format!("{flag} {text}: use RESOURCE=AMOUNT, such as gpu=64 or memory=512Gi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Asked> {
        Asked::read(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_shape_brings_its_cluster_and_flags_replace_it() {
        let asked = read("--shape philly-2017 --seed 3").unwrap();
        assert_eq!(asked.source, Source::Shape { shape: Shape::Philly2017, runs: 2_000, seed: 3 });
        assert_eq!(asked.cluster, Shape::Philly2017.cluster());
        assert_eq!(asked.rules, Rule::ALL);
        let asked = read("--shape philly-2017 --capacity gpu=8 --weight cluster-1=3 --rule fifo").unwrap();
        assert_eq!(asked.cluster.limits.quotas[0].limit, "8".parse().unwrap());
        assert_eq!((asked.cluster.sharing.weights["cluster-1"], asked.rules), (3, vec![Rule::Fifo]));
    }

    #[test]
    fn queues_are_described_in_one_word() {
        let asked =
            read("--trace t.csv --slots 9 --queue train,priority=5,concurrency=2,gpu=8 --queue debug")
                .unwrap();
        let [train, debug] = asked.cluster.queues.as_slice() else { panic!() };
        assert_eq!((train.name.as_str(), train.priority, train.limits.slots.limit), ("train", 5, Some(2)));
        assert_eq!((debug.priority, debug.limits.slots.limit, debug.limits.quotas.len()), (-1, None, 0));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (text, error) in [
            ("--trace t.csv", "--slots or --capacity says how much there is"),
            ("--slots 1", "either --trace or --shape says what is replayed"),
            ("--trace t.csv --shape pai-2020", "either --trace or --shape says what is replayed"),
            ("--trace t.csv --slots 1 --seed 2", "--runs and --seed are for --shape"),
            ("--shape philly", "--shape philly: use one of borg-2019, pai-2020, philly-2017"),
            ("--shape pai-2020 --runs 0", "--runs 0: use 1 to 1000000"),
            ("--shape pai-2020 --slots 0", "--slots 0: use a number from 1"),
            ("--shape pai-2020 --capacity gpu", "--capacity gpu: use RESOURCE=AMOUNT"),
            ("--shape pai-2020 --queue a --queue a", "--queue a: it is there twice"),
            ("--shape pai-2020 --queue a,priority=-2", "--queue: priority -2: use a number from -1"),
            ("--shape pai-2020 --queue A", "--queue A"),
            ("--shape pai-2020 --weight a=0", "--weight a=0: use 1 to 1000"),
            ("--shape pai-2020 --fairness label:x", "--fairness label:x: use none, project or user"),
            ("--shape pai-2020 --preemption all", "--preemption all"),
            ("--shape pai-2020 --rule lottery", "--rule lottery: use one of berth, fifo, polyaxon, priority"),
            ("--shape", "--shape needs a value"),
            ("--help me", "usage: cargo xtask simulate"),
        ] {
            let found = read(text).unwrap_err().to_string();
            assert!(found.starts_with(error), "{text}: {found}");
        }
    }
}
