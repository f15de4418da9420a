//! What a replay comes to, in numbers and as text: waits by project and by priority, what was used, and how evenly.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use berth_domain::quantity::Quantity;
use berth_domain::time::Time;

use super::cluster::Cluster;
use super::replay::{Outcome, Rule};
use super::trace::{Run, Trace};

/// So many projects have a line of their own; those with the fewest runs share one.
const PROJECTS: usize = 12;
const REST: &str = "(the rest)";

/// How long runs waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Half of them at most so long.
    pub p50: Duration,
    /// 95 of 100 of them at most so long.
    pub p95: Duration,
    /// None longer.
    pub max: Duration,
}

impl Waits {
    /// Of any waits; none, if there are none.
    #[must_use]
    pub fn of(waits: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut waits: Vec<Duration> = waits.into_iter().collect();
        waits.sort_unstable();
        Some(Self { p50: nearest_rank(&waits, 50)?, p95: nearest_rank(&waits, 95)?, max: *waits.last()? })
    }
}

/// The least of ascending values that so many of 100 do not pass.
fn nearest_rank(values: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied()
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / {}", short(self.p50), short(self.p95), short(self.max))
    }
}

/// Jain's index of any values: 1, if all are alike, and 1 of n, if one of n has all (R. Jain, D. Chiu, W. Hawe, "A
/// Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984). Of nothing it is 1.
#[must_use]
pub fn jain(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    let squares: f64 = values.iter().map(|value| value * value).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts stop far below 2^53")]
    if squares > 0.0 { sum * sum / (values.len() as f64 * squares) } else { 1.0 }
}

/// What rules made of one trace.
#[derive(Debug)]
pub struct Report<'a> {
    trace: &'a Trace,
    cluster: &'a Cluster,
    outcomes: &'a [Outcome],
}

impl<'a> Report<'a> {
    /// A report on how a trace went on a cluster.
    #[must_use]
    pub fn new(trace: &'a Trace, cluster: &'a Cluster, outcomes: &'a [Outcome]) -> Self {
        Self { trace, cluster, outcomes }
    }

    /// The waits of the runs that belong to a class.
    fn waits(&self, outcome: &Outcome, belongs: impl Fn(&Run) -> bool) -> Option<Waits> {
        Waits::of(
            started(self.trace, outcome)
                .filter(|(run, _)| belongs(run))
                .map(|(run, at)| at.since(run.submitted)),
        )
    }

    /// The evenness of what projects got: of the time that their runs were there, the part in which they ran.
    #[must_use]
    pub fn fairness(&self, outcome: &Outcome) -> f64 {
        let mut projects: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (run, at) in started(self.trace, outcome) {
            let (ran, there) = projects.entry(&run.project).or_default();
            *ran += run.duration.as_secs_f64();
            *there += (at.since(run.submitted) + run.duration).as_secs_f64();
        }
        let parts = projects.into_values().map(|(ran, there)| if there > 0.0 { ran / there } else { 1.0 });
        jain(&parts.collect::<Vec<_>>())
    }

    /// The part of a limit that was used between the first submission and the last start: as long as it was the rule
    /// that decided. None, if there is no such time.
    fn used(&self, outcome: &Outcome, limit: f64, amount: impl Fn(&Run) -> f64) -> Option<f64> {
        let begin = self.trace.runs().first()?.submitted;
        let end = outcome.starts.iter().flatten().max()?;
        let seconds = end.since(begin).as_secs_f64();
        let within = |run: &Run, at: Time| run.duration.min(end.since(at)).as_secs_f64();
        let taken: f64 = started(self.trace, outcome).map(|(run, at)| amount(run) * within(run, at)).sum();
        (seconds > 0.0 && limit > 0.0).then(|| taken / (limit * seconds))
    }

    /// The names of the projects, those with the most runs first, and whether there are more.
    fn projects(&self) -> (Vec<&'a str>, bool) {
        let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
        for run in self.trace.runs() {
            *runs.entry(&run.project).or_default() += 1;
        }
        let mut names: Vec<&str> = runs.keys().copied().collect();
        names.sort_by_key(|name| (std::cmp::Reverse(runs[name]), *name));
        let has_more = names.len() > PROJECTS;
        names.truncate(PROJECTS);
        (names, has_more)
    }
}

/// The runs that started, with when.
fn started<'a>(trace: &'a Trace, outcome: &'a Outcome) -> impl Iterator<Item = (&'a Run, Time)> {
    trace.runs().iter().zip(&outcome.starts).filter_map(|(run, at)| Some((run, (*at)?)))
}

