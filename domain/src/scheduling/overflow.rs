//! When a waiting run that has a choice goes to another of its queues: at once when where it waits is closed, and
//! when it has waited there for long and another one has room.
//!
//! It never flaps: a run does not come back to a queue before that queue's own patience has passed since it left,
//! so that it goes round its queues at most once in that time, whatever opens and closes meanwhile. A run that no
//! queue has room for stays, and keeps its place.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::Limit;
use super::places::{Demands, Destination, named};
use crate::id::QueueId;
use crate::time::Time;

/// How long a run that may go elsewhere waits in a queue before it does, if nothing else is said.
pub const OVERFLOW_AFTER: Duration = Duration::from_secs(60);

/// Where a run waits, and where it did before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The queue.
    pub queue: QueueId,
    /// Since when it waits there.
    pub since: Time,
    /// When it left others.
    pub left: BTreeMap<QueueId, Time>,
}

impl Stay {
    /// Where a run waits that comes to its first queue.
    #[must_use]
    pub fn begun(queue: QueueId, now: Time) -> Self {
        Self { queue, since: now, left: BTreeMap::new() }
    }

    /// Where it has been once it leaves at `now`, without what no patience looks back to.
    #[must_use]
    pub fn leave(&self, now: Time) -> BTreeMap<QueueId, Time> {
        let mut left = self.left.clone();
        left.retain(|_, at| now.since(*at) <= LONGEST_PATIENCE);
        left.insert(self.queue, now);
        left
    }
}

/// The longest patience that a queue may have.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(86_400);

/// What becomes of a waiting run.
#[derive(Debug, Clone, PartialEq)]
pub enum Next<'a> {
    /// It stays where it is.
    Stays,
    /// From then on it moves as soon as another of its queues has room.
    Overflows(Time),
    /// It moves now.
    Moves {
        /// Where to.
        to: &'a Destination,
        /// Why, for people.
        why: String,
    },
}

/// Decides where a waiting run goes next, if anywhere.
#[must_use]
pub fn next_place<'a>(
    demands: Demands<'_>,
    stay: &Stay,
    all: &'a [Destination],
    now: Time,
    has_room: impl Fn(&Destination) -> bool,
) -> Next<'a> {
    let asked: Vec<&Destination> = named(demands.routing, all).collect();
    // Somebody moved it where it did not ask to be.
    let Some(here) = asked.iter().position(|place| place.queue == stay.queue) else { return Next::Stays };
    let is_rested = |place: &Destination| {
        let patience = place.overflow_after.unwrap_or(OVERFLOW_AFTER);
        stay.left.get(&place.queue).is_none_or(|left| left.plus(patience) <= now)
    };
    let others = asked[here + 1..].iter().chain(&asked[..here]).copied();
    let mut open = others.filter(|place| {
        place.queue != stay.queue && demands.fit(place) && place.is_open(now) && is_rested(place)
    });
    let roomy = open.clone().find(|place| has_room(place));
    let here = asked[here];
    if let Some(why) = closed(demands, here, now) {
        let to = roomy.or_else(|| open.next());
        return to.map_or(Next::Stays, |to| Next::Moves { to, why });
    }
    let Some(patience) = here.overflow_after else { return Next::Stays };
    let due = stay.since.plus(patience);
    match roomy.filter(|_| due <= now) {
        Some(to) => {
            let why = format!("it waited for {} s in {here}", now.since(stay.since).as_secs());
            Next::Moves { to, why }
        }
        None if asked.len() > 1 => Next::Overflows(due),
        None => Next::Stays,
    }
}

/// Why it can't start where it is, for people.
fn closed(demands: Demands<'_>, here: &Destination, now: Time) -> Option<String> {
    let confined = || {
        let allowed = demands.confinement.outside(&here.host.name, &here.name)?;
        Some(format!("its project is confined to {allowed}"))
    };
    here.closed(now).or_else(confined)
}

/// What a waiting run may expect, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// The queues that it may wait in, in its order of preference.
    pub candidates: Vec<String>,
    /// From when on it moves if another one has room, if ever.
    pub overflow_at: Option<Time>,
    /// A sentence.
    pub message: String,
}

/// Tells what [`next_place`] decides; none of a run that has no choice.
#[must_use]
pub fn outlook(
    demands: Demands<'_>,
    stay: &Stay,
    all: &[Destination],
    now: Time,
    has_room: impl Fn(&Destination) -> bool,
) -> Option<Outlook> {
    let candidates: Vec<String> = demands.candidates(all).iter().map(ToString::to_string).collect();
    if candidates.is_empty() {
        return None;
    }
    let (overflow_at, message) = match next_place(demands, stay, all, now, has_room) {
        Next::Stays => (None, "it stays in its queue until that lets it start".to_owned()),
        Next::Overflows(at) if at <= now => {
            (Some(at), "it moves as soon as another of its queues is open and has room".to_owned())
        }
        Next::Overflows(at) => {
            (Some(at), format!("it moves at {at} if another of its queues is open and has room then"))
        }
        Next::Moves { to, why } => (Some(now), format!("it is about to move to {to}: {why}")),
    };
    Some(Outlook { candidates, overflow_at, message })
}

/// What waits for longer has been looked at and may not start; the rest is about to.
const CHOOSING: Duration = Duration::from_secs(5);

/// How many more runs could start in a queue at `now`, by its own slots and its agent's, when the `waiting` that it has have
/// started; none where the `oldest` of these has waited for longer than choosing takes.
#[must_use]
pub fn room(queue: Limit, agent: Limit, waiting: u32, oldest: Option<Time>, now: Time) -> u32 {
    if oldest.is_some_and(|oldest| oldest.plus(CHOOSING) <= now) {
        return 0;
    }
    let left = |slots: Limit| slots.limit.map_or(u32::MAX, |limit| limit.saturating_sub(slots.used));
    left(queue).min(left(agent)).saturating_sub(waiting)
}

#[cfg(test)]
mod tests;
