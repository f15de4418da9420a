//! The replica's ear: its control queue. Nothing here waits for the executor; what does is done aside, so that a lease
//! is never late.

use std::sync::Arc;
use std::time::Duration;

use berth_broker::{Delivery, Incoming, Message};
use berth_domain::protocol::logs::Request;
use berth_domain::protocol::{
    Answer, AttemptRef, EndReceipt, FromAgentBody, Question, ToAgent, ToAgentBody, VERSION,
};
use berth_domain::waiting::Load;
use futures_util::{StreamExt, stream};

use crate::archive;
use crate::lease::Granted;
use crate::logs;
use crate::reports::Receipted;
use crate::service::{Shared, control_topology};
use crate::traces;
use crate::watch;

/// How many control messages are held at most.
const PREFETCH: u16 = 256;
const AGAIN: Duration = Duration::from_millis(500);

/// Listens, for as long as the replica lives.
pub(crate) async fn listen(shared: Arc<Shared>) {
    if shared.stop.run_until_cancelled(declare(&shared)).await.is_none() {
        return;
    }
    let mut consumer = shared.broker.consume(&shared.control, PREFETCH).await;
    loop {
        let batch = tokio::select! {
            () = shared.stop.cancelled() => return,
            batch = consumer.next_batch(usize::from(PREFETCH)) => batch,
        };
        if batch.is_empty() {
            tracing::warn!("agent.control.closed: the connection to the broker was closed");
            return;
        }
        for delivery in &batch {
            hear(&shared, &delivery.message);
        }
        ack(batch).await;
    }
}

async fn ack(batch: Vec<Delivery>) {
    if let Err(error) = berth_broker::ack_many(batch).await {
        tracing::debug!(%error, "agent.control.ack_stale");
    }
}

