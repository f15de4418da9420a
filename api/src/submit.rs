//! From a request to a run that can be stored: its operation read and compiled, its queue chosen, its first steps
//! taken. Nothing is written here.

use berth_domain::compile::{Context, Routing, Service, compile, compile_over};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Condition, DispatchState, Event, RetryPolicy, Status, step};
use berth_domain::scheduling::LaneKey;
use berth_domain::spec::{Format, Operation, SpecErrors, parse};
use berth_domain::time::Time;
use berth_store::{NewRun, Project};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::authenticate::Caller;
use crate::defaults;
use crate::params::shown;
use crate::place::choose;
use crate::presets;
use crate::problem::{FieldError, Problem};

/// `V1OperationBody`, and beside it what Berth takes more: `uuid`, `schedule_at` and `expires_at`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OperationBody {
    /// The operation: a text that holds JSON or YAML, or the JSON object itself.
    pub content: Option<Value>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub tags: Option<Vec<String>>,
    pub meta_info: Option<Map<String, Value>>,
    pub pending: Option<String>,
    pub is_managed: Option<bool>,
    pub managed_by: Option<String>,
    /// The caller's own id for the run.
    pub uuid: Option<RunId>,
    /// Not before.
    pub schedule_at: Option<Time>,
    /// Not at all after.
    pub expires_at: Option<Time>,
}

/// What a run is made from, if it is made from another.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub id: RunId,
    /// `restart` or `copy`.
    pub kind: &'static str,
}

/// A run that can be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub run: NewRun,
    /// The agent and the queue, of runs that have them.
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub warnings: Vec<String>,
}

/// Makes a run of a request.
///
/// # Errors
/// 400, saying what is wrong with it, field by field.
pub(crate) async fn prepare(
    app: &App,
    caller: &Caller,
    project: &Project,
    id: RunId,
    body: OperationBody,
    origin: Option<&Origin>,
) -> Result<Prepared, Problem> {
    check(&body, caller.now)?;
    let Some(text) = content(body.content.as_ref())? else {
        return Ok(tracked(caller, project, id, body));
    };
    let operation = parse(&text, Format::Auto, &app.spec_limits).map_err(invalid)?;
    let context = Context {
        uuid: id.uuid(),
        name: body.name.clone(),
        owner: project.owner.clone(),
        project: project.name.clone(),
        project_uuid: project.id.uuid(),
        username: caller.principal.name().to_owned(),
        created_at: caller.now,
        compiled_at: caller.now,
        schedule_at: body.schedule_at,
        cloning_kind: origin.map(|origin| origin.kind.to_owned()),
        original_uuid: origin.map(|origin| origin.id.uuid()),
        ..Context::default()
    };
    let presets = presets::layers(app, &project.owner, presets::named(&operation)).await?;
    let (compiled, origins) = if presets.is_empty() {
        (compile(&operation, &context, &app.spec_limits).map_err(invalid)?, None)
    } else {
        let (compiled, origins) =
            compile_over(&presets, &operation, &context, &app.spec_limits).map_err(invalid)?;
        (compiled, Some(origins))
    };
    let place = choose(app, project, &compiled, caller.now).await?;
    let (agent, queue) = (place.agent(), place.queue());
    let (compiled, origins) = match defaults::laid_under(app, &operation, &context, (agent, queue)).await? {
        Some((compiled, origins)) => {
            place.check(&compiled, caller.now)?;
            (compiled, Some(origins))
        }
        None => (compiled, origins),
    };
    let content = serde_json::to_string(&compiled.operation).map_err(|error| Problem::internal(&error))?;
    let raw = raw(&text, &operation)?;
    let mut run = base(caller, project, id, &body);
    run.queue_id = Some(queue.id);
    run.agent_id = Some(agent.id);
    run.name = body.name.or_else(|| compiled.operation.name.clone());
    run.description = body.description.or_else(|| compiled.operation.description.clone());
    run.tags = body.tags.unwrap_or_else(|| compiled.operation.tags.clone());
    run.kind = compiled.operation.run.kind.as_str().to_owned();
    run.runtime = Some(run.kind.clone());
    run.needs = compiled.needs;
    if let Some(service) = compiled.operation.run.service() {
        run.meta_info = Some(reached(service, run.meta_info.take()));
    }
    run.origins = origins.map(|origins| json!(origins));
    run.priority = compiled.routing.priority;
    run.spec_hash = Some(hex(&Sha256::digest(content.as_bytes())));
    run.content = Some(content);
    run.raw_content = Some(raw);
    let termination = compiled.operation.termination.as_ref();
    run.timeout_ms = termination.and_then(|t| t.timeout).map(|seconds| seconds.saturating_mul(1_000));
    run.inputs = (!compiled.inputs.is_empty()).then(|| Value::Object(compiled.inputs.clone()));
    let lane = LaneKey {
        user: run.username.clone().unwrap_or_default(),
        demand: compiled.resources.demand(),
        namespace: compiled.routing.namespace.as_ref().map(ToString::to_string),
        ..LaneKey::default()
    };
    run.lane = lane.shared_by(&queue.sharing.fairness, compiled.operation.run.labels());
    let resources = serde_json::to_value(compiled.resources).map_err(|error| Problem::internal(&error))?;
    run.resources = Some(resources);
    run.on_agent_loss = compiled.routing.on_agent_loss;
    let routing = Routing { queues: place.queues.clone(), ..compiled.routing.clone() };
    run.routing = routing.has_choice().then_some(routing);
    run.namespace = compiled.routing.namespace.as_ref().map(ToString::to_string);
    run.original_id = origin.map(|origin| origin.id);
    run.cloning_kind = origin.map(|origin| origin.kind.to_owned());
    if compiled.operation.is_approved == Some(false) && run.pending.is_none() {
        run.pending = Some("approval".to_owned());
    }
    let policy = RetryPolicy {
        max_retries: termination.and_then(|t| t.max_retries).unwrap_or(0),
        overrides: compiled.routing.retry.clone(),
    };
    begin(&mut run, policy, body.expires_at, &compiled.warnings, caller.now)?;
    Ok(Prepared {
        run,
        agent: Some(agent.name.to_string()),
        queue: Some(queue.name.to_string()),
        warnings: compiled.warnings,
    })
}