/// Rows of cells, of which the first says what the others are of.
struct Table(Vec<Vec<String>>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(String::len).max();
        for row in &self.0 {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                write!(line, "{cell:<width$}  ", width = width(column).unwrap_or(0))?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = || self.outcomes.iter().map(|outcome| outcome.rule.as_str().to_owned());
        let heading = |what: &str| -> Vec<String> {
            [what.to_owned(), "runs".to_owned()].into_iter().chain(rules()).collect()
        };
        let row = |name: String, belongs: &dyn Fn(&Run) -> bool| -> Vec<String> {
            let runs = self.trace.runs().iter().filter(|run| belongs(run)).count().to_string();
            let waits = self.outcomes.iter().map(|outcome| {
                self.waits(outcome, belongs).map_or_else(|| "-".to_owned(), |waits| waits.to_string())
            });
            [name, runs].into_iter().chain(waits).collect()
        };

        writeln!(f, "waits, p50 / p95 / max")?;
        let (projects, has_more) = self.projects();
        let mut rows = vec![heading("project")];
        rows.extend(projects.iter().map(|name| row((*name).to_owned(), &|run: &Run| run.project == *name)));
        if has_more {
            rows.push(row(REST.to_owned(), &|run: &Run| !projects.contains(&run.project.as_str())));
        }
        write!(f, "{}", Table(rows))?;

        let mut priorities: Vec<u8> = self.trace.runs().iter().map(|run| run.priority).collect();
        priorities.sort_unstable_by_key(|priority| std::cmp::Reverse(*priority));
        priorities.dedup();
        let mut rows = vec![heading("priority")];
        rows.extend(priorities.iter().map(|of| row(of.to_string(), &|run: &Run| run.priority == *of)));
        rows.push(row("all".to_owned(), &|_: &Run| true));
        write!(f, "\n{}", Table(rows))?;

        let mut rows =
            vec![heading("of the whole").into_iter().filter(|cell| cell != "runs").collect::<Vec<_>>()];
        let parts = |name: String, part: &dyn Fn(&Outcome) -> String| -> Vec<String> {
            std::iter::once(name).chain(self.outcomes.iter().map(part)).collect()
        };
        let percent =
            |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |part| format!("{:.1} %", 100.0 * part));
        if let Some(slots) = self.cluster.limits.slots.limit {
            rows.push(parts("slots used".to_owned(), &|it| {
                percent(self.used(it, f64::from(slots), |_| 1.0))
            }));
        }
        for quota in &self.cluster.limits.quotas {
            let amount = |run: &Run| run.demand.of(&quota.resource).as_f64();
            let name = format!("{} used", quota.resource);
            rows.push(parts(name, &|it| percent(self.used(it, quota.limit.as_f64(), amount))));
        }
        rows.push(parts("jain's index".to_owned(), &|it| format!("{:.3}", self.fairness(it))));
        rows.push(parts("work lost".to_owned(), &|it| match it.preempted {
            0 => short(it.lost),
            count => format!("{} ({count} runs)", short(it.lost)),
        }));
        let last = |outcome: &Outcome| {
            let begin = self.trace.runs().first().map_or(Time::from_micros(0), |run| run.submitted);
            started(self.trace, outcome)
                .map(|(run, at)| at.plus(run.duration).since(begin))
                .max()
                .unwrap_or_default()
        };
        rows.push(parts("all ended after".to_owned(), &|it| short(last(it))));
        write!(f, "\n{}", Table(rows))
    }
}

/// A duration by its largest unit, with one digit after the point where that tells something.
#[must_use]
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        s if s < 60.0 => (s, "s"),
        s if s < 3_600.0 => (s / 60.0, "min"),
        s if s < 86_400.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "d"),
    };
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// The amounts of a cluster for people: `64 gpu, 20 slots`.
#[must_use]
pub fn amounts(cluster: &Cluster) -> String {
    let slots = cluster.limits.slots.limit.map(|slots| format!("{slots} slots"));
    let quota = |(resource, limit): (&str, Quantity)| format!("{limit} {resource}");
    let quotas = cluster.limits.quotas.iter().map(|quota| (quota.resource.as_str(), quota.limit)).map(quota);
    slots.into_iter().chain(quotas).collect::<Vec<_>>().join(", ")
}

/// Which rules there are, for people.
#[must_use]
pub fn rule_names() -> String {
    Rule::ALL.map(Rule::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_by_the_nearest_rank() {
        let waits = Waits::of((1..=100).rev().map(Duration::from_secs)).unwrap();
        assert_eq!(
            (waits.p50, waits.p95, waits.max),
            (Duration::from_secs(50), Duration::from_secs(95), Duration::from_secs(100))
        );
        assert_eq!(waits.to_string(), "50 s / 1.6 min / 1.7 min");
        assert_eq!(Waits::of([]), None);
    }

    #[test]
    fn the_index_is_one_where_all_have_the_same_and_a_part_where_one_has_all() {
        assert!((jain(&[2.0, 2.0, 2.0]) - 1.0).abs() < 1e-9);
        assert!((jain(&[1.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-9);
        assert!((jain(&[]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn durations_have_the_unit_that_they_reach() {
        for (seconds, text) in
            [(0.0, "0 s"), (59.94, "59.9 s"), (60.0, "1 min"), (5_400.0, "1.5 h"), (259_200.0, "3 d")]
        {
            assert_eq!(short(Duration::from_secs_f64(seconds)), text);
        }
    }
}
