//! Celery workers in the place of an agent, for queues whose protocol is `celery`: the lower-trust way. An attempt is
//! theirs as soon as it is published; they answer by its result, on their agent's `out` queue, whose identity it is.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_broker::celery::control::{self, Command, NAMESPACE, Received};
use berth_broker::celery::result::{Status as State, TaskResult};
use berth_broker::{Message, handed};
use berth_domain::id::{AgentId, RunId};
use berth_domain::lifecycle::{End, Event, FailureClass, Outcome, WorkerSaid, step};
use berth_store::{Agent, Decision, Edit, OfferedRun};
use serde_json::{Value, json};

use crate::context::{Context, jitter};
use crate::dispatch;
use crate::intake::reports::{Finished, count};
use crate::outbox::Error;

/// How much of an exception's text is kept, in characters.
const MAX_TEXT: usize = 2_048;
/// The largest returned value, as JSON, that becomes a run's outputs, in bytes.
const MAX_OUTPUTS: usize = 64 * 1024;

/// An attempt that was published to workers.
pub(crate) struct Handed {
    run: RunId,
    attempt: u32,
    answer_within: Duration,
}

/// The message of an attempt for workers, which becomes theirs once it is published.
pub(crate) fn offered(context: &Context, run: OfferedRun, handed: &mut Vec<Handed>) -> Option<Message> {
    let out = context.names.out(&run.agent);
    let (id, attempt, answer_within) = (run.id, run.attempt, run.answer_within);
    let mut offer = dispatch::offer(context, run)?;
    // Whoever finds it later than that is waited for by nobody.
    offer.expires = Some(context.clock.now().plus(answer_within).to_string());
    handed.push(Handed { run: id, attempt, answer_within });
    Some(handed::encode(&offer, context.broker.name_for_workers(&out)))
}

/// Notes that attempts were published. Until then they count as offered, and are published again if this fails.
pub(crate) async fn hand(context: &Context, handed: &[Handed]) -> Result<(), Error> {
    let now = context.clock.now();
    let by_run: BTreeMap<RunId, &Handed> = handed.iter().map(|handed| (handed.run, handed)).collect();
    let ids: Vec<RunId> = by_run.keys().copied().collect();
    let hand = |head: &berth_store::RunHead| {
        let &&Handed { attempt, answer_within, .. } = by_run.get(&head.id)?;
        step(&head.dispatch, &Event::Hand { attempt, answer_within }, now, 0.0).ok()
    };
    context.transition(&ids, now, hand).await?;
    context.timers.notify_one();
    Ok(())
}

