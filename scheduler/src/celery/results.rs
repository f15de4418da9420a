//! Results: who submitted a run by Celery is told how it goes and how it ended, and what was to be called with the
//! result is called. At least once: a call is forgotten when its caller was told.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_broker::Publish;
use berth_broker::celery::result::{self, Failure, Status as State, TaskResult};
use berth_broker::celery::task::{self, Body, Embed, Task};
use berth_broker_config::{Address, Names};
use berth_domain::id::RunId;
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use berth_store::{Call, ChangeKind, Changes, Run};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::nodes::name;
use crate::context::{Context, Pace};
use crate::outbox::Error;

/// The turn's name.
const TURN: &str = "celery_results";
/// How long a replica that is gone is waited for.
const LASTS: Duration = Duration::from_secs(5);
/// How often results are looked for: how late one may be.
const EVERY: Duration = Duration::from_millis(250);
/// How often all calls are looked at, for what the change feed did not tell.
const SWEEP: Duration = Duration::from_secs(30);
/// The most that is read at once.
const BATCH: u32 = 500;
/// How long results are kept, as Celery's own.
const KEPT: Duration = Duration::from_secs(86_400);
/// A call whose run isn't there for so long has none.
const STRAY: Duration = Duration::from_secs(3_600);
/// Where Celery sends what names no queue.
const DEFAULT_QUEUE: &str = "celery";

/// Tells callers, whenever it is this replica's turn, until the shutdown.
pub(super) async fn tell_forever(context: Context) {
    let mut teller = Teller::default();
    let hint = Notify::new();
    let mut pace = Pace::new("telling Celery's callers", &context, &hint, EVERY);
    while pace.next().await {
        pace.round(teller.round(&context)).await;
    }
    if let Some(cursor) = teller.cursor {
        context.store.end_turn(TURN, &context.replica, &json!(cursor), context.clock.now()).await.ok();
    }
}

#[derive(Default)]
struct Teller {
    /// How far it came in the change feed; none while it is another's turn.
    cursor: Option<String>,
    swept_at: Option<Time>,
}

impl Teller {
    async fn round(&mut self, context: &Context) -> Result<(), Error> {
        if !context.broker.connection().borrow().up {
            return Ok(());
        }
        let now = context.clock.now();
        let known = self.cursor.as_ref().map(|cursor| json!(cursor));
        let taken = context.store.take_turn(TURN, &context.replica, known.as_ref(), now, LASTS).await?;
        let Some(last) = taken else {
            *self = Self::default();
            return Ok(());
        };
        let mut cursor = match self.cursor.take().or_else(|| last.as_str().map(str::to_owned)) {
            Some(cursor) => cursor,
            None => context.store.latest_cursor().await?.to_string(),
        };
        let told = self.tell(context, &mut cursor, now).await;
        self.cursor = Some(cursor);
        told
    }

    async fn tell(&mut self, context: &Context, cursor: &mut String, now: Time) -> Result<(), Error> {
        tell_all(context, context.store.refused_calls(BATCH).await?).await?;
        if self.swept_at.is_none_or(|at| now.since(at) >= SWEEP) {
            let overdue = context.store.overdue_calls(now.minus(STRAY), BATCH).await?;
            if overdue.len() < BATCH as usize {
                self.swept_at = Some(now);
            }
            tell_all(context, overdue).await?;
        }
        loop {
            let changes = match cursor.parse() {
                Ok(at) => context.store.changes_after(&at, BATCH).await?,
                Err(_) => Changes::Resync,
            };
            let Changes::Next(changes) = changes else {
                *cursor = context.store.latest_cursor().await?.to_string();
                self.swept_at = None;
                return Ok(());
            };
            let news = changes.iter().filter(|change| {
                let is_told = |status: Status| status.is_final() || status == Status::Running;
                change.kind == ChangeKind::Run && change.status.is_some_and(is_told)
            });
            let runs: BTreeSet<RunId> = news.map(|change| RunId::from_uuid(change.id)).collect();
            if !runs.is_empty() {
                let runs: Vec<RunId> = runs.into_iter().collect();
                tell_all(context, context.store.calls_of(&runs).await?).await?;
            }
            // Only then: what could not be told is told again.
            if let Some(change) = changes.last() {
                *cursor = change.cursor.to_string();
            }
            if changes.len() < BATCH as usize {
                return Ok(());
            }
        }
    }
}

