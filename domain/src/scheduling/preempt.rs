//! Making room: which runs end, and wait again, so that one that goes before them and that a limit holds back can start.
//!
//! Only a queue that allows it has others end, only runs of the same agent end that come after it by priority (their
//! queue's, then their own), and of these the ones that lose the least work. Nobody is asked in vain: what would be chosen
//! next, once they are gone, is chosen by [`admit`] itself, and if it is not the run that they end for, they stay. So two
//! runs never take a place from each other in turns: whoever takes it goes before whoever loses it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::admit::admit;
use super::rules::{Rule, own_blocks};
use super::settings::Preemption;
use super::snapshot::{Candidate, Holder, Lane, Level, Snapshot, Stands, rank};
use crate::id::{AgentId, QueueId, RunId};
use crate::quantity::Quantity;

/// How many runs are asked in one round. The next follows when the store knows of these.
const MOST: usize = 16;
/// How often a round tries what would be chosen next.
const TRIES: usize = 32;
/// So many waiting runs of each lane are looked at.
const HEADS: usize = 32;

/// A run that is to make room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Victim {
    /// Which.
    pub run: RunId,
    /// For which run.
    pub by: RunId,
    /// Why, for people.
    pub reason: String,
}

/// The runs that are to make room now, for the runs whose turn is first; fewest work lost first.
#[must_use]
pub fn preempt(snapshot: &Snapshot) -> Vec<Victim> {
    let mut victims = Vec::new();
    if snapshot.holders.is_empty() || is_torn(snapshot) {
        return victims;
    }
    let mut scene = Scene::of(snapshot);
    let mut hopeless = BTreeSet::new();
    let mut tries = 0;
    for (index, head) in waiting(snapshot) {
        if victims.len() >= MOST || tries >= TRIES {
            break;
        }
        // It has room already, or will have when those are gone that were asked before.
        if scene.starts.contains(&head.run) || hopeless.contains(&index) {
            continue;
        }
        let lane = &snapshot.lanes[index];
        let Some(leaving) = scene.least_work(snapshot, lane, head) else {
            hopeless.insert(index);
            continue;
        };
        tries += 1;
        let Some(next) = scene.without(&leaving, head.run) else {
            hopeless.insert(index);
            continue;
        };
        scene = next;
        let why =
            own_blocks(snapshot, lane).into_iter().map(|block| block.message).next().unwrap_or_default();
        let reason = format!("Run {} goes before it and needs its place: {why}", head.run);
        victims.extend(leaving.iter().map(|holder| Victim {
            run: holder.run,
            by: head.run,
            reason: reason.clone(),
        }));
    }
    victims
}

/// Whether holders and the sums of what is used were read at different moments: what ended between them would be missed, and
/// another one asked in its place. The next round, which every end brings about, sees both.
fn is_torn(snapshot: &Snapshot) -> bool {
    let agents: BTreeSet<Option<AgentId>> =
        snapshot.holders.iter().map(|holder| agent_of(snapshot, holder.lane.queue)).collect();
    snapshot.queues.iter().filter(|queue| agents.contains(&Some(queue.agent))).any(|queue| {
        let held = snapshot.holders.iter().filter(|holder| holder.lane.queue == queue.id).count();
        usize::try_from(queue.limits.slots.used) != Ok(held)
    })
}

/// The waiting runs that may have others end and that nothing but limits on what runs at a time holds back, by their turns.
fn waiting(snapshot: &Snapshot) -> Vec<(usize, &Candidate)> {
    let mut found: Vec<(usize, &Candidate)> = Vec::new();
    for (index, lane) in snapshot.lanes.iter().enumerate() {
        let allows =
            snapshot.queue(lane.queue).is_some_and(|queue| queue.preemption == Preemption::LowerPriority);
        if !allows {
            continue;
        }
        let blocks = own_blocks(snapshot, lane);
        if !blocks.is_empty() && blocks.iter().all(|block| matches!(block.rule, Rule::Limit | Rule::Quota)) {
            found.extend(lane.heads.iter().take(HEADS).map(|head| (index, head)));
        }
    }
    found.sort_by_key(|(index, head)| snapshot.turn(&snapshot.lanes[*index], head));
    found
}

