//! What befalls a run, as a task's events.
//!
//! | condition | event |
//! |---|---|
//! | `queued`, the first | `task-sent` |
//! | `starting` (claimed) | `task-received` |
//! | `running` | `task-started` |
//! | `succeeded` | `task-succeeded` |
//! | `failed`, `upstream_failed` | `task-failed`; `task-rejected` too if it never started |
//! | `retrying` | `task-retried` |
//! | `stopped`, `skipped` | `task-revoked` |

use berth_broker::celery::event::Event;
use berth_broker::celery::repr::repr;
use berth_broker::offer::TASK;
use berth_broker_config::Names;
use berth_domain::lifecycle::{Condition, Status};
use berth_domain::time::Time;
use berth_store::Run;
use serde_json::{Map, Value, json};

/// The longest result that is shown, as Celery's.
const LONGEST: usize = 1_024;
/// SIGTERM.
const TERM: u8 = 15;

/// The events of a condition of a run, without clocks. `history` is all that befell the run until then, the condition
/// itself last; `node` is the worker that has the run, `client` who sends tasks.
pub(super) fn of(run: &Run, history: &[Condition], node: &str, client: &str, names: &Names) -> Vec<Event> {
    let Some((condition, before)) = history.split_last() else { return Vec::new() };
    let said = |kind: &str, fields: Value| vec![event(kind, run, node, condition.at, fields)];
    let started = before.iter().rev().find(|earlier| earlier.status == Status::Running);
    match condition.status {
        Status::Queued if !before.iter().any(|earlier| earlier.status == Status::Queued) => {
            vec![event("task-sent", run, client, condition.at, sent(run, names))]
        }
        Status::Starting => said("task-received", received(run, condition.attempt)),
        Status::Running if before.last().is_none_or(|last| last.status != Status::Running) => {
            said("task-started", json!({}))
        }
        Status::Succeeded => {
            let result = run.outputs.as_ref().map_or_else(|| "None".to_owned(), |outputs| cut(repr(outputs)));
            let runtime = started.map_or(0.0, |started| seconds(condition.at) - seconds(started.at));
            said("task-succeeded", json!({ "result": result, "runtime": runtime.max(0.0) }))
        }
        Status::Failed | Status::UpstreamFailed => {
            let mut events = said("task-failed", failure(condition));
            if started.is_none() {
                events.extend(said("task-rejected", json!({ "requeue": false })));
            }
            events
        }
        Status::Retrying => said("task-retried", failure(condition)),
        Status::Stopped => {
            let signal = started.map(|_| TERM);
            said(
                "task-revoked",
                json!({ "terminated": started.is_some(), "signum": signal, "expired": false }),
            )
        }
        Status::Skipped => {
            let expired = condition.reason == "Expired";
            said("task-revoked", json!({ "terminated": false, "signum": null, "expired": expired }))
        }
        _ => Vec::new(),
    }
}

/// One event of a worker.
pub(super) fn of_worker(kind: &str, node: &str, at: Time, active: u32, processed: u64) -> Event {
    let fields = json!({
        "freq": HEARTBEAT_SECONDS,
        "active": active,
        "processed": processed,
        "loadavg": [0.0, 0.0, 0.0],
        "sw_ident": "berth",
        "sw_ver": env!("CARGO_PKG_VERSION"),
        "sw_sys": std::env::consts::OS,
    });
    written(kind, node, at, object(fields))
}

/// The fields that `json!` wrote.
fn object(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Seconds between two heartbeats: as Celery's workers'.
pub(super) const HEARTBEAT_SECONDS: f64 = 2.0;

fn event(kind: &str, run: &Run, node: &str, at: Time, fields: Value) -> Event {
    let mut fields = object(fields);
    fields.insert("uuid".to_owned(), json!(run.id.uuid().to_string()));
    written(kind, node, at, fields)
}

fn written(kind: &str, node: &str, at: Time, fields: Map<String, Value>) -> Event {
    Event {
        kind: kind.to_owned(),
        hostname: node.to_owned(),
        timestamp: seconds(at),
        pid: Some(i64::from(std::process::id())),
        clock: None,
        utcoffset: 0.0,
        fields,
    }
}

/// The arguments, as the offer's message shows them: names, no specs.
pub(super) fn shown_arguments(run: &Run) -> Map<String, Value> {
    let of = |name: &str, value: &Option<String>| value.clone().map(|value| (name.to_owned(), json!(value)));
    let project = Some(run.project.clone());
    let owner = Some(run.owner.clone());
    [of("agent", &run.agent), of("queue", &run.queue), of("owner", &owner), of("project", &project)]
        .into_iter()
        .flatten()
        .collect()
}

fn received(run: &Run, attempt: u32) -> Value {
    json!({
        "name": TASK,
        "args": "()",
        "kwargs": repr(&Value::Object(shown_arguments(run))),
        "root_id": run.id.uuid().to_string(),
        "parent_id": null,
        "retries": attempt,
        "eta": run.schedule_at.map(|at| at.to_string()),
        "expires": run.dispatch.expires_at.map(|at| at.to_string()),
    })
}

fn sent(run: &Run, names: &Names) -> Value {
    let mut fields = received(run, 0);
    if let (Some(agent), Some(queue)) = (&run.agent, &run.queue) {
        let address = names.offers(agent, queue);
        fields["queue"] = json!(address.queue);
        fields["exchange"] = json!("");
        fields["routing_key"] = json!(address.queue);
    }
    fields
}

/// As Python shows an exception: `ExitCode('Exited with 3')`.
fn failure(condition: &Condition) -> Value {
    let class: String = condition.reason.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let message = repr(&json!(condition.message));
    json!({ "exception": cut(format!("{class}({message})")), "traceback": condition.message })
}

fn cut(text: String) -> String {
    if text.len() <= LONGEST { text } else { text.chars().take(LONGEST - 3).chain("...".chars()).collect() }
}

/// Seconds since the epoch, as Celery's timestamps.
pub(super) fn seconds(at: Time) -> f64 {
    at.micros() as f64 / 1e6
}