/// Tells each caller what there is to tell, and forgets those for whom that was all.
async fn tell_all(context: &Context, calls: Vec<Call>) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let ids: Vec<RunId> = calls.iter().map(|call| call.id).collect();
    let runs = context.store.runs_by_id(&ids).await?;
    let mut told = Vec::new();
    for call in &calls {
        let run = runs.iter().find(|run| run.id == call.id);
        let Some(result) = result_of(call, run) else { continue };
        let is_over = result.status != State::Started;
        if is_over {
            follow(context, call, &result).await?;
        }
        if call.wants_result {
            send(context, call, &result).await?;
        }
        if is_over {
            told.push(call.id);
        }
    }
    Ok(context.store.end_calls(&told).await?)
}

/// What a caller is told; none if there is nothing yet.
fn result_of(call: &Call, run: Option<&Run>) -> Option<TaskResult> {
    let base = |status: State, value: Value| TaskResult {
        task_id: call.task_id.clone(),
        status,
        result: value,
        traceback: None,
        children: Vec::new(),
        date_done: None,
        extended: Map::new(),
    };
    if let Some(refusal) = &call.refusal {
        return serde_json::from_value(refusal.clone()).ok();
    }
    let Some(run) = run else {
        return Some(base(State::Failure, failure("RunGone", &["the run was deleted"])));
    };
    let ended = |status: State, value: Value| {
        let mut result = base(status, value);
        result.date_done = run.finished_at.map(|at| at.to_string().replace('Z', "+00:00"));
        Some(result)
    };
    let end = run.dispatch.end.as_ref();
    let why = end.map_or_else(|| run.status().to_string(), |end| end.message.clone());
    match run.status() {
        Status::Running | Status::Processing => {
            let worker = match (&run.agent, &run.dispatch.claim) {
                (Some(agent), Some(claim)) => name(agent, &claim.replica),
                _ => String::new(),
            };
            Some(base(State::Started, json!({ "pid": null, "hostname": worker })))
        }
        Status::Succeeded => ended(State::Success, run.outputs.clone().unwrap_or(Value::Null)),
        Status::Failed | Status::UpstreamFailed => {
            let reason = end.map_or("Failed", |end| end.reason.as_str());
            let mut result = ended(State::Failure, failure("RunFailed", &[reason, &why]))?;
            result.traceback = Some(why);
            Some(result)
        }
        Status::Stopped => ended(State::Revoked, revoked("terminated")),
        Status::Skipped => ended(State::Revoked, revoked("expired")),
        _ => None,
    }
}

/// An exception that Python's clients make of a class of that name.
fn failure(class: &str, arguments: &[&str]) -> Value {
    let failure =
        Failure { exc_type: class.to_owned(), exc_message: json!(arguments), exc_module: "berth".to_owned() };
    json!(failure)
}

/// Celery's own exception for what was revoked.
fn revoked(why: &str) -> Value {
    let (exc_type, exc_module) = ("TaskRevokedError".to_owned(), "celery.exceptions".to_owned());
    json!(Failure { exc_type, exc_message: json!([why]), exc_module })
}

