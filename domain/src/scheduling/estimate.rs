//! When a waiting run may start, with the spread of that: from how many starts come before its own, and from how fast its
//! queue started runs while others waited. Where these tell too little, nothing is said.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fairness::dominant_part;
use super::limits::Quota;
use super::rules::{Rule, blocks};
use super::snapshot::{Lane, Level, QueueView, Snapshot};
use crate::time::Time;

/// When a run may start, with its spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The middle: as likely before as after.
    pub at: Time,
    /// Hardly before.
    pub low: Time,
    /// Hardly after.
    pub high: Time,
}

/// So many moments of starts are remembered of a queue,
const REMEMBERED: usize = 64;
/// and so many of each of its classes.
const REMEMBERED_OF_CLASS: usize = 48;
/// So many classes are remembered, those that started something last.
const CLASSES: usize = 8;
/// Starts that follow each other within this time are one moment, so that what is remembered reaches back for a minute
/// at the least.
const MOMENT: Duration = Duration::from_secs(1);
/// Fewer starts than this tell nothing about the next.
const FEWEST: f64 = 8.0;
/// The spread has 90 of 100 cases between its ends, if starts go on as they did: so many deviations of a normal.
const DEVIATIONS: f64 = 1.645;
/// How far off a rate is that goes on as it did, beside what chance does: what is submitted tomorrow is not known.
const DRIFT: f64 = 0.2;
/// An estimate that may well be off by a larger factor is not given.
const LARGEST_FACTOR: f64 = 2.0;

/// Starts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, u32, bool)", into = "(i64, u32, bool)")]
struct Moment {
    at: Time,
    starts: u32,
    /// Whether something that could have started if the queue had room was left waiting: only then does the time until
    /// the next start tell how fast the queue goes.
    waits: bool,
}

impl From<(i64, u32, bool)> for Moment {
    fn from((at, starts, waits): (i64, u32, bool)) -> Self {
        Self { at: Time::from_micros(at), starts, waits }
    }
}

impl From<Moment> for (i64, u32, bool) {
    fn from(moment: Moment) -> Self {
        (moment.at.micros(), moment.starts, moment.waits)
    }
}

/// The last moments, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Moments(Vec<Moment>);

/// Starts of a share of the queue with one priority. Nothing passes anything within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Class {
    share: String,
    priority: u8,
    moments: Moments,
}

/// How fast a queue started runs lately, and each class of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    all: Moments,
    classes: Vec<Class>,
}

/// What starts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts<'a> {
    /// From which share of the queue.
    pub share: &'a str,
    /// Of which priority.
    pub priority: u8,
    /// How many.
    pub count: u32,
    /// Whether such runs are left waiting, for nothing but room in the queue.
    pub waits: bool,
}

/// When so many starts are over, in seconds from now.
#[derive(Debug, Clone, Copy)]
struct Forecast {
    mean: f64,
    variance: f64,
}

impl Moments {
    fn note(&mut self, at: Time, starts: u32, waits: bool, most: usize) {
        match self.0.last_mut() {
            Some(last) if at.since(last.at) < MOMENT => {
                last.starts = last.starts.saturating_add(starts);
                last.waits = waits;
            }
            _ => self.0.push(Moment { at, starts, waits }),
        }
        let surplus = self.0.len().saturating_sub(most);
        self.0.drain(..surplus);
    }

    /// The times, in seconds, that starts took for which something waited, with how many started then.
    fn gaps(&self, now: Time) -> Vec<(f64, f64)> {
        let seconds = |from: &Moment, to: Time| to.since(from.at).as_secs_f64();
        let pairs = self.0.iter().zip(self.0.iter().skip(1)).filter(|(before, _)| before.waits);
        let mut gaps: Vec<(f64, f64)> =
            pairs.map(|(before, after)| (seconds(before, after.at), f64::from(after.starts))).collect();
        // If nothing has started for longer than usual, the next start would be a late one even now.
        let (time, starts) = sum(&gaps);
        if let Some(last) = self.0.last().filter(|last| last.waits && seconds(last, now) * starts > time) {
            gaps.push((seconds(last, now), 1.0));
        }
        gaps
    }

