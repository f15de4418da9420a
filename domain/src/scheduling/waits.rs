//! What runs had waited for. It is remembered by lane and not by run, since all runs of a lane are held back by the same:
//! so it costs what changes, and not what waits. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::admit::Choice;
use super::reserve::Reservations;
use super::rules::{Block, Rule, blocks_with};
use super::snapshot::{Lane, Snapshot};
use crate::id::RunId;
use crate::lifecycle::{Condition, Status};
use crate::time::Time;

/// Shorter than this, a wait is what looking takes, and no rule's.
const SHORTEST: Duration = Duration::from_millis(100);

/// Something that holds a lane back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The rule.
    pub rule: Rule,
    /// What it is set on, as in a [`Block`].
    pub level: String,
    /// The name of that.
    pub name: String,
}

impl From<Block> for Hold {
    fn from(block: Block) -> Self {
        Self { rule: block.rule, level: block.level, name: block.name }
    }
}

/// For how long something held a lane back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// What.
    pub hold: Hold,
    /// Since when.
    pub since: Time,
    /// Until when; none while it does.
    pub until: Option<Time>,
}

/// How long a rule held a run back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// The rule and what it is set on.
    #[serde(flatten)]
    pub hold: Hold,
    /// Seconds. Rules that hold at the same time count each.
    pub seconds: f64,
}

/// What holds each lane back of which something is left when `choice` has started; by its place in the snapshot.
#[must_use]
pub fn holds(snapshot: &Snapshot, choice: &Choice) -> BTreeMap<usize, BTreeSet<Hold>> {
    let started: BTreeSet<RunId> = choice.starts.iter().map(|start| start.run).collect();
    let left = |lane: &Lane| Lane {
        heads: lane.heads.iter().find(|head| !started.contains(&head.run)).copied().into_iter().collect(),
        ..lane.clone()
    };
    let mut after = Snapshot { lanes: snapshot.lanes.iter().map(left).collect(), ..snapshot.clone() };
    for start in &choice.starts {
        let Some(lane) = snapshot.lanes.get(start.lane) else { continue };
        for level in snapshot.levels(lane) {
            if let Some(limits) = after.limits_mut(level) {
                limits.take(&lane.demand);
            }
        }
        if let Some(queue) = after.queues.iter_mut().find(|queue| queue.id == start.queue) {
            queue.window.used += 1;
        }
    }
    let kept = Reservations::of(&after);
    after
        .lanes
        .iter()
        .enumerate()
        .filter(|(_, lane)| !lane.heads.is_empty() || lane.has_more)
        .map(|(at, lane)| (at, blocks_with(&after, lane, &kept).into_iter().map(Hold::from).collect()))
        .collect()
}

/// When a run was in the backlog, as its conditions tell; if it is there yet, until `now`.
#[must_use]
pub fn stays(conditions: &[Condition], now: Time) -> Vec<(Time, Time)> {
    let mut stays = Vec::new();
    let mut since = None;
    for condition in conditions {
        match (condition.status == Status::Queued, since) {
            (true, None) => since = Some(condition.at),
            (false, Some(from)) => {
                stays.push((from, condition.at));
                since = None;
            }
            _ => {}
        }
    }
    stays.extend(since.map(|from| (from, now)));
    stays
}

/// What a run had waited for that was in the backlog in these `stays`, of what had held its lane back; the longest first.
/// What is left was its turn to come.
#[must_use]
pub fn waited(stays: &[(Time, Time)], spells: &[Spell]) -> Vec<Wait> {
    let mut by_hold: BTreeMap<&Hold, Duration> = BTreeMap::new();
    let mut behind = Duration::ZERO;
    for &(from, to) in stays {
        let within = |spell: &Spell| {
            let (since, until) = (spell.since.max(from), spell.until.map_or(to, |until| until.min(to)));
            (since < until).then_some((since, until))
        };
        let mut held: Vec<(Time, Time)> = Vec::new();
        for (spell, (since, until)) in spells.iter().filter_map(|spell| Some((spell, within(spell)?))) {
            *by_hold.entry(&spell.hold).or_default() += until.since(since);
            held.push((since, until));
        }
        held.sort_unstable();
        let mut free_since = from;
        for (since, until) in held.into_iter().chain([(to, to)]) {
            behind += since.since(free_since);
            free_since = free_since.max(until);
        }
    }
    let turn = Hold { rule: Rule::Behind, level: "queue".to_owned(), name: String::new() };
    let mut waited: Vec<Wait> = by_hold
        .into_iter()
        .chain([(&turn, behind)])
        .filter(|(_, long)| *long >= SHORTEST)
        .map(|(hold, long)| Wait { hold: hold.clone(), seconds: long.as_secs_f64() })
        .collect();
    waited.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    waited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn hold(rule: Rule, name: &str) -> Hold {
        Hold { rule, level: "queue".into(), name: name.into() }
    }

    fn spell(rule: Rule, since: i64, until: Option<i64>) -> Spell {
        Spell { hold: hold(rule, "q"), since: at(since), until: until.map(at) }
    }

    fn told(stays: &[(i64, i64)], spells: &[Spell]) -> Vec<(Rule, f64)> {
        let stays: Vec<_> = stays.iter().map(|(from, to)| (at(*from), at(*to))).collect();
        waited(&stays, spells).into_iter().map(|wait| (wait.hold.rule, wait.seconds)).collect()
    }

    #[test]
    fn each_rule_counts_for_as_long_as_it_held_the_run_back_and_the_rest_was_its_turn_to_come() {
        assert_eq!(told(&[], &[spell(Rule::Limit, 0, None)]), []);
        assert_eq!(told(&[(10, 20)], &[]), [(Rule::Behind, 10.0)]);
        let spells = [
            spell(Rule::Limit, 0, Some(12)),
            spell(Rule::Paused, 15, Some(18)),
            spell(Rule::Limit, 16, Some(19)),
            spell(Rule::Rate, 30, None),
        ];
        assert_eq!(
            told(&[(10, 20)], &spells),
            [(Rule::Limit, 5.0), (Rule::Behind, 4.0), (Rule::Paused, 3.0)]
        );
        assert_eq!(
            told(&[(10, 12), (40, 47)], &spells),
            [(Rule::Rate, 7.0), (Rule::Limit, 2.0)],
            "every time it waited, and what holds yet"
        );
    }

    #[test]
    fn a_run_waits_from_when_it_is_queued_until_it_is_anything_else() {
        let condition = |(status, seconds): (Status, i64)| Condition {
            status,
            reason: String::new(),
            message: String::new(),
            attempt: 0,
            at: at(seconds),
        };
        let conditions: Vec<Condition> = [
            (Status::Created, 0),
            (Status::Queued, 1),
            (Status::Queued, 2),
            (Status::Scheduled, 5),
            (Status::Retrying, 6),
            (Status::Queued, 8),
            (Status::Stopped, 9),
            (Status::Queued, 20),
        ]
        .map(condition)
        .to_vec();
        assert_eq!(stays(&conditions, at(22)), [(at(1), at(5)), (at(8), at(9)), (at(20), at(22))]);
    }
}
