//! Polyaxon's shape of a run, out of ours. What may hold secrets is masked here and nowhere else.

use berth_domain::lifecycle::{Condition, End, Outcome};
use berth_domain::name::DEFAULT;
use berth_domain::redact::redact;
use berth_domain::trace::TraceContext;
use berth_store::{NewRun, Run, RunContent};
use serde_json::{Map, Value, json};

/// What a run was made from: `V1Cloning`.
fn original(run: &Run, name: Option<&str>) -> Value {
    match run.original_id {
        Some(id) => json!({ "uuid": id, "name": name, "kind": run.cloning_kind }),
        None => Value::Null,
    }
}

fn catalog(name: Option<&str>) -> Value {
    // No `url`: the stock client would send its questions there instead of here.
    name.map_or(Value::Null, |name| json!({ "name": name, "version": null, "url": null }))
}

fn or_empty(object: Option<&Value>) -> Value {
    object.cloned().unwrap_or_else(|| Value::Object(Map::new()))
}

/// A run in a list.
pub(crate) fn listed(run: &Run) -> Value {
    let wait = run.started_at.map(|started| started.since(run.created_at).as_secs_f64());
    let duration = match (run.started_at, run.finished_at) {
        (Some(started), Some(finished)) => Some(finished.since(started).as_secs_f64()),
        _ => None,
    };
    let managed_by = run.managed_by.as_deref().unwrap_or("agent");
    let mut shape = json!({
        "uuid": run.id,
        "name": run.name,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "schedule_at": run.schedule_at,
        "wait_time": wait,
        "duration": duration,
        "kind": run.kind,
        "runtime": run.runtime.as_ref().unwrap_or(&run.kind),
        "meta_info": or_empty(run.meta_info.as_ref()),
        "status": run.status(),
        "pipeline": null,
        "original": original(run, None),
        "is_managed": managed_by == "agent",
        "managed_by": managed_by,
        "pending": run.pending,
        "inputs": run.inputs,
        "outputs": run.outputs,
        "tags": run.tags,
        "settings": {
            "namespace": run.namespace.as_deref().unwrap_or(DEFAULT),
            "component": null,
            "agent": catalog(run.agent.as_deref()),
            "queue": catalog(run.queue.as_deref()),
        },
        "user": run.username,
        "bookmarked": false,
        "resources": run.resources.clone().unwrap_or_else(no_resources),
        "priority": run.priority,
        "attempt": run.dispatch.attempt,
        "trace_id": trace_id(run.trace.as_ref()),
    });
    redact(&mut shape);
    shape
}

/// The id of a run's trace, if it is in one.
pub(crate) fn trace_id(context: Option<&TraceContext>) -> Value {
    json!(context.map(|context| context.trace))
}

fn no_resources() -> Value {
    json!({ "memory": 0.0, "cpu": 0.0, "gpu": 0.0, "custom": 0.0, "cost": 0.0 })
}

/// A run that was just made from another.
pub(crate) fn cloned(run: &Run, original_name: Option<&str>) -> Value {
    let mut shape = listed(run);
    if let Some(fields) = shape.as_object_mut() {
        fields.remove("bookmarked");
        fields.remove("resources");
    }
    shape["original"] = original(run, original_name);
    shape["owner"] = json!(run.owner);
    shape["project"] = json!(run.project);
    shape
}

/// A run with all that is known of it.
pub(crate) fn full(run: &Run, content: &RunContent, original_name: Option<&str>) -> Value {
    let mut shape = listed(run);
    shape["original"] = original(run, original_name);
    shape["owner"] = json!(run.owner);
    shape["project"] = json!(run.project);
    shape["readme"] = json!(run.readme);
    shape["description"] = json!(run.description);
    shape["live_state"] = json!(run.live_state);
    shape["raw_content"] = json!(content.raw_content);
    shape["content"] = json!(content.content);
    shape["settings"]["artifacts_store"] = Value::Null;
    shape["settings"]["tensorboard"] = Value::Null;
    shape["settings"]["build"] = Value::Null;
    shape["settings"]["models"] = json!([]);
    shape["settings"]["artifacts"] = json!([]);
    shape["end"] = json!(run.dispatch.end.as_ref().map(end));
    redact(&mut shape);
    shape
}

/// How its last attempt ended.
fn end(end: &End) -> Value {
    let (outcome, class) = match end.outcome {
        Outcome::Succeeded => ("succeeded", None),
        Outcome::Failed(class) => ("failed", Some(class)),
        Outcome::Stopped => ("stopped", None),
    };
    json!({
        "outcome": outcome,
        "failure_class": class,
        "exit_code": end.exit_code,
        "reason": end.reason,
        "message": end.message,
    })
}

/// A run that was just accepted.
pub(crate) fn accepted(run: &NewRun, agent: Option<&str>, queue: Option<&str>) -> Value {
    let managed_by = run.managed_by.as_deref().unwrap_or("agent");
    let mut shape = json!({
        "uuid": run.id,
        "kind": run.kind,
        "name": run.name,
        "description": run.description,
        "content": run.content,
        "is_managed": managed_by == "agent",
        "managed_by": managed_by,
        "pending": run.pending,
        "meta_info": or_empty(run.meta_info.as_ref()),
        "tags": run.tags,
        "settings": { "agent": catalog(agent), "queue": catalog(queue) },
        "status": run.dispatch.status,
        "trace_id": trace_id(run.trace.as_ref()),
    });
    redact(&mut shape);
    shape
}

/// `V1StatusCondition`.
pub(crate) fn condition(condition: &Condition) -> Value {
    json!({
        "type": condition.status,
        "status": "True",
        "reason": condition.reason,
        "message": condition.message,
        "last_update_time": condition.at,
        "last_transition_time": condition.at,
        "meta_info": { "attempt": condition.attempt },
    })
}
