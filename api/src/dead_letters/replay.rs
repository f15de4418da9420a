//! Sending dead letters on their way again: a run goes back to its backlog, a message to where it was read.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use berth_broker::{Message, Publish};
use berth_domain::dead_letter::Reason;
use berth_domain::id::{DeadLetterId, RunId};
use berth_domain::lifecycle::{FailureClass, Outcome as RunOutcome, Status, resume};
use berth_store::{Audit, DeadLetter, RunHead};

use crate::app::App;
use crate::authenticate::Caller;
use crate::problem::Problem;

/// What became of letters.
pub(super) struct Outcome {
    /// How many are on their way.
    pub replayed: usize,
    /// Those that stay dead letters, and why.
    pub kept: Vec<(DeadLetterId, String)>,
}

/// Sends letters on their way again, each once.
///
/// # Errors
/// If the store can't be used.
pub(super) async fn replay(
    app: &App,
    caller: &Caller,
    letters: &[DeadLetter],
    audit: &Audit,
) -> Result<Outcome, Problem> {
    let (runs, messages): (Vec<DeadLetter>, Vec<DeadLetter>) =
        letters.iter().cloned().partition(|letter| letter.reason == Reason::Poison);
    let mut outcome = replay_runs(app, caller, &runs, audit).await?;
    let of_messages = replay_messages(app, &messages, audit).await?;
    outcome.replayed += of_messages.replayed;
    outcome.kept.extend(of_messages.kept);
    Ok(outcome)
}

async fn replay_runs(
    app: &App,
    caller: &Caller,
    letters: &[DeadLetter],
    audit: &Audit,
) -> Result<Outcome, Problem> {
    let by = caller.principal.name().to_owned();
    let mut stays: BTreeMap<RunId, String> = BTreeMap::new();
    let decide = |head: &RunHead| match still_poisoned(head) {
        Ok(()) => resume(&head.dispatch, &by, caller.now).ok(),
        Err(why) => {
            stays.insert(head.id, why);
            None
        }
    };
    let going: BTreeSet<DeadLetterId> =
        app.store.replay_dead_runs(letters, audit, decide).await?.into_iter().collect();
    if !going.is_empty() {
        app.wake.changed();
    }
    let why = |letter: &DeadLetter| {
        letter.run_id.and_then(|run| stays.remove(&run)).unwrap_or_else(|| "its run is gone".to_owned())
    };
    Ok(Outcome { replayed: going.len(), kept: kept(letters, &going, why) })
}

/// Whether a run stands where it was set aside; somebody may have resumed it by hand since.
fn still_poisoned(head: &RunHead) -> Result<(), String> {
    let is_poison =
        head.dispatch.end.as_ref().is_some_and(|end| end.outcome == RunOutcome::Failed(FailureClass::Poison));
    match head.dispatch.status {
        Status::Failed if is_poison && head.queue_id.is_some() => Ok(()),
        Status::Failed if is_poison => Err("its queue is gone".to_owned()),
        status => Err(format!("its run is {status} by now: drop the letter")),
    }
}

async fn replay_messages(app: &App, letters: &[DeadLetter], audit: &Audit) -> Result<Outcome, Problem> {
    let mut lost: BTreeMap<DeadLetterId, String> = BTreeMap::new();
    let mut sent: Vec<DeadLetter> = Vec::new();
    let mut batch: Vec<Publish> = Vec::new();
    for letter in letters {
        match message(app, letter) {
            Ok(publish) => {
                batch.push(publish);
                sent.push(letter.clone());
            }
            Err(why) => drop(lost.insert(letter.id, why)),
        }
    }
    if let Err(error) = app.requests_broker.publish(batch).await {
        let unconfirmed: BTreeSet<usize> = error.unconfirmed.iter().copied().collect();
        let mut at = 0;
        sent.retain(|letter| {
            at += 1;
            let is_sent = !unconfirmed.contains(&(at - 1));
            if !is_sent {
                lost.insert(letter.id, error.reason.to_string());
            }
            is_sent
        });
    }
    // After they were sent: one that failed again meanwhile has been counted on, and is not taken for replayed.
    app.store.dead_messages_replayed(&sent, audit).await?;
    let going: BTreeSet<DeadLetterId> = sent.iter().map(|letter| letter.id).collect();
    let why = |letter: &DeadLetter| lost.remove(&letter.id).unwrap_or_default();
    Ok(Outcome { replayed: going.len(), kept: kept(letters, &going, why) })
}

fn kept(
    letters: &[DeadLetter],
    going: &BTreeSet<DeadLetterId>,
    mut why: impl FnMut(&DeadLetter) -> String,
) -> Vec<(DeadLetterId, String)> {
    letters
        .iter()
        .filter(|letter| !going.contains(&letter.id))
        .map(|letter| (letter.id, why(letter)))
        .collect()
}

/// The message as it was, to where it was read.
fn message(app: &App, letter: &DeadLetter) -> Result<Publish, String> {
    let agent = letter.agent.as_deref().ok_or("its agent is gone")?;
    let to = match (letter.reason, letter.queue.as_deref()) {
        (Reason::Undecodable, Some(queue)) => app.names.offers(agent, queue),
        (Reason::Undecodable, None) => return Err("its queue is gone".to_owned()),
        (Reason::Foreign, _) => {
            return Err("what it said was not believed, and is not kept: drop it".to_owned());
        }
        _ => app.names.out(agent),
    };
    if letter.is_cut {
        return Err("only its beginning was kept, since it is too long".to_owned());
    }
    let raw = letter.raw.as_deref().unwrap_or_default();
    let body = STANDARD.decode(raw).map_err(|_| "what was kept of it is not base64".to_owned())?;
    let mut message = Message::json(body);
    if let Some(envelope) = &letter.envelope {
        message.properties.content_type.clone_from(&envelope.content_type);
        message.properties.content_encoding.clone_from(&envelope.content_encoding);
        message.headers = envelope.headers.clone().into();
    }
    Ok(Publish { to, message })
}