/// To the backend, and to where the caller waits.
async fn send(context: &Context, call: &Call, result: &TaskResult) -> Result<(), Error> {
    if let Some(backend) = &context.celery.results {
        backend.put_result(result, KEPT).await?;
    }
    // Redis' lists have nobody to tell whether someone waits: there the backend is the way.
    let reply_to = call.reply_to.as_deref().filter(|_| !context.broker.stores_results());
    let Some(reply_to) = reply_to.filter(|queue| is_open(&context.names, queue)) else { return Ok(()) };
    let to = Address::foreign(reply_to);
    match context.broker.publish(vec![Publish { to, message: result::encode(result) }]).await {
        // Nobody waits any more.
        Err(error) if !matches!(error.reason, berth_broker::Error::NoSuchQueue { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether what a caller names may be written to on its behalf. Berth's own queues are identities: through a link to
/// another account's, a caller would submit in its name.
fn is_open(names: &Names, queue: &str) -> bool {
    !queue.is_empty() && names.holder(queue).is_none()
}

/// A signature, as far as it can be called.
#[derive(Debug, Deserialize)]
struct Signature {
    task: String,
    #[serde(default)]
    args: Vec<Value>,
    #[serde(default)]
    kwargs: Map<String, Value>,
    #[serde(default)]
    options: Map<String, Value>,
    #[serde(default)]
    immutable: bool,
}

/// Calls what is to be called with the result, or, after a failure, with the id of what failed.
async fn follow(context: &Context, call: &Call, result: &TaskResult) -> Result<(), Error> {
    let (links, first) = match result.status {
        State::Success => ("callbacks", result.result.clone()),
        _ => ("errbacks", json!(call.task_id)),
    };
    let links = call.canvas.get(links).and_then(Value::as_array).cloned().unwrap_or_default();
    for (number, link) in links.into_iter().enumerate() {
        let Ok(signature) = Signature::deserialize(link) else {
            tracing::warn!(task.id = %call.task_id, "a link of task {} is no signature", call.task_id);
            continue;
        };
        let (queue, task) = linked(call, signature, &first, number);
        if !is_open(&context.names, &queue) {
            tracing::warn!(
                account = call.account,
                queue,
                "a link to {queue} is not called: the queue is Berth's own"
            );
            continue;
        }
        let publish = Publish { to: Address::foreign(&queue), message: task::encode(&task) };
        match context.broker.publish(vec![publish]).await {
            Err(error) if matches!(error.reason, berth_broker::Error::NoSuchQueue { .. }) => {
                tracing::warn!(task.id = %call.task_id, queue, "the link {} has no queue {queue}", task.name);
            }
            done => done?,
        }
    }
    Ok(())
}

/// The task of a link, and the queue that it goes to. Told twice, it has the same id.
fn linked(call: &Call, signature: Signature, first: &Value, number: usize) -> (String, Task) {
    let option = |name: &str| signature.options.get(name).and_then(Value::as_str).map(str::to_owned);
    let queue = option("queue").or_else(|| option("routing_key")).unwrap_or_else(|| DEFAULT_QUEUE.to_owned());
    let id = option("task_id").unwrap_or_else(|| {
        let digest = Sha256::new().chain_update(call.id.uuid().as_bytes()).chain_update(number.to_be_bytes());
        let bytes: [u8; 32] = digest.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_random_bytes(id).into_uuid().to_string()
    });
    let mut args = signature.args;
    if !signature.immutable {
        args.insert(0, first.clone());
    }
    let links = |name: &str| signature.options.get(name).and_then(Value::as_array).cloned();
    let embed = Embed {
        callbacks: links("link"),
        errbacks: links("link_error"),
        chain: links("chain"),
        chord: signature.options.get("chord").cloned().filter(|chord| !chord.is_null()),
    };
    let task = Task {
        name: signature.task,
        id,
        root_id: option("root_id").or_else(|| Some(call.task_id.clone())),
        parent_id: Some(call.task_id.clone()),
        reply_to: option("reply_to").or_else(|| call.reply_to.clone()),
        body: Body { args, kwargs: signature.kwargs, embed },
        ..Task::default()
    };
    (queue, task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_berths_own_is_written_to_on_a_callers_behalf() {
        let names = Names::default();
        let own = [
            names.submit("another").queue,
            names.offers("a", "q").queue,
            names.out("a").queue,
            format!("{}\u{6}\u{16}3", names.submit("another").queue),
        ];
        for queue in own {
            assert!(!is_open(&names, &queue), "{queue}");
        }
        assert!(!is_open(&names, ""));
        assert!(is_open(&names, "celery") && is_open(&names, "0f9c8d1e-reply"));
    }
}