async fn declare(shared: &Shared) {
    let topology = control_topology(shared);
    let mut last = String::new();
    while let Err(error) = shared.broker.apply(&topology).await {
        let text = error.to_string();
        if text != last {
            tracing::warn!(%error, queue = %shared.control.queue, "agent.control.undeclared: will try again");
            last = text;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn hear(shared: &Arc<Shared>, message: &Message) {
    match shared.requests.accept(message) {
        Incoming::Credit => {}
        Incoming::Request(responder) => match serde_json::from_slice::<Request>(&message.body) {
            Ok(request) => {
                let answering = logs::answer(shared.clone(), responder, request);
                shared.tracker.spawn(answering);
            }
            Err(error) => {
                shared.tracker.spawn(logs::fail(responder, format!("the request can't be read: {error}")));
            }
        },
        Incoming::Other => match serde_json::from_slice::<ToAgent>(&message.body) {
            Ok(said) if said.version > VERSION => {
                tracing::warn!(
                    version = said.version,
                    "agent.control.too_new: this agent knows versions up to {VERSION}; update it"
                );
            }
            Ok(said) => heed(shared, said.body),
            Err(error) => tracing::warn!(%error, "agent.control.unreadable"),
        },
    }
}

fn heed(shared: &Arc<Shared>, body: ToAgentBody) {
    let aside = shared.clone();
    match body {
        ToAgentBody::LeaseGranted { nonce, queues, cordoned, seen } => {
            let granted = shared.lease.grant(&nonce, queues, cordoned, seen);
            if granted != Granted::Unknown {
                shared.tracker.spawn(async move {
                    aside.executor.note_lease(aside.lease.asked_at()).await;
                    if granted == Granted::Anew {
                        hello(&aside).await;
                    }
                });
            }
        }
        ToAgentBody::LeaseRefused { nonce, reason } => {
            if shared.lease.refuse(&nonce, &reason) {
                tracing::error!(agent.name = %shared.name, "agent.lease.refused: {reason}");
                shared.health.down("lease", reason);
            }
        }
        ToAgentBody::Waiting(queues) => {
            if let Some(load) = &shared.waiting {
                let name = shared.name.to_string();
                let queues = queues.into_iter().map(|queue| (name.clone(), queue)).collect();
                load.send_replace(Some(Load { at: shared.clock.now(), queues, requests: None }));
            }
        }
        ToAgentBody::ClaimAnswers(answers) => shared.claims.answer(answers),
        ToAgentBody::Receipts(receipts) => {
            shared.tracker.spawn(async move { settle(&aside, receipts).await });
        }
        ToAgentBody::Remove(attempts) => {
            shared.tracker.spawn(async move { remove(&aside, attempts).await });
        }
        ToAgentBody::Questions(questions) => {
            shared.tracker.spawn(async move { look(&aside, questions).await });
        }
        ToAgentBody::Forget(runs) => {
            shared.tracker.spawn(async move { archive::forget(&aside, runs).await });
        }
    }
}

/// After a hello was heard: tells all that is held, before anything is claimed.
async fn hello(shared: &Arc<Shared>) {
    // Before the look: what it finds is then of that epoch, or of a later one.
    let epoch = shared.lease.seen().map(|seen| seen.epoch);
    let objects = match shared.executor.inventory().await {
        Ok(objects) => objects,
        Err(error) => {
            tracing::error!(error = %chain(&error), "agent.inventory.failed: nothing is claimed until it can be told");
            return;
        }
    };
    let held = objects.iter().map(crate::executor::Object::held).collect();
    if let Err(error) = shared.out.say_of(epoch, FromAgentBody::Inventory(held)).await {
        tracing::warn!(%error, "agent.inventory.unsent: nothing is claimed until it is");
        return;
    }
    watch::note(shared, objects).await;
    shared.reports.all_again();
    shared.lease.reconciled();
    shared.health.up("lease");
    tracing::info!(agent.name = %shared.name, agent.replica = %shared.replica, "agent.lease.granted");
}

async fn settle(shared: &Shared, receipts: Vec<EndReceipt>) {
    let mut ended = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        let Receipted::Release(news) = shared.reports.receipt(&receipt) else { continue };
        if let Some(object) = news.filter(|object| object.trace.is_some()) {
            // Each replica may report an end that is overdue; one of them records it.
            if let Some(object) = watch::of_this_replica_alone(shared, *object).await {
                traces::ran(shared, &object);
            }
        }
        ended.push(AttemptRef { run: receipt.run, attempt: receipt.attempt });
    }
    watch::release(shared, ended).await;
}

async fn remove(shared: &Arc<Shared>, attempts: Vec<AttemptRef>) {
    stream::iter(attempts).for_each_concurrent(watch::AT_ONCE, |attempt| remove_one(shared, attempt)).await;
}

async fn remove_one(shared: &Arc<Shared>, attempt: AttemptRef) {
    if let Some(object) = shared.reports.object(attempt) {
        archive::begin(shared, &object);
    }
    if let Err(error) = shared.executor.stop(attempt, None).await {
        let trace_id = traces::id_of(shared, attempt);
        tracing::warn!(run.uuid = %attempt.run, trace_id, error = %chain(&error), "agent.stop.failed: the scheduler will say it again");
    }
    // If it has ended, or never was, the scheduler doesn't know.
    shared.reports.again(attempt);
}

/// Answers questions by a look made now. What can't be looked at is not answered.
async fn look(shared: &Arc<Shared>, questions: Vec<Question>) {
    let mut answers = Vec::with_capacity(questions.len());
    for Question { run, attempt, question } in questions {
        let asked = AttemptRef { run, attempt };
        match shared.executor.look(asked).await {
            Ok(found) => {
                answers.push(Answer { run, attempt, question, present: found.is_some() });
                if let Some(object) = found {
                    watch::report(shared, object).await;
                    shared.reports.again(asked);
                }
            }
            Err(error) => tracing::warn!(run.uuid = %run, error = %chain(&error), "agent.look.failed"),
        }
    }
    if let Err(error) = shared.out.say(FromAgentBody::Answers(answers)).await {
        tracing::warn!(%error, "agent.answers.unsent: they will be asked for again");
    }
}

/// An error with what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
