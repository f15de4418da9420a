//! Offers: consumed only under a lease and with an executor that is well, claimed, created, acked. Each is held
//! un-acked for seconds, however long its run lives.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use berth_broker::offer::{self, Offer};
use berth_broker::{Delivery, Message};
use berth_domain::dead_letter;
use berth_domain::id::Id;
use berth_domain::lifecycle::{End, FailureClass};
use berth_domain::protocol::{AttemptRef, Envelope, FromAgentBody};
use berth_domain::time::Time;
use berth_domain::trace::SpanId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::claims::Outcome;
use crate::control::chain;
use crate::executor::{CreateError, Object, Order, Turn};
use crate::gather::Gather;
use crate::service::Shared;
use crate::traces::HandOver;
use crate::uptime::Moment;
use crate::watch;

/// How often what should be consumed is looked at, beside when the lease changes: a lease lapses by itself.
const LOOK: Duration = Duration::from_millis(500);
/// How often an executor in trouble is tried, and how often one that is well: trying writes to its disk.
const TRY: Duration = Duration::from_secs(5);
const TRY_THE_WELL: Duration = Duration::from_secs(30);
/// How long offers wait here for their turn to be created, before others may have them.
const TURN: Duration = Duration::from_secs(5);

/// How long a replica that closes waits for the answers to its claims: less than it has to finish what has begun.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How long the envelope of a message may be that is handed over with it: RabbitMQ's own bound of headers.
const ENVELOPE: usize = 128 * 1024;