    /// When so many more starts are over, if they go on as they did; nothing, if there were too few.
    fn forecast(&self, now: Time, starts: u64) -> Option<Forecast> {
        let gaps = self.gaps(now);
        let (time, seen) = sum(&gaps);
        if seen < FEWEST || time <= 0.0 || starts == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a place in a queue needs no 53 bits")]
        let starts = starts as f64;
        let step = time / seen;
        let mean = step * starts;
        let of_step = gaps.iter().map(|(gap, starts)| (gap - step * starts).powi(2)).sum::<f64>() / seen;
        let lump = step * gaps.iter().map(|(_, starts)| starts * starts).sum::<f64>() / seen;
        // Chance until then and in the past that the mean is taken from; where in a lump of starts it falls (evenly, so
        // that a third of the square is its variance); and what nobody can know.
        let chance = of_step * starts * (1.0 + starts / seen);
        Some(Forecast { mean, variance: chance + lump.powi(2) / 3.0 + (DRIFT * mean).powi(2) })
    }
}

fn sum(gaps: &[(f64, f64)]) -> (f64, f64) {
    gaps.iter().fold((0.0, 0.0), |(time, starts), (gap, count)| (time + gap, starts + count))
}

impl Pace {
    /// Remembers what was started.
    pub fn note(&mut self, at: Time, started: &[Starts<'_>], waits: bool) {
        let count = started.iter().map(|starts| starts.count).fold(0, u32::saturating_add);
        self.all.note(at, count, waits, REMEMBERED);
        for starts in started {
            let is_it = |class: &Class| class.share == starts.share && class.priority == starts.priority;
            let mut class = match self.classes.iter().position(is_it) {
                Some(known) => self.classes.remove(known),
                None => Class {
                    share: starts.share.to_owned(),
                    priority: starts.priority,
                    moments: Moments::default(),
                },
            };
            class.moments.note(at, starts.count, starts.waits, REMEMBERED_OF_CLASS);
            self.classes.push(class);
        }
        let surplus = self.classes.len().saturating_sub(CLASSES);
        self.classes.drain(..surplus);
    }

    /// When a run may start that is due after so many starts of the queue, and of its class, each with its own; nothing,
    /// if that is not known to a factor of two.
    ///
    /// The starts of the queue don't tell of runs that are not there yet and will pass it, those of the class not of
    /// others that have only just come: so the later of the two holds, and is the less sure the more they differ.
    #[must_use]
    fn estimate(
        &self,
        now: Time,
        of_queue: u64,
        (share, priority): (&str, u8),
        of_class: u64,
    ) -> Option<Estimate> {
        let class = self.classes.iter().find(|class| class.share == share && class.priority == priority);
        let by_queue = self.all.forecast(now, of_queue)?;
        let by_class = match class.and_then(|class| class.moments.forecast(now, of_class)) {
            Some(forecast) => forecast,
            None if of_queue == of_class => by_queue,
            None => return None,
        };
        let later = if by_class.mean > by_queue.mean { by_class } else { by_queue };
        let mean = later.mean;
        let variance = later.variance + (by_class.mean - by_queue.mean).powi(2) / 4.0;
        // Times are not negative: they are taken to be log-normal.
        let log_variance = (1.0 + variance / (mean * mean)).ln();
        let factor = (DEVIATIONS * log_variance.sqrt()).exp();
        if factor > LARGEST_FACTOR {
            return None;
        }
        let middle = mean / (log_variance / 2.0).exp();
        let after = |seconds: f64| Duration::try_from_secs_f64(seconds).ok().map(|wait| now.plus(wait));
        Some(Estimate { at: after(middle)?, low: after(middle / factor)?, high: after(middle * factor)? })
    }
}

/// The waiting runs of one lane, counted against a run that is asked about; that run is in none of the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead<'a> {
    /// The lane; its heads don't matter.
    pub lane: &'a Lane,
    /// Those of a larger priority.
    pub higher: u64,
    /// Those of the same priority.
    pub equal: u64,
    /// Those of the same priority that have waited for longer.
    pub older: u64,
}