/// What will be when all that was asked to make room is gone, and waits again.
struct Scene<'a> {
    /// What is used then, and what waits.
    world: Snapshot,
    /// What is used when all of that has started which then may.
    after: Snapshot,
    /// What starts then.
    starts: BTreeSet<RunId>,
    /// For which runs room was made.
    room_for: Vec<RunId>,
    /// Who could still be asked, the least work first.
    holders: Vec<&'a Holder>,
}

/// That a level has too little left for a run.
struct Shortage<'a> {
    level: Level,
    /// Of a resource; none: of slots.
    of: Option<&'a str>,
    missing: Quantity,
}

impl Shortage<'_> {
    /// How much of it `holder` gives back.
    fn given_by(&self, snapshot: &Snapshot, holder: &Holder) -> Quantity {
        if !snapshot.levels(&holder.lane).any(|level| level == self.level) {
            return Quantity::ZERO;
        }
        self.of.map_or(Quantity::from_units(1), |resource| holder.lane.demand.of(resource))
    }
}

impl<'a> Scene<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let lanes = snapshot.lanes.iter().map(|lane| Lane {
            heads: lane.heads.iter().take(HEADS).copied().collect(),
            has_more: lane.has_more || lane.heads.len() > HEADS,
            ..lane.clone()
        });
        let mut world = Snapshot { lanes: lanes.collect(), holders: Vec::new(), ..snapshot.clone() };
        let mut room_for = Vec::new();
        let mut holders = Vec::new();
        for holder in &snapshot.holders {
            match holder.stands {
                Stands::Leaves { by } => {
                    leave(&mut world, holder);
                    room_for.push(by);
                }
                Stands::Offered | Stands::Live { .. } => holders.push(holder),
                Stands::Keeps => {}
            }
        }
        holders.sort_by_key(|holder| {
            (
                lost(snapshot, holder),
                precedence(snapshot, holder.lane.queue, holder.priority),
                Reverse(holder.run),
            )
        });
        Self::then(world, room_for, holders)
    }

    fn then(world: Snapshot, room_for: Vec<RunId>, holders: Vec<&'a Holder>) -> Self {
        let mut after = world.clone();
        let mut starts = BTreeSet::new();
        for start in admit(&world, usize::MAX).starts {
            let lane = &world.lanes[start.lane];
            for level in world.levels(lane) {
                if let Some(limits) = after.limits_mut(level) {
                    limits.take(&lane.demand);
                }
            }
            starts.insert(start.run);
        }
        Self { world, after, starts, room_for, holders }
    }

    /// The same when `leaving` are gone, too; none if `by` then does not start, or one that room was made for before.
    fn without(&self, leaving: &[&'a Holder], by: RunId) -> Option<Self> {
        let mut world = self.world.clone();
        for holder in leaving {
            leave(&mut world, holder);
        }
        let holders = self
            .holders
            .iter()
            .copied()
            .filter(|one| leaving.iter().all(|gone| gone.run != one.run))
            .collect();
        let mut room_for = self.room_for.clone();
        room_for.push(by);
        let next = Self::then(world, room_for, holders);
        let is_kept = |run: &RunId| !self.starts.contains(run) || next.starts.contains(run);
        (next.starts.contains(&by) && self.room_for.iter().all(is_kept)).then_some(next)
    }

    /// Those that lose the least work together, as far as that is found by asking one after the other, and sparing whom
    /// the others make needless. None if all of them were too few.
    fn least_work(&self, snapshot: &Snapshot, lane: &Lane, head: &Candidate) -> Option<Vec<&'a Holder>> {
        let mut shortages = self.shortages(lane)?;
        let agent = agent_of(snapshot, lane.queue);
        let own = precedence(snapshot, lane.queue, head.priority);
        let mut leaving = Vec::new();
        for holder in &self.holders {
            if shortages.iter().all(|short| short.missing == Quantity::ZERO) {
                break;
            }
            let comes_after = agent_of(snapshot, holder.lane.queue) == agent
                && precedence(snapshot, holder.lane.queue, holder.priority) < own;
            let helps = |short: &Shortage<'_>| {
                short.missing > Quantity::ZERO && short.given_by(snapshot, holder) > Quantity::ZERO
            };
            if comes_after && shortages.iter().any(helps) {
                for short in &mut shortages {
                    short.missing = short.missing.saturating_sub(short.given_by(snapshot, holder));
                }
                leaving.push(*holder);
            }
        }
        if shortages.iter().any(|short| short.missing > Quantity::ZERO) {
            return None;
        }
        let needed = self.shortages(lane)?;
        for at in (0..leaving.len()).rev() {
            let rest =
                || leaving.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, holder)| *holder);
            let is_enough = needed.iter().all(|short| {
                let given = rest().map(|holder| short.given_by(snapshot, holder));
                given.fold(Quantity::ZERO, Quantity::saturating_add) >= short.missing
            });
            if is_enough {
                leaving.remove(at);
            }
        }
        Some(leaving)
    }

    /// What is too little for a run of `lane`, beside all that starts before it; none if nothing is, or if it is too large.
    fn shortages<'l>(&self, lane: &'l Lane) -> Option<Vec<Shortage<'l>>> {
        let mut found = Vec::new();
        for level in self.after.levels(lane) {
            let Some(view) = self.after.level(level) else { continue };
            let slots = view.limits.slots;
            if let Some(limit) = slots.limit.filter(|_| slots.is_full()) {
                let over = i64::from(slots.used) + 1 - i64::from(limit);
                found.push(Shortage { level, of: None, missing: Quantity::from_units(over) });
            }
            for (resource, asked) in lane.demand.iter() {
                let quota = view.limits.quotas.iter().find(|quota| quota.resource == resource);
                if let Some(quota) = quota.filter(|quota| !quota.holds(asked)) {
                    if !quota.could_hold(asked) {
                        return None;
                    }
                    let missing = quota.used.saturating_add(asked).saturating_sub(quota.limit);
                    found.push(Shortage { level, of: Some(resource), missing });
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }
}

/// A run's precedence at its agent: larger first.
fn precedence(snapshot: &Snapshot, queue: QueueId, priority: u8) -> (i64, u8) {
    (snapshot.queue(queue).map_or(i64::MIN, |queue| rank(queue.priority)), priority)
}

fn agent_of(snapshot: &Snapshot, queue: QueueId) -> Option<AgentId> {
    snapshot.queue(queue).map(|queue| queue.agent)
}

/// The work that is lost when it ends now.
fn lost(snapshot: &Snapshot, holder: &Holder) -> Duration {
    match holder.stands {
        Stands::Live { since } => snapshot.now.since(since),
        Stands::Offered | Stands::Leaves { .. } | Stands::Keeps => Duration::ZERO,
    }
}

/// Counts the end of `holder`, which then waits again.
fn leave(world: &mut Snapshot, holder: &Holder) {
    let of: Vec<Level> = world.levels(&holder.lane).collect();
    for level in of {
        if let Some(limits) = world.limits_mut(level) {
            limits.give_back(&holder.lane.demand);
        }
    }
    let is_offered = holder.stands == Stands::Offered;
    if let Some(queue) = world.queues.iter_mut().find(|queue| is_offered && queue.id == holder.lane.queue) {
        queue.window.used = queue.window.used.saturating_sub(1);
    }
    let again = Candidate { run: holder.run, priority: holder.priority, queued_at: world.now };
    world.lanes.push(Lane { heads: vec![again], ..holder.lane.clone() });
}

#[cfg(test)]
mod tests;