/// Keeps a consumer for each queue that should have one, until the replica closes.
pub(crate) async fn consume(shared: Arc<Shared>) {
    let mut terms = shared.lease.watch();
    let mut consumers: HashMap<String, CancellationToken> = HashMap::new();
    let consuming = TaskTracker::new();
    let mut tried_at: Option<Instant> = None;
    loop {
        let pause = if shared.load.in_trouble() { TRY } else { TRY_THE_WELL };
        if tried_at.is_none_or(|at| at.elapsed() >= pause) {
            probe(&shared).await;
            tried_at = Some(Instant::now());
        }
        let wanted = wanted(&shared);
        consumers.retain(|queue, stop| {
            if !wanted.contains(queue) {
                stop.cancel();
            }
            !stop.is_cancelled()
        });
        for queue in &wanted {
            if !consumers.contains_key(queue) {
                let stop = shared.closing.child_token();
                consumers.insert(queue.clone(), stop.clone());
                consuming.spawn(consume_one(shared.clone(), queue.clone(), stop));
            }
        }
        shared.metrics.consumers(shared.name.as_str(), consumers.len() as u64);
        shared.load.set_queues(wanted);
        tokio::select! {
            () = shared.closing.cancelled() => break,
            _ = terms.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    consuming.close();
    consuming.wait().await;
    shared.metrics.consumers(shared.name.as_str(), 0);
}

fn wanted(shared: &Shared) -> Vec<String> {
    let terms = shared.lease.watch().borrow().clone();
    if shared.lease.create_until().is_none() || terms.cordoned || shared.load.in_trouble() {
        return Vec::new();
    }
    terms.queues
}

async fn probe(shared: &Shared) {
    match shared.executor.probe().await {
        Ok(()) => {
            if shared.load.set_trouble(false) {
                shared.health.up("executor");
                tracing::info!("agent.executor.well again: offers are taken");
            }
        }
        Err(error) => trouble(shared, &chain(&error)),
    }
}

fn trouble(shared: &Shared, why: &str) {
    if shared.load.set_trouble(true) {
        shared.health.down("executor", why);
        tracing::error!("agent.executor.in_trouble: no offers are taken until it is well: {why}");
    }
}

async fn consume_one(shared: Arc<Shared>, queue: String, stop: CancellationToken) {
    let address = shared.names.offers(shared.name.as_str(), &queue);
    let mut consumer = shared.broker.consume(&address, shared.prefetch).await;
    let prefetch = usize::from(shared.prefetch);
    let (acks, dealt_with) = mpsc::channel(prefetch);
    shared.handovers.spawn(ack(Gather::new(dealt_with, prefetch)));
    loop {
        // Dropped at the end, it gives back what was not taken from it.
        let batch = tokio::select! {
            () = stop.cancelled() => return,
            batch = consumer.next_batch(prefetch) => batch,
        };
        if batch.is_empty() {
            stop.cancel();
            return;
        }
        for delivery in batch {
            let (shared_, queue, stop) = (shared.clone(), queue.clone(), stop.clone());
            let acks = acks.clone();
            shared.handovers.spawn(async move {
                shared_.load.hold_offer();
                take(&shared_, &queue, &stop, &acks, delivery).await;
                shared_.load.let_go_offer();
            });
        }
    }
}

/// Acks what was dealt with, until all was.
async fn ack(mut dealt_with: Gather<Delivery>) {
    while let Some(batch) = dealt_with.next().await {
        if let Err(error) = berth_broker::ack_many(batch).await {
            tracing::debug!(%error, "agent.offer.stale");
        }
    }
}

/// What is to happen to an offer in the end.
enum Verdict {
    Ack,
    GiveBack,
}

async fn take(
    shared: &Arc<Shared>,
    queue: &str,
    stop: &CancellationToken,
    acks: &mpsc::Sender<Delivery>,
    delivery: Delivery,
) {
    let (arrived, arrived_at) = (Instant::now(), shared.clock.now());
    let verdict = match offer::decode(&delivery.message) {
        Ok(offer) => match turn(shared, stop).await {
            Some(turn) => claim(shared, offer, turn, (arrived, arrived_at)).await,
            None => Verdict::GiveBack,
        },
        Err(error) => report_undecodable(shared, queue, stop, &delivery, &error.to_string()).await,
    };
    match verdict {
        Verdict::Ack => {
            if acks.send(delivery).await.is_err() {
                tracing::debug!("agent.offer.unacked: it comes again");
            }
        }
        Verdict::GiveBack => {
            if let Err(error) = delivery.requeue().await {
                tracing::debug!(%error, "agent.offer.stale");
            }
        }
    }
}

async fn report_undecodable(
    shared: &Shared,
    queue: &str,
    stop: &CancellationToken,
    delivery: &Delivery,
    reason: &str,
) -> Verdict {
    tracing::warn!(queue.name = queue, reason, "agent.offer.undecodable: it becomes a dead letter");
    match shared.out.say(undecodable(queue, &delivery.message, reason)).await {
        Ok(()) => Verdict::Ack,
        Err(error) => {
            tracing::warn!(%error, "agent.offer.undecodable_unsent");
            // It should not come straight back.
            stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            Verdict::GiveBack
        }
    }
}

/// What is handed over of a message: no more than is kept of it, or it would be larger than the one that came, and a
/// broker that took that one would refuse it.
fn undecodable(queue: &str, message: &Message, reason: &str) -> FromAgentBody {
    let (body, body_is_cut) = dead_letter::kept(&message.body);
    let envelope = Envelope {
        content_type: message.properties.content_type.clone(),
        content_encoding: message.properties.content_encoding.clone(),
        headers: (&message.headers).into(),
    };
    let envelope = Some(envelope).filter(|envelope| length(envelope) <= ENVELOPE);
    FromAgentBody::Undecodable {
        queue: queue.to_owned(),
        raw: base64::engine::general_purpose::STANDARD.encode(body),
        reason: reason.to_owned(),
        is_cut: body_is_cut || message.cut_from.is_some() || envelope.is_none(),
        envelope,
    }
}

/// How long an envelope is as it travels.
fn length(envelope: &Envelope) -> usize {
    serde_json::to_vec(envelope).map_or(usize::MAX, |text| text.len())
}

/// Waits for a turn to create, unclaimed, while the queue is consumed; none if the offer is to go back.
async fn turn(shared: &Shared, stop: &CancellationToken) -> Option<Turn> {
    match stop.run_until_cancelled(tokio::time::timeout(TURN, shared.executor.turn())).await? {
        Ok(Ok(turn)) if shared.lease.create_until().is_some() && !shared.load.in_trouble() => {
            return Some(turn);
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => trouble(shared, &chain(&error)),
        Err(_) => {
            // All that waits goes back. The queue is consumed again at the next look, so that others come first.
            stop.cancel();
            return None;
        }
    }
    // The consumer is about to end; until then it should not come straight back.
    stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
    None
}

async fn claim(
    shared: &Arc<Shared>,
    offer: Offer,
    turn: Turn,
    (arrived, arrived_at): (Instant, Time),
) -> Verdict {
    let attempt = AttemptRef { run: Id::from_uuid(offer.run), attempt: offer.attempt };
    let traced = HandOver::of(&offer, arrived_at);
    let span = traced.as_ref().and_then(|traced| traced.claim(shared));
    let claimed = shared.claims.claim(attempt, span);
    let Some(outcome) = answered(claimed, &shared.closing).await else { return Verdict::GiveBack };
    match outcome {
        Outcome::Go { until, replace, span } => {
            let mut order = order(shared, offer, attempt, until, replace);
            order.trace = traced.as_ref().map(|traced| Box::new(traced.granted(shared, span)));
            create(shared, order, turn, traced.map(|traced| (traced, span))).await;
            shared.load.hand_over();
            shared.metrics.handed_over(shared.name.as_str(), arrived.elapsed());
            Verdict::Ack
        }
        Outcome::Drop(reason) => {
            let trace_id = offer.trace.as_ref().map(|trace| tracing::field::display(trace.trace));
            tracing::debug!(run.uuid = %attempt.run, trace_id, attempt = attempt.attempt, reason, "agent.offer.dropped");
            Verdict::Ack
        }
        Outcome::Unanswered => Verdict::GiveBack,
    }
}

/// What became of a claim. One that is on its way when the replica closes is waited for a moment longer: what is granted and
/// not created is only offered again when its claim is over and it was asked for in vain.
async fn answered(claimed: impl Future<Output = Outcome>, closing: &CancellationToken) -> Option<Outcome> {
    let mut claimed = std::pin::pin!(claimed);
    tokio::select! {
        outcome = &mut claimed => Some(outcome),
        () = closing.cancelled() => tokio::time::timeout(LAST_ANSWERS, claimed).await.ok(),
    }
}

fn order(shared: &Shared, offer: Offer, attempt: AttemptRef, claimed_until: Moment, replace: bool) -> Order {
    Order {
        attempt,
        agent: shared.name.to_string(),
        replica: shared.replica.clone(),
        queue: offer.queue,
        owner: offer.owner,
        project: offer.project,
        spec_hash: offer.spec_hash,
        needs: offer.needs,
        operation: offer.operation.get().to_owned(),
        create_by: claimed_until,
        replace,
        trace: None,
    }
}

/// Creates what was granted, and records it of a run that is in a trace, under the grant's span. Whatever becomes of it, the
/// offer has done its part: an attempt that isn't there when its claim is over is offered again by the scheduler.
async fn create(
    shared: &Arc<Shared>,
    mut order: Order,
    turn: Turn,
    traced: Option<(HandOver, Option<SpanId>)>,
) {
    let attempt = order.attempt;
    let trace_id = order.trace.as_ref().map(|trace| tracing::field::display(trace.kept.trace));
    let Some(leased_until) = shared.lease.create_until() else {
        tracing::warn!(run.uuid = %attempt.run, trace_id, "agent.create.unleased: the lease ended before the create");
        return;
    };
    order.create_by = order.create_by.min(leased_until);
    let began = shared.clock.now();
    let record = |made: Result<&Object, &End>| {
        if let Some((traced, grant)) = &traced {
            traced.created(shared, began, *grant, made);
        }
    };
    let refused = |end: End| {
        record(Err(&end));
        let span = traced.as_ref().and_then(|(traced, _)| traced.refused(shared));
        shared.reports.note_nothing(attempt, end, shared.clock.now(), span);
    };
    match turn.create(order).await {
        Ok(object) => {
            tracing::info!(
                run.uuid = %attempt.run, trace_id, attempt = attempt.attempt, object.uid = %object.uid, "agent.created"
            );
            record(Ok(&object));
            watch::report(shared, object).await;
        }
        Err(CreateError::Refused { refusal, .. }) => {
            tracing::info!(
                run.uuid = %attempt.run, trace_id, reason = refusal.reason, "agent.create.refused: {refusal}"
            );
            refused(refusal.end());
        }
        Err(CreateError::Trouble { source, .. }) => trouble(shared, &chain(&source)),
        Err(error @ CreateError::Late(_)) => {
            tracing::warn!(run.uuid = %attempt.run, trace_id, %error, "agent.create.late");
        }
        Err(error @ CreateError::Foreign { .. }) => {
            tracing::error!(run.uuid = %attempt.run, trace_id, %error, "agent.create.foreign");
            refused(End {
                outcome: berth_domain::lifecycle::Outcome::Failed(FailureClass::Config),
                exit_code: None,
                reason: "NameTaken".to_owned(),
                message: error.to_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_answer_to_a_claim_that_is_on_its_way_is_waited_for_when_the_replica_closes() {
        let closing = CancellationToken::new();
        closing.cancel();
        let after = |seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Outcome::Drop("stopped".to_owned())
        };
        assert_eq!(answered(after(1), &closing).await, Some(Outcome::Drop("stopped".to_owned())));
        let before = Instant::now();
        assert_eq!(answered(after(9), &closing).await, None, "but not for long: the offer goes back");
        assert_eq!(before.elapsed(), LAST_ANSWERS);
        let open = CancellationToken::new();
        assert!(answered(after(9), &open).await.is_some(), "for as long as its claim could be good");
    }
}