/// How a service is reached, where Polyaxon's clients look for it.
fn reached(service: &Service, meta_info: Option<Value>) -> Value {
    let mut meta_info = match meta_info {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    meta_info.insert("ports".to_owned(), json!(service.ports));
    meta_info.insert("rewrite_path".to_owned(), json!(service.rewrite_path == Some(true)));
    meta_info.insert("is_external".to_owned(), json!(service.is_external == Some(true)));
    Value::Object(meta_info)
}

fn check(body: &OperationBody, now: Time) -> Result<(), Problem> {
    for (field, value, allowed) in [
        ("managed_by", &body.managed_by, &["agent", "cli", "user"][..]),
        ("pending", &body.pending, &["approval", "upload"][..]),
    ] {
        if let Some(value) = value
            && !allowed.contains(&value.as_str())
        {
            let message = format!("`{}` is not allowed: use {}", shown(value), allowed.join(" or "));
            return Err(Problem::field(field, message));
        }
    }
    if body.expires_at.is_some_and(|expires| expires <= now) {
        return Err(Problem::field("expires_at", "it lies in the past"));
    }
    if let (Some(schedule), Some(expires)) = (body.schedule_at, body.expires_at)
        && expires <= schedule
    {
        return Err(Problem::field("expires_at", "it is not after `schedule_at`: the run would never start"));
    }
    if body.name.as_ref().is_some_and(|name| name.len() > 256 || name.chars().any(char::is_control)) {
        return Err(Problem::field("name", "a name has at most 256 bytes, and no control characters"));
    }
    Ok(())
}

/// The text of the operation.
fn content(content: Option<&Value>) -> Result<Option<String>, Problem> {
    match content {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Err(Problem::field("content", "it is empty")),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(object @ Value::Object(_)) => Ok(Some(object.to_string())),
        Some(_) => Err(Problem::field(
            "content",
            "use a text that holds an operation as JSON or YAML, or the operation itself",
        )),
    }
}

/// What is wrong with an operation, in Polyaxon's words and ours.
pub(crate) fn invalid(errors: SpecErrors) -> Problem {
    invalid_as("Compile operation received an invalid configuration", errors)
}

/// The same for what isn't an operation of its own.
pub(crate) fn invalid_as(what: &str, errors: SpecErrors) -> Problem {
    let detail = format!("{what}: {errors}");
    let fields = errors.0.into_iter().map(|error| FieldError {
        field: error.path,
        message: error.message,
        line: error.line,
        column: error.column,
    });
    Problem::bad_request(detail).with_fields(fields.collect())
}

/// What the store keeps of the operation as it came: always JSON, so that masking sees its fields.
fn raw(text: &str, operation: &Operation) -> Result<String, Problem> {
    if text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Ok(text.to_owned());
    }
    serde_json::to_string(operation).map_err(|error| Problem::internal(&error))
}

