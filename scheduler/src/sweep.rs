//! The outbox's second look: offers that the broker has lost are published again.
//!
//! The admitted and unclaimed attempts in the store are the outbox. A queue whose depth is below what is
//! outstanding has lost something. An offer repeated does no harm, and one that is believed to be held for ever
//! would, so what the broker says of un-acked messages is trusted for a while only. A broker without our marker is
//! a new one, or was wiped: everything outstanding is offered again at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use berth_broker::Depth;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{DispatchState, Event, OFFER_HELD_AT_MOST, OFFER_PATIENCE, step};
use berth_domain::time::Time;
use berth_store::{OfferedRun, OutstandingOffers};

use crate::context::{Context, Pace};
use crate::dispatch;
use crate::outbox::Error;

/// How often the broker's depth is compared with what is outstanding.
const EVERY: Duration = Duration::from_secs(3);

/// The most offers repeated for one queue in one round.
const BATCH: u32 = 500;

/// Looks after offers, until the shutdown.
pub(crate) async fn sweep_forever(context: Context) {
    let mut pace = Pace::new("looking after offers", &context, &context.sweep, EVERY);
    let mut lost_before = None;
    while pace.next().await {
        pace.round(sweep(&context, &mut lost_before)).await;
    }
}

/// One look. What the broker lost with all its data, everything from before `lost_before`, is owed until every
/// queue has it again.
async fn sweep(context: &Context, lost_before: &mut Option<Time>) -> Result<(), Error> {
    if !context.broker.connection().borrow().up {
        return Ok(());
    }
    if recognize(context).await? {
        *lost_before = Some(context.clock.now());
    }
    let mut failure = None;
    for queue in context.store.outstanding_offers().await? {
        let looked_after = match *lost_before {
            Some(lost_before) => offer_all_again(context, &queue, lost_before).await,
            None => offer_missing_again(context, &queue).await,
        };
        // One queue in trouble (leaderless, full) keeps nothing from the others.
        if let Err(error) = looked_after {
            failure.get_or_insert(error);
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    *lost_before = None;
    Ok(())
}

/// Outstanding offers that don't wait in their queue.
#[derive(Debug, PartialEq, Eq)]
struct Missing {
    /// Nobody has them.
    lost: u64,
    /// Somebody holds them, the broker says.
    held: u64,
}

impl Missing {
    fn of(outstanding: u64, depth: Depth) -> Self {
        let absent = outstanding.saturating_sub(depth.ready);
        let held = absent.min(depth.unacked.unwrap_or(0));
        Self { lost: absent - held, held }
    }

    const fn is_none(&self) -> bool {
        self.lost == 0 && self.held == 0
    }
}

/// Whether the broker lacks the marker that we put on it: then it is not the one that we knew.
async fn recognize(context: &Context) -> Result<bool, Error> {
    let known = context.store.broker_marker().await?;
    if let Some(token) = &known
        && context.broker.marker_exists(token).await?
    {
        return Ok(false);
    }
    let token = RunId::new().to_string();
    context.broker.put_marker(&token).await?;
    if !context.store.set_broker_marker(known.as_deref(), &token).await? {
        // Another replica was first; its marker is looked for in the next round.
        return Ok(false);
    }
    if known.is_some() {
        tracing::warn!("the broker came back without its data; everything is declared and offered again");
    }
    context.wipes.fetch_add(1, Ordering::SeqCst);
    context.agents.notify_one();
    Ok(known.is_some())
}

async fn offer_all_again(
    context: &Context,
    queue: &OutstandingOffers,
    lost_before: Time,
) -> Result<(), Error> {
    let lost = context.store.offered_runs(queue.agent_id, queue.queue_id, lost_before, u32::MAX).await?;
    offer_again(context, queue, lost).await
}

async fn offer_missing_again(context: &Context, queue: &OutstandingOffers) -> Result<(), Error> {
    let address = context.names.offers(&queue.agent, &queue.queue);
    let depth = match context.broker.depth(&address).await {
        Ok(depth) => depth,
        Err(berth_broker::Error::NoSuchQueue { .. }) => {
            context.wipes.fetch_add(1, Ordering::SeqCst);
            context.agents.notify_one();
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let missing = Missing::of(queue.offers, depth);
    if queue.failing > 0 && missing.is_none() {
        return note_made(context, queue).await;
    }
    for (most, patience) in [(missing.lost, OFFER_PATIENCE), (missing.held, OFFER_HELD_AT_MOST)] {
        if most > 0 {
            offer_oldest_again(context, queue, most, patience).await?;
        }
    }
    Ok(())
}

/// Notes that the broker has what it seemed to refuse: a confirm that is lost fails an offer, too.
async fn note_made(context: &Context, queue: &OutstandingOffers) -> Result<(), Error> {
    let never = Time::from_micros(0);
    let failing = context.store.offered_runs(queue.agent_id, queue.queue_id, never, BATCH).await?;
    let ids: Vec<RunId> = failing.iter().map(|run| run.id).collect();
    let now = context.clock.now();
    let made = |state: &DispatchState| {
        state.offered?.failing_since?;
        step(state, &Event::Offer, now, 0.0).ok()
    };
    context.transition(&ids, now, |head| made(&head.dispatch)).await?;
    Ok(())
}

/// Offers up to `most` again that were last offered `patience` ago or earlier.
async fn offer_oldest_again(
    context: &Context,
    queue: &OutstandingOffers,
    most: u64,
    patience: Duration,
) -> Result<(), Error> {
    let now = context.clock.now();
    let most = u32::try_from(most).unwrap_or(u32::MAX).min(BATCH);
    let mut offers =
        context.store.offered_runs(queue.agent_id, queue.queue_id, now.minus(patience), most).await?;
    offers.retain(|run| run.dispatch.offer_again_at(patience).is_none_or(|at| at <= now));
    offer_again(context, queue, offers).await
}

async fn offer_again(
    context: &Context,
    queue: &OutstandingOffers,
    lost: Vec<OfferedRun>,
) -> Result<(), Error> {
    if lost.is_empty() {
        return Ok(());
    }
    let ids: Vec<RunId> = lost.iter().map(|run| run.id).collect();
    dispatch::publish(context, lost, false).await?;
    tracing::info!(agent.name = %queue.agent, queue.name = %queue.queue, offers = ids.len(), "offers were repeated");
    let now = context.clock.now();
    context.transition(&ids, now, |head| step(&head.dispatch, &Event::Offer, now, 0.0).ok()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(outstanding: u64, ready: u64, unacked: Option<u64>) -> (u64, u64) {
        let Missing { lost, held } = Missing::of(outstanding, Depth { ready, unacked });
        (lost, held)
    }

    #[test]
    fn what_is_neither_waiting_nor_held_is_lost() {
        assert_eq!(missing(10, 10, Some(0)), (0, 0));
        assert_eq!(missing(10, 4, Some(6)), (0, 6));
        assert_eq!(missing(10, 4, Some(1)), (5, 1));
        assert_eq!(missing(10, 0, Some(0)), (10, 0));
    }

    #[test]
    fn where_nobody_counts_what_is_held_all_that_does_not_wait_is_lost() {
        assert_eq!(missing(10, 4, None), (6, 0));
    }

    #[test]
    fn a_count_that_is_too_high_hides_nothing_for_ever() {
        // Statistics of a moment ago: 30 were held then. What doesn't wait is still looked at, if later.
        assert_eq!(missing(10, 4, Some(30)), (0, 6));
        assert_eq!(missing(10, 25, Some(3)), (0, 0));
    }
}