/// What of a share starts before, or could.
#[derive(Default)]
struct Share {
    higher: u64,
    equal: u64,
    older: u64,
    /// The parts of the queue that these take together.
    parts: i128,
}

/// How many starts of the queue, and of the run's own class, it takes until a run of `lane` has started, its own among
/// them: those of a larger priority, and of the same priority those of its share that are older and those of other shares
/// whose turn comes before.
fn starts_until(queue: &QueueView, lane: &Lane, ahead: &[Ahead<'_>]) -> (u64, u64) {
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for counted in ahead {
        let share = shares.entry(&counted.lane.share).or_default();
        share.higher += counted.higher;
        share.equal += counted.equal;
        share.older += counted.older;
        let part = i128::from(dominant_part(&queue.limits, &counted.lane.demand));
        share.parts += part * i128::from(counted.higher + counted.equal);
    }
    let own = shares.remove(lane.share.as_str()).unwrap_or_default();
    let own_due = queue.due_after(&lane.share, &own, own.higher + own.older);
    let of_others = shares.iter().map(|(key, share)| {
        let first = queue.due_after(key, share, share.higher);
        let step = queue.due_after(key, share, share.higher + 1) - first;
        let before = (own_due - first + step - 1).div_euclid(step.max(1)).max(0);
        share.higher + u64::try_from(before).unwrap_or(u64::MAX).min(share.equal)
    });
    (1 + own.higher + own.older + of_others.sum::<u64>(), 1 + own.older)
}

impl QueueView {
    /// Where the next start of a share is due after so many of its runs have started.
    fn due_after(&self, key: &str, share: &Share, starts: u64) -> i128 {
        let weight = self.fairness.shares.get(key).map_or(1, |share| share.weight.max(1));
        let runs = i128::from((share.higher + share.equal).max(1));
        let step = (share.parts / runs / i128::from(weight)).max(1);
        i128::from(self.fairness.due(key)) + step * i128::from(starts)
    }
}

/// When a run of `lane` may start that all of `ahead` are counted against. Nothing is said where something other than a
/// limit that others wait for too holds it back, since nobody knows when that ends.
#[must_use]
pub fn estimate(snapshot: &Snapshot, lane: &Lane, ahead: &[Ahead<'_>]) -> Option<Estimate> {
    let queue = snapshot.queue(lane.queue)?;
    let waits_its_turn = |block: &super::Block| {
        matches!(block.rule, Rule::Limit | Rule::Quota | Rule::Rate | Rule::Window | Rule::Reserved)
    };
    if !moves_with_its_queue(snapshot, lane) || !blocks(snapshot, lane).iter().all(waits_its_turn) {
        return None;
    }
    let moving: Vec<Ahead<'_>> =
        ahead.iter().copied().filter(|counted| moves_with_its_queue(snapshot, counted.lane)).collect();
    let (of_queue, of_class) = starts_until(queue, lane, &moving);
    let class = (lane.share.as_str(), lane.heads.first()?.priority);
    queue.pace.estimate(snapshot.now, of_queue, class, of_class)
}

/// Whether no limit of its own holds a lane back, one of its project or of its pipelines, and it asks for nothing that
/// there will never be.
fn moves_with_its_queue(snapshot: &Snapshot, lane: &Lane) -> bool {
    let could_hold = |quota: &Quota| quota.could_hold(lane.demand.of(&quota.resource));
    snapshot.levels(lane).all(|level| {
        let Some(view) = snapshot.level(level) else { return true };
        let is_shared = !matches!(level, Level::Project(_) | Level::Pipeline(_));
        view.limits.quotas.iter().all(could_hold) && (is_shared || view.limits.holds(&lane.demand))
    })
}

#[cfg(test)]
mod tests;