fn base(caller: &Caller, project: &Project, id: RunId, body: &OperationBody) -> NewRun {
    let mut run = NewRun::job(project.owner.clone(), project.id, DispatchState::new(RetryPolicy::default()));
    run.id = id;
    run.meta_info = body.meta_info.clone().map(Value::Object);
    run.pending = body.pending.clone();
    let by_default = if body.is_managed == Some(false) { "user" } else { "agent" };
    run.managed_by = Some(body.managed_by.clone().unwrap_or_else(|| by_default.to_owned()));
    run.username = Some(caller.principal.name().to_owned());
    run.schedule_at = body.schedule_at;
    run
}

/// A run without an operation: a client executes it and reports its statuses.
fn tracked(caller: &Caller, project: &Project, id: RunId, body: OperationBody) -> Prepared {
    let mut run = base(caller, project, id, &body);
    run.managed_by = Some(body.managed_by.filter(|by| by != "agent").unwrap_or_else(|| "user".to_owned()));
    run.name = body.name;
    run.description = body.description;
    run.tags = body.tags.unwrap_or_default();
    run.pending = None;
    run.conditions = vec![created(caller.now)];
    Prepared { run, agent: None, queue: None, warnings: Vec::new() }
}

fn created(now: Time) -> Condition {
    Condition::new(Status::Created, "Accepted", "Run is created", 0, now)
}

/// The first steps: as far as nobody else has to do anything.
fn begin(
    run: &mut NewRun,
    policy: RetryPolicy,
    expires_at: Option<Time>,
    warnings: &[String],
    now: Time,
) -> Result<(), Problem> {
    let mut state = DispatchState::new(policy);
    state.expires_at = expires_at;
    run.conditions = vec![created(now)];
    if !warnings.is_empty() {
        run.conditions.push(Condition::new(Status::Warning, "Template", warnings.join("; "), 0, now));
    }
    run.dispatch = state;
    // A client that executes it itself reports from here on; what is pending waits for somebody's word.
    if run.managed_by.as_deref() == Some("agent") && run.pending.is_none() {
        let (state, conditions) = advance(&run.dispatch, run.schedule_at, now)?;
        run.dispatch = state;
        run.conditions.extend(conditions);
    }
    Ok(())
}

/// From accepted to the backlog, or to waiting for its time.
///
/// # Errors
/// 409 if it is past that.
pub(crate) fn advance(
    state: &DispatchState,
    schedule_at: Option<Time>,
    now: Time,
) -> Result<(DispatchState, Vec<Condition>), Problem> {
    let next = match schedule_at.filter(|at| *at > now) {
        Some(until) => Event::Hold { until },
        None => Event::Queue,
    };
    let mut state = state.clone();
    let mut conditions = Vec::new();
    for event in [Event::Compile, next] {
        let step =
            step(&state, &event, now, 0.0).map_err(|ignored| Problem::conflict(ignored.to_string()))?;
        state = step.state;
        conditions.extend(step.conditions);
    }
    Ok((state, conditions))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
