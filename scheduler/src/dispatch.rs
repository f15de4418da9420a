//! Admission and offers: one organization's lock, one question to `berth_domain::scheduling`, one transaction,
//! one publish; again, as long as something was admitted.

use std::collections::HashMap;
use std::time::Duration;

use berth_broker::offer::{self, Offer};
use berth_broker::{Publish, PublishError};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, step};
use berth_domain::scheduling::{QueueProtocol, choose};
use berth_store::{AdmissionOptions, Admitted, OfferedRun};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::context::{Context, Pace};
use crate::outbox::Error;
use crate::traces::{self, Publishing};
use crate::workers;

/// The most runs that one transaction admits: large enough to amortize its round trips, small enough that
/// claims and reports, which wait for the same rows, are not held up noticeably.
const BATCH: usize = 500;

/// The most that one transaction admits of one lane (a project's runs in a queue).
const HEADS: u32 = 256;

/// How often what holds runs back is written down: as exact is what a run is told that it had waited for.
const NOTE_WAITS: Duration = Duration::from_secs(1);

/// Without a hint, waiting runs are looked at this often: what a lost wake-up costs.
const SWEEP: Duration = Duration::from_secs(2);

/// Admits and offers whatever may start, until the shutdown.
pub(crate) async fn dispatch_forever(context: Context) {
    let mut pace = Pace::new("dispatch", &context, &context.dispatch, SWEEP);
    let mut noted = Noted::default();
    while pace.next().await {
        pace.round(dispatch(&context, &mut noted)).await;
    }
}

/// When what holds an organization's runs back was written down last, by its name.
#[derive(Debug, Default)]
struct Noted(HashMap<String, Instant>);

impl Noted {
    /// Whether it is time again; if so it was now.
    fn is_due(&mut self, owner: &str) -> bool {
        let is_due = self.0.get(owner).is_none_or(|at| at.elapsed() >= NOTE_WAITS);
        if is_due {
            self.0.insert(owner.to_owned(), Instant::now());
        }
        is_due
    }
}

async fn dispatch(context: &Context, noted: &mut Noted) -> Result<(), Error> {
    // Without a broker nothing can be offered: nothing is admitted, which would only hold slots.
    let broker_is_up = context.broker.connection().borrow().up;
    for owner in context.store.owners_with_work().await? {
        while !context.shutdown.is_cancelled() {
            let began = Instant::now();
            let now = context.clock.now();
            let notes_waits = noted.is_due(&owner);
            if !broker_is_up && !notes_waits {
                break;
            }
            let options =
                AdmissionOptions { broker_is_up, heads: HEADS, notes_waits, ..AdmissionOptions::default() };
            let mut may_make_room = false;
            let round = context.store.with_admission(&owner, now, options, |snapshot| {
                may_make_room = !snapshot.holders.is_empty();
                choose(snapshot, BATCH)
            });
            let admitted = match round.await? {
                Admitted::Runs(admitted) => admitted,
                Admitted::MadeRoom(asked) => {
                    tracing::info!(runs = asked.len(), "scheduler.preempted: runs make room for others");
                    context.nudge.notify_one();
                    continue;
                }
                // Another replica holds the organization's lock, and does the same.
                Admitted::Busy => break,
            };
            if admitted.is_empty() {
                break;
            }
            // A short round means that nothing is left, or that every lane gave all its heads: look again. Room is made
            // when nothing may start any more.
            let is_last = admitted.len() < HEADS as usize && !may_make_room;
            for run in &admitted {
                context.metrics.dispatched(&run.agent, &run.queue);
                if let Some(queued_at) = run.dispatch.queued_at {
                    context.metrics.waited(&run.agent, &run.queue, now.since(queued_at));
                }
            }
            traces::admitted(context, &admitted, now);
            publish(context, admitted, true).await?;
            context.metrics.dispatch_took(began.elapsed());
            if is_last {
                break;
            }
        }
    }
    Ok(())
}

/// Publishes offers, the first ones or others. An offer may be lost, doubled or late: nothing depends on it but time.
pub(crate) async fn publish(
    context: &Context,
    runs: impl IntoIterator<Item = OfferedRun>,
    are_first: bool,
) -> Result<(), Error> {
    let mut handed = Vec::new();
    // By their places in the batch.
    let mut recorded: Vec<(usize, Publishing)> = Vec::new();
    let mut ids: Vec<RunId> = Vec::new();
    let batch: Vec<Publish> = runs
        .into_iter()
        .filter_map(|run| {
            let (id, to) = (run.id, context.names.offers(&run.agent, &run.queue));
            let publishing = Publishing::of(context, &run, are_first);
            let message = match run.protocol {
                QueueProtocol::Berth => offer::encode(&offer(context, run)?),
                QueueProtocol::Celery => workers::offered(context, run, &mut handed)?,
            };
            recorded.extend(publishing.map(|publishing| (ids.len(), publishing)));
            ids.push(id);
            Some(Publish { to, message })
        })
        .collect();
    if batch.is_empty() {
        return Ok(());
    }
    let (began, began_at) = (Instant::now(), context.clock.now());
    let published = context.broker.publish(batch).await;
    if !recorded.is_empty() {
        let times = (began_at, context.clock.now());
        for (place, publishing) in recorded {
            let failed = published.as_ref().err().filter(|error| error.unconfirmed.contains(&place));
            publishing.published(context, times, failed.map(|error| error.reason.to_string()).as_deref());
        }
    }
    if let Err(error) = published {
        note_failed(context, &ids, &error).await?;
        return Err(error.into());
    }
    context.metrics.confirm_took(began.elapsed());
    workers::hand(context, &handed).await
}

/// Remembers which offers the broker may not have: they are made again first, and warned of if that goes on failing.
async fn note_failed(context: &Context, ids: &[RunId], error: &PublishError) -> Result<(), Error> {
    let failed: Vec<RunId> = error.unconfirmed.iter().filter_map(|place| ids.get(*place).copied()).collect();
    let now = context.clock.now();
    context.transition(&failed, now, |head| step(&head.dispatch, &Event::OfferFailed, now, 0.0).ok()).await?;
    Ok(())
}

/// The offer of an admitted run; none, with a log line, if its stored operation is not JSON.
pub(crate) fn offer(context: &Context, run: OfferedRun) -> Option<Offer> {
    let trace = traces::offered(context, &run);
    let content = run.content.unwrap_or_else(|| "{}".to_owned());
    let operation = RawValue::from_string(content)
        .inspect_err(|error| {
            let trace_id = run.trace.as_ref().map(|trace| tracing::field::display(trace.trace));
            tracing::error!(run.id = %run.id, trace_id, %error, "the operation of run {} is not JSON", run.id);
        })
        .ok()?;
    Some(Offer {
        run: run.id.uuid(),
        attempt: run.attempt,
        agent: run.agent,
        queue: run.queue,
        owner: run.owner,
        project: run.project,
        name: run.name,
        operation,
        spec_hash: run.spec_hash.unwrap_or_default(),
        #[expect(clippy::cast_precision_loss, reason = "seconds of a time-out need no 53 bits")]
        hard_limit: run.timeout_ms.map(|millis| millis as f64 / 1_000.0),
        soft_limit: None,
        eta: None,
        expires: run.dispatch.expires_at.map(|expires| expires.to_string()),
        root_id: None,
        parent_id: None,
        needs: run.needs.names(),
        trace,
    })
}
