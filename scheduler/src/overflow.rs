//! Waiting runs that have a choice of queues go to another one when theirs is closed, or others have room first.
//!
//! What is decided is `berth_domain::scheduling::next_place`'s, under each run's lock. A round looks at a bounded
//! number of runs of each queue and the next goes on behind them, so that runs that can't move hold up nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use berth_domain::id::{ProjectId, QueueId, RunId};
use berth_domain::lifecycle::{Condition, Status, Step, fail_over};
use berth_domain::scheduling::{Confinement, Demands, Destination, MAX_WINDOW, Next, next_place};
use berth_domain::time::Time;
use berth_store::{Decision, RunHead};
use tokio::sync::Notify;

use crate::context::{Context, Pace, jitter};
use crate::outbox::Error;

/// How often runs that have a choice are looked at: how late they move.
const EVERY: Duration = Duration::from_secs(1);
/// The most runs of one queue that a round looks at.
const BATCH: u32 = 500;

/// Moves what waits in the wrong place, until the shutdown.
pub(crate) async fn overflow_forever(context: Context) {
    let hint = Notify::new();
    let mut pace = Pace::new("overflow", &context, &hint, EVERY);
    let mut reached = Reached::new();
    while pace.next().await {
        pace.round(overflow(&context, &mut reached)).await;
    }
}

/// How far the last round came in each queue.
type Reached = BTreeMap<QueueId, (Time, RunId)>;

/// One look at every queue in which runs wait, or are offered, that have a choice.
async fn overflow(context: &Context, reached: &mut Reached) -> Result<(), Error> {
    let queues = context.store.choosing_queues().await?;
    reached.retain(|queue, _| queues.iter().any(|choosing| choosing.queue == *queue));
    // A restored store doesn't know yet what its agents hold.
    if queues.is_empty() || context.store.restored().await?.is_some() {
        return Ok(());
    }
    let owners: BTreeSet<&str> = queues.iter().map(|choosing| choosing.owner.as_str()).collect();
    for owner in owners {
        let mut world = World::load(context, owner).await?;
        for choosing in queues.iter().filter(|choosing| choosing.owner == owner) {
            look_at(context, &mut world, choosing.queue, reached).await?;
        }
    }
    Ok(())
}

/// Where an organization's runs may go, and how many more.
struct World {
    places: Vec<Destination>,
    rooms: BTreeMap<QueueId, u32>,
    confinements: BTreeMap<ProjectId, Confinement>,
}

impl World {
    async fn load(context: &Context, owner: &str) -> Result<Self, Error> {
        let places = context.store.destinations(owner).await?;
        let ids: Vec<QueueId> = places.iter().map(|place| place.queue).collect();
        let rooms = context.store.rooms(&ids, context.clock.now()).await?;
        Ok(Self { places, rooms, confinements: context.store.confinements(owner).await? })
    }

    /// Whether a queue beside that one has room: without any, no run needs to be looked at.
    fn has_room_beside(&self, queue: QueueId) -> bool {
        self.rooms.iter().any(|(other, room)| *other != queue && *room > 0)
    }

    /// Decides about a run, and takes the room that it gets.
    fn decide(&mut self, head: &RunHead, now: Time) -> Option<Decision> {
        let stay = head.stay()?;
        let unconfined = Confinement::default();
        let confinement = self.confinements.get(&head.project_id).unwrap_or(&unconfined);
        let demands = Demands { routing: head.routing.as_ref()?, needs: head.needs, confinement };
        let has_room = |place: &Destination| self.rooms.get(&place.queue).is_some_and(|room| *room > 0);
        let Next::Moves { to, why } = next_place(demands, &stay, &self.places, now, has_room) else {
            return None;
        };
        let from = self.places.iter().find(|place| place.queue == stay.queue)?;
        let mut step = match head.dispatch.status {
            Status::Queued => stays(head),
            // Only an agent that is away leaves its offers behind; others take them, or give them back.
            Status::Scheduled if from.waits_for_agent() => {
                fail_over(&head.dispatch, from.host.id, &from.host.name, now, jitter()).ok()?
            }
            _ => return None,
        };
        let message = format!("Moved from {from} to {to}: {why}");
        let attempt = step.state.attempt;
        step.conditions.push(Condition::new(step.state.status, "Overflow", message, attempt, now));
        let (queue, agent) = (to.queue, to.host.id);
        if let Some(room) = self.rooms.get_mut(&queue) {
            *room = room.saturating_sub(1);
        }
        Some(Decision::moving(step, queue, agent))
    }
}

fn stays(head: &RunHead) -> Step {
    Step { state: head.dispatch.clone(), conditions: Vec::new(), dead_letter: None }
}

async fn look_at(
    context: &Context,
    world: &mut World,
    queue: QueueId,
    reached: &mut Reached,
) -> Result<(), Error> {
    let now = context.clock.now();
    let Some(here) = world.places.iter().find(|place| place.queue == queue) else { return Ok(()) };
    let is_closed = here.closed(now).is_some();
    // What a project may not use any more is left at once; which runs that are, their queue doesn't tell.
    let since = match here.overflow_after {
        _ if is_closed || !world.confinements.is_empty() => now,
        Some(patience) if world.has_room_beside(queue) => now.minus(patience),
        _ => return Ok(()),
    };
    let after = reached.get(&queue).copied();
    let waiting = context.store.choosing_runs(queue, since, after, BATCH).await?;
    match waiting.last() {
        Some(last) if waiting.len() >= BATCH as usize => reached.insert(queue, *last),
        _ => reached.remove(&queue),
    };
    let mut ids: Vec<RunId> = waiting.into_iter().map(|(_, run)| run).collect();
    if here.waits_for_agent() {
        ids.extend(context.store.offered_with_choice(here.host.id, queue, MAX_WINDOW).await?);
    }
    let moved = context.transition(&ids, now, |head| world.decide(head, now)).await?;
    if !moved.is_empty() {
        tracing::info!(runs = moved.len(), "{} waiting runs move to other queues", moved.len());
        context.dispatch.notify_one();
    }
    Ok(())
}
