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
    let started = start_of(before);
    let fields = |kind: &str| match kind {
        "task-sent" => sent(run, names),
        "task-received" => received(run, condition.attempt),
        "task-succeeded" => {
            let result = run.outputs.as_ref().map_or_else(|| "None".to_owned(), |outputs| cut(repr(outputs)));
            let runtime = started.map_or(0.0, |started| seconds(condition.at) - seconds(started.at));
            json!({ "result": result, "runtime": runtime.max(0.0) })
        }
        "task-failed" | "task-retried" => failure(condition),
        "task-rejected" => json!({ "requeue": false }),
        "task-revoked" => json!({
            "terminated": started.is_some(),
            "signum": started.map(|_| TERM),
            "expired": condition.reason == "Expired",
        }),
        _ => json!({}),
    };
    let by = |kind: &str| if kind == "task-sent" { client } else { node };
    let kinds = kinds(condition, before).into_iter();
    kinds.map(|kind| event(kind, run, by(kind), condition.at, fields(kind))).collect()
}

/// The types of the events of a condition. Phases that nobody saw, or whose reports came late, are told with what
/// followed them: a task's monitors count on all.
fn kinds(condition: &Condition, before: &[Condition]) -> Vec<&'static str> {
    let has_started = start_of(before).is_some();
    let has_run = has_run(condition);
    let mut kinds = Vec::new();
    if before.last().is_some_and(|last| last.status == condition.status) {
        // Something was told; nothing has changed.
        return kinds;
    }
    if has_run && !of_attempt(before).iter().any(|earlier| earlier.status == Status::Starting) {
        kinds.push("task-received");
    }
    if has_run && !has_started {
        kinds.push("task-started");
    }
    match condition.status {
        Status::Queued if !before.iter().any(|earlier| earlier.status == Status::Queued) => {
            kinds.push("task-sent");
        }
        Status::Starting => kinds.push("task-received"),
        Status::Succeeded => kinds.push("task-succeeded"),
        Status::Failed | Status::UpstreamFailed => {
            kinds.push("task-failed");
            if !has_started && !has_run {
                kinds.push("task-rejected");
            }
        }
        Status::Retrying => kinds.push("task-retried"),
        Status::Stopped | Status::Skipped => kinds.push("task-revoked"),
        _ => {}
    }
    kinds
}

/// What befell a run since it was offered last.
fn of_attempt(history: &[Condition]) -> &[Condition] {
    let offered = history.iter().rposition(|condition| condition.status == Status::Scheduled);
    history.get(offered.unwrap_or(0)..).unwrap_or_default()
}

/// When the attempt was seen to run first.
fn start_of(history: &[Condition]) -> Option<&Condition> {
    of_attempt(history).iter().find(|condition| condition.status == Status::Running)
}

/// Whether the attempt has run, as this condition of it tells.
fn has_run(condition: &Condition) -> bool {
    let reason = condition.reason.as_str();
    match condition.status {
        Status::Running | Status::Succeeded => true,
        Status::Failed | Status::Retrying => {
            matches!(reason, "ExitCode" | "OOMKilled" | "Timeout" | "Exception")
                || reason.starts_with("Signal(")
        }
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{
        Failed, Queued, Retrying, Running, Scheduled, Skipped, Starting, Stopped, Stopping, Succeeded,
        Unknown,
    };

    /// The types of the conditions' events, in order.
    fn told(conditions: &[(Status, &str)]) -> String {
        let conditions = conditions.iter();
        let history: Vec<Condition> = conditions
            .map(|(status, reason)| Condition::new(*status, *reason, "", 0, Time::from_micros(1)))
            .collect();
        let kinds = history.iter().enumerate().flat_map(|(at, condition)| kinds(condition, &history[..at]));
        kinds.map(|kind| kind.trim_start_matches("task-")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_life_is_told_whole_even_if_a_part_of_it_was_not_seen() {
        let offered = [(Queued, ""), (Scheduled, "")];
        let with = |rest: &[(Status, &str)]| told(&[&offered, rest].concat());
        let seen = [(Starting, ""), (Running, ""), (Succeeded, "Completed")];
        let whole = "sent received started succeeded";
        assert_eq!(with(&seen), whole);
        assert_eq!(with(&[seen[0], seen[2]]), whole, "its end came before its start");
        assert_eq!(with(&[seen[2]]), whole);
        assert_eq!(with(&[seen[0], (Starting, "Overlap"), seen[1], seen[2], (Succeeded, "Overlap")]), whole);
        assert_eq!(with(&[seen[0], seen[1], (Unknown, ""), seen[1], seen[2]]), whole, "it starts once");
        assert_eq!(with(&[seen[0], (Failed, "ExitCode")]), "sent received started failed");
        assert_eq!(with(&[(Failed, "Refused")]), "sent failed rejected");
        assert_eq!(
            with(&[seen[0], (Retrying, "Signal(9)"), offered[0], offered[1], seen[0], seen[2]]),
            "sent received started retried received started succeeded"
        );
        assert_eq!(with(&[seen[0], (Stopping, ""), (Stopped, "")]), "sent received revoked");
        assert_eq!(told(&[offered[0], (Skipped, "Expired")]), "sent revoked");
    }
}