/// Asks workers to end attempts. Whether they heard, nobody knows: it is said again until the runs have ended.
pub(crate) async fn revoke(context: &Context, agent: AgentId, tasks: Vec<String>) -> Result<(), Error> {
    if !context.broker.connection().borrow().up {
        return Ok(());
    }
    let arguments = json!({ "task_id": tasks, "terminate": true, "signal": "SIGTERM" });
    // Its name decides where its workers listen: not that of a moment ago, as texts may have it.
    let agent = match context.store.agent_by_id(agent).await {
        Ok(agent) => agent,
        Err(berth_store::Error::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let command = Command {
        method: "revoke".to_owned(),
        arguments: arguments.as_object().cloned(),
        destination: None,
        pattern: None,
        matcher: None,
        ticket: None,
        reply_to: None,
    };
    let clock = Some(context.lamport.tick());
    let command = control::encode_own(&Received { command, clock, expires: None });
    let out = context.names.out(agent.name.as_str());
    Ok(context.broker.command(NAMESPACE, &out, command).await?)
}

/// Takes in what an agent's workers answered.
pub(crate) async fn take_in(context: &Context, agent: &Agent, answers: &[TaskResult]) -> Result<(), Error> {
    let mut by_run: BTreeMap<RunId, Vec<(u32, WorkerSaid, &TaskResult)>> = BTreeMap::new();
    for answer in answers {
        if let (Some((run, attempt)), Some(said)) = (handed::attempt_of(&answer.task_id), said(answer)) {
            by_run.entry(RunId::from_uuid(run)).or_default().push((attempt, said, answer));
        }
    }
    if by_run.is_empty() {
        return Ok(());
    }
    let now = context.clock.now();
    let queues = context.store.answer_times(agent.id).await?;
    let ids: Vec<RunId> = by_run.keys().copied().collect();
    let mut finished = Vec::new();
    let taken = context.transition(&ids, now, |head| {
        // What an agent's queue says of another's runs is not believed.
        let answer_within = *queues.get(&head.queue_id?).filter(|_| head.agent_id == Some(agent.id))?;
        let mut change: Option<Decision> = None;
        for (attempt, said, answer) in by_run.get(&head.id).into_iter().flatten() {
            let state = change.as_ref().map_or(&head.dispatch, |change| &change.step.state);
            let event = Event::Worker { attempt: *attempt, said, answer_within };
            match step(state, &event, now, jitter()) {
                Ok(done) => {
                    let (step, known) = match change.take() {
                        Some(before) => (before.step.then(done), before.edit.outputs),
                        None => (done, None),
                    };
                    let edit = Edit { outputs: outputs(answer).or(known), ..Edit::default() };
                    change = Some(Decision { edit, ..Decision::from(step) });
                }
                Err(ignored) => {
                    tracing::debug!(run.id = %head.id, reason = %ignored, "an answer changes nothing: {ignored}");
                }
            }
        }
        let ended = change.as_ref().filter(|change| change.step.state.status.is_final());
        if let Some(ended) = ended.filter(|_| !head.dispatch.status.is_final()) {
            finished.push(Finished::of(head.queue_id, &ended.step.state, now));
        }
        change
    });
    let taken = taken.await?;
    count(context, agent, &finished).await?;
    if !taken.is_empty() {
        context.dispatch.notify_one();
        context.timers.notify_one();
    }
    Ok(())
}

/// What a worker tells by a result; none if that changes nothing.
fn said(result: &TaskResult) -> Option<WorkerSaid> {
    let ended = |outcome: Outcome, reason: &str, message: String| {
        let message = message.chars().take(MAX_TEXT).collect();
        Some(WorkerSaid::Ended(End { outcome, exit_code: None, reason: reason.to_owned(), message }))
    };
    match result.status {
        State::Started => Some(WorkerSaid::Began { by: worker(&result.result) }),
        State::Success => ended(Outcome::Succeeded, "Returned", "Its task returned".to_owned()),
        State::Failure => {
            ended(Outcome::Failed(FailureClass::User), "Exception", exception(result, "It failed"))
        }
        State::Revoked => ended(Outcome::Stopped, "Revoked", exception(result, "It was revoked")),
        State::Rejected => {
            ended(Outcome::Failed(FailureClass::Config), "Rejected", exception(result, "A worker refused it"))
        }
        State::Pending | State::Received | State::Retry | State::Custom(_) => None,
    }
}

/// `process 12 of celery@host`, of what a worker says that tracks starts.
fn worker(result: &Value) -> String {
    let host = result["hostname"].as_str().unwrap_or("a worker");
    let text =
        result["pid"].as_u64().map_or_else(|| host.to_owned(), |pid| format!("process {pid} of {host}"));
    text.chars().take(200).collect()
}

/// `ValueError: bad`, as Python prints it.
fn exception(result: &TaskResult, otherwise: &str) -> String {
    let Some(failure) = result.failure() else { return otherwise.to_owned() };
    let arguments = match &failure.exc_message {
        Value::Array(arguments) => arguments.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let arguments: Vec<String> = arguments.iter().map(text).collect();
    if arguments.is_empty() {
        failure.exc_type
    } else {
        format!("{}: {}", failure.exc_type, arguments.join(", "))
    }
}

/// A returned mapping, which becomes the run's outputs.
fn outputs(result: &TaskResult) -> Option<Value> {
    let is_kept = result.status == State::Success
        && result.result.is_object()
        && result.result.to_string().len() <= MAX_OUTPUTS;
    is_kept.then(|| result.result.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(status: State, result: Value) -> TaskResult {
        let (traceback, date_done, children, extended) = Default::default();
        TaskResult { task_id: "t".to_owned(), status, result, traceback, children, date_done, extended }
    }

    #[test]
    fn a_result_is_read_as_what_became_of_the_attempt() {
        let began = said(&result(State::Started, json!({"pid": 12, "hostname": "celery@host"})));
        assert_eq!(began, Some(WorkerSaid::Began { by: "process 12 of celery@host".to_owned() }));
        let value = json!({"exc_type": "ValueError", "exc_message": ["bad", 3], "exc_module": "builtins"});
        let Some(WorkerSaid::Ended(end)) = said(&result(State::Failure, value)) else { panic!() };
        assert_eq!((end.reason.as_str(), end.message.as_str()), ("Exception", "ValueError: bad, 3"));
        let Some(WorkerSaid::Ended(end)) = said(&result(State::Revoked, json!("gone"))) else { panic!() };
        assert_eq!((end.outcome, end.message.as_str()), (Outcome::Stopped, "It was revoked"));
        for nothing in [State::Pending, State::Retry, State::Custom("PROGRESS".to_owned())] {
            assert_eq!(said(&result(nothing, json!(null))), None);
        }
    }

    #[test]
    fn a_mapping_becomes_outputs_and_nothing_else_does() {
        assert_eq!(outputs(&result(State::Success, json!({"loss": 0.1}))), Some(json!({"loss": 0.1})));
        assert_eq!(outputs(&result(State::Success, json!(3))), None);
        assert_eq!(outputs(&result(State::Failure, json!({"exc_type": "E"}))), None);
        assert_eq!(outputs(&result(State::Success, json!({"text": "x".repeat(MAX_OUTPUTS)}))), None);
    }
}
