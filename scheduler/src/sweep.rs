//! The outbox's second look: offers that the broker has lost are published again.
//!
//! The admitted and unclaimed attempts in the store are the outbox. A queue whose depth is below what is
//! outstanding has lost something (or an agent holds it un-acked for a moment: an offer more does no harm).
//! A broker without our marker is a new one, or was wiped: everything outstanding is offered again at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, step};
use berth_store::OutstandingOffers;

use crate::context::{Context, Pace};
use crate::dispatch;
use crate::outbox::Error;

/// How often the broker's depth is compared with what is outstanding.
const EVERY: Duration = Duration::from_secs(3);

/// An offer younger than this is not offered again; each time it was, the wait doubles.
const PATIENCE: Duration = Duration::from_secs(4);

/// The most offers repeated for one queue in one round.
const BATCH: u32 = 500;

/// Looks after offers, until the shutdown.
pub(crate) async fn sweep_forever(context: Context) {
    let mut pace = Pace::new("looking after offers", &context, &context.sweep, EVERY);
    while pace.next().await {
        pace.round(sweep(&context)).await;
    }
}

async fn sweep(context: &Context) -> Result<(), Error> {
    if !context.broker.connection().borrow().up {
        return Ok(());
    }
    let is_new = recognize(context).await?;
    for queue in context.store.outstanding_offers().await? {
        let missing = if is_new { queue.offers } else { missing(context, &queue).await? };
        if missing > 0 {
            offer_again(context, &queue, missing, is_new).await?;
        }
    }
    Ok(())
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

async fn missing(context: &Context, queue: &OutstandingOffers) -> Result<u64, Error> {
    let address = context.names.offers(&queue.agent, &queue.queue);
    let depth = match context.broker.depth(&address).await {
        Ok(depth) => depth,
        Err(berth_broker::Error::NoSuchQueue { .. }) => {
            context.wipes.fetch_add(1, Ordering::SeqCst);
            context.agents.notify_one();
            return Ok(0);
        }
        Err(error) => return Err(error.into()),
    };
    Ok(queue.offers.saturating_sub(depth.ready + depth.unacked.unwrap_or(0)))
}

async fn offer_again(
    context: &Context,
    queue: &OutstandingOffers,
    missing: u64,
    is_new: bool,
) -> Result<(), Error> {
    let now = context.clock.now();
    let limit = if is_new { u32::MAX } else { u32::try_from(missing).unwrap_or(u32::MAX).min(BATCH) };
    let older_than = if is_new { now } else { now.minus(PATIENCE) };
    let offers = context.store.offered_runs(queue.agent_id, queue.queue_id, older_than, limit).await?;
    let lost: Vec<_> = offers
        .into_iter()
        .filter(|run| {
            is_new
                || run.dispatch.offered.is_none_or(|offered| {
                    let patience = PATIENCE * 2_u32.pow(offered.times.saturating_sub(1).min(5));
                    now.since(offered.at) >= patience
                })
        })
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let ids: Vec<RunId> = lost.iter().map(|run| run.id).collect();
    tracing::info!(agent.name = %queue.agent, queue.name = %queue.queue, offers = ids.len(), "offers are repeated");
    dispatch::publish(context, lost).await?;
    context.store.transition(&ids, now, |head| step(&head.dispatch, &Event::Offer, now, 0.0).ok()).await?;
    Ok(())
}
