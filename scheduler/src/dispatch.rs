//! Admission and offers: one organization's lock, one question to `berth_domain::scheduling`, one transaction,
//! one publish; again, as long as something was admitted.

use std::time::Duration;

use berth_broker::celery::offer::{self, Offer};
use berth_broker::{Message, Publish};
use berth_domain::scheduling::admit;
use berth_store::{Admitted, Offerable};
use tokio::time::Instant;

use crate::context::{Context, converge_forever};
use crate::outbox::Error;

/// The most runs that one transaction admits: large enough to amortize its round trips, small enough that
/// claims and reports, which wait for the same rows, are not held up noticeably.
const BATCH: usize = 500;

/// Without a hint, waiting runs are looked at this often: what a lost wake-up costs.
const SWEEP: Duration = Duration::from_secs(1);

/// Admits and offers whatever may start, until the shutdown.
pub(crate) async fn dispatch_forever(context: Context) {
    converge_forever("dispatch", &context, &context.dispatch, SWEEP, async || dispatch(&context).await).await;
}

async fn dispatch(context: &Context) -> Result<(), Error> {
    // Without a broker nothing can be offered; what was admitted would only hold slots.
    if !context.broker.connection().borrow().up {
        return Ok(());
    }
    for owner in context.store.owners_with_backlog().await? {
        while !context.shutdown.is_cancelled() {
            let began = Instant::now();
            let now = context.clock.now();
            let round = context
                .store
                .with_admission(&owner, now, BATCH, |snapshot| {
                    admit(snapshot, BATCH).into_iter().map(|admission| admission.run).collect()
                })
                .await?;
            // Another replica holds the organization's lock and does the same.
            let Some(admitted) = round else { break };
            if admitted.is_empty() {
                break;
            }
            let is_last = admitted.len() < BATCH;
            for run in &admitted {
                context.metrics.dispatched(&run.offer.agent, &run.offer.queue);
                context.metrics.waited(&run.offer.agent, &run.offer.queue, now.since(run.queued_at));
            }
            publish(context, admitted.into_iter().map(|Admitted { offer, .. }| offer)).await?;
            context.metrics.dispatch_took(began.elapsed());
            if is_last {
                break;
            }
        }
    }
    Ok(())
}

/// Publishes offers. An offer may be lost, doubled or late: nothing depends on it but time.
pub(crate) async fn publish(
    context: &Context,
    offers: impl IntoIterator<Item = Offerable>,
) -> Result<(), Error> {
    let batch: Vec<Publish> = offers
        .into_iter()
        .filter_map(|run| {
            let to = context.names.offers(&run.agent, &run.queue);
            message(context, run).map(|message| Publish { to, message })
        })
        .collect();
    if batch.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    context.broker.publish(batch).await?;
    context.metrics.confirm_took(began.elapsed());
    Ok(())
}

fn message(_context: &Context, run: Offerable) -> Option<Message> {
    let id = run.run;
    let offer = Offer::from(run);
    offer::encode(&offer)
        .inspect_err(|error| tracing::error!(run.id = %id, %error, "the offer of run {id} can't be written"))
        .ok()
}
