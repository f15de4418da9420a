//! `POST /api/v1/{owner}/{project}/runs`: accepted is committed. Also as a dry run, with an idempotency key, and many
//! at once.

use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use berth_domain::access::Action;
use berth_domain::id::RunId;
use berth_domain::redact::redact;
use berth_store::{Error as StoreError, NewRun, Project};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body;
use crate::defaults;
use crate::explain;
use crate::idempotency::{self, Begun, Key};
use crate::params::Params;
use crate::path::InProject;
use crate::problem::Problem;
use crate::shape;
use crate::submit::{OperationBody, Prepared, prepare};
use crate::trace::Incoming;

/// Creates one run.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    OriginalUri(uri): OriginalUri,
    route: MatchedPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let dry = Params::read(&uri, &["dry_run"])?.flag("dry_run")?;
    caller.may(if dry { Action::View } else { Action::SubmitRun }, at.resource())?;
    let bytes = body::read_json(request, app.limits.body_bytes).await?;
    let project = app.directory.project(&app.store, &at.owner, &at.project, app.wake.settings()).await?;
    if dry {
        let operation = body::parse(&bytes)?;
        let answer = dry_run(&app, &caller, &project, operation).await?;
        return idempotency::end(&app, &at, None, Ok((StatusCode::OK, answer))).await;
    }
    let key = match idempotency::begin(&app, &caller, &at, &headers, &bytes).await? {
        Begun::Do(key) => key,
        Begun::Done(response) => return Ok(response),
    };
    let incoming = Incoming::request(&app, &headers, &caller);
    let outcome = one(&app, &caller, &project, &bytes, key.as_ref(), &incoming).await;
    let status = outcome.as_ref().map_or_else(Problem::status, |_| StatusCode::CREATED);
    incoming.answered(&app, ("POST", route.as_str()), status);
    let outcome = outcome.map(|answer| (StatusCode::CREATED, answer));
    idempotency::end(&app, &at, key, outcome).await.map(|response| incoming.told(response))
}

async fn one(
    app: &App,
    caller: &Caller,
    project: &Project,
    bytes: &[u8],
    key: Option<&Key>,
    incoming: &Incoming,
) -> Result<Value, Problem> {
    let operation: OperationBody = body::parse(bytes)?;
    let id = key.map(|key| key.run_id(0)).or(operation.uuid).unwrap_or_default();
    let Prepared { mut run, agent, queue, .. } = prepare(app, caller, project, id, operation, None).await?;
    let accepting = incoming.accept(app, &mut run, None);
    let mut answer = shape::accepted(&run, agent.as_deref(), queue.as_deref());
    if store(app, caller, run, agent.as_deref(), queue.as_deref(), key.is_some_and(|key| key.again)).await? {
        accepting.into_iter().for_each(|accepting| accepting.committed(app));
    } else {
        // An earlier try made it, and said where its hops belong.
        answer["trace_id"] = shape::trace_id(app.store.run_by_id(id).await?.trace.as_ref());
    }
    Ok(answer)
}

/// Commits a run and wakes the scheduler. With `again`, one that is there already is what an earlier try made: false.
///
/// # Errors
/// If the store refuses it or can't be used.
pub(crate) async fn store(
    app: &App,
    caller: &Caller,
    run: NewRun,
    agent: Option<&str>,
    queue: Option<&str>,
    again: bool,
) -> Result<bool, Problem> {
    let is_new = match app.store.create_run(run, &caller.audit("run.create")).await {
        Ok(_) => true,
        Err(StoreError::Conflict { .. }) if again => false,
        Err(StoreError::NotFound { what }) => {
            // Deleted a moment ago: what is remembered of it is void.
            app.wake.settings_changed();
            return Err(Problem::bad_request(format!("{what} does not exist any more")));
        }
        Err(error) => return Err(error.into()),
    };
    count(app, agent, queue);
    app.wake.changed();
    Ok(is_new)
}

fn count(app: &App, agent: Option<&str>, queue: Option<&str>) {
    if let (Some(agent), Some(queue)) = (agent, queue) {
        app.metrics.submissions.submitted(agent, queue);
    }
}

/// The resolved operation and why it would wait. Nothing is stored.
async fn dry_run(
    app: &App,
    caller: &Caller,
    project: &Project,
    operation: OperationBody,
) -> Result<Value, Problem> {
    let id = operation.uuid.unwrap_or_default();
    let Prepared { run, agent, queue, warnings } = prepare(app, caller, project, id, operation, None).await?;
    let explanation = explain::of_new(app, &run, caller.now).await?;
    let mut answer = shape::accepted(&run, agent.as_deref(), queue.as_deref());
    let mut operation: Value =
        run.content.as_deref().and_then(|content| serde_json::from_str(content).ok()).unwrap_or(Value::Null);
    redact(&mut operation);
    answer["dry_run"] = json!(true);
    answer["operation"] = operation;
    answer["origins"] = defaults::origins(app, run.origins.as_ref(), run.raw_content.as_deref());
    answer["explain"] = explanation;
    answer["warnings"] = json!(warnings);
    Ok(answer)
}

/// The body of a bulk request. Items are read one by one, so that one that makes no sense fails alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bulk {
    runs: Vec<Box<RawValue>>,
}

/// `POST .../runs/bulk`: each item on its own, in one commit.
pub(crate) async fn bulk(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    route: MatchedPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::SubmitRun, at.resource())?;
    let bytes = body::read_json(request, app.limits.body_bytes).await?;
    let project = app.directory.project(&app.store, &at.owner, &at.project, app.wake.settings()).await?;
    let key = match idempotency::begin(&app, &caller, &at, &headers, &bytes).await? {
        Begun::Do(key) => key,
        Begun::Done(response) => return Ok(response),
    };
    let incoming = Incoming::request(&app, &headers, &caller).of_many();
    let outcome = many(&app, &caller, &project, &bytes, key.as_ref(), &incoming).await;
    let status = outcome.as_ref().map_or_else(Problem::status, |_| StatusCode::OK);
    incoming.answered(&app, ("POST", route.as_str()), status);
    let outcome = outcome.map(|answer| (StatusCode::OK, answer));
    idempotency::end(&app, &at, key, outcome).await.map(|response| incoming.told(response))
}

async fn many(
    app: &App,
    caller: &Caller,
    project: &Project,
    bytes: &[u8],
    key: Option<&Key>,
    incoming: &Incoming,
) -> Result<Value, Problem> {
    let Bulk { runs } = body::parse(bytes)?;
    let most = app.limits.bulk_items;
    if runs.is_empty() || runs.len() > most {
        return Err(Problem::field("runs", format!("it has {} items; 1 to {most} are allowed", runs.len())));
    }
    let again = key.is_some_and(|key| key.again);
    let mut results: Vec<Value> = vec![Value::Null; runs.len()];
    let mut prepared: Vec<(usize, Prepared)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, raw) in runs.iter().enumerate() {
        // A thousand operations take a while to compile: others get their turn in between.
        tokio::task::yield_now().await;
        match item(app, caller, project, raw, key.map(|key| key.run_id(index))).await {
            Ok(item) if !seen.insert(item.run.id) => {
                results[index] = failed(
                    index,
                    &Problem::conflict(format!("run `{}` is in this request twice", item.run.id)),
                );
            }
            Ok(item) => prepared.push((index, item)),
            // What is no fault of the item's is no result of the item's.
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => results[index] = failed(index, &problem),
        }
    }
    let (places, new): (Vec<_>, Vec<NewRun>) = prepared
        .into_iter()
        .map(|(index, mut item)| {
            let accepting = incoming.accept(app, &mut item.run, None);
            ((index, item.run.id, item.agent, item.queue, accepting), item.run)
        })
        .unzip();
    let outcomes = if new.is_empty() {
        Vec::new()
    } else {
        app.store.create_runs(&new, &caller.audit("run.create")).await?
    };
    for ((index, id, agent, queue, accepting), outcome) in places.into_iter().zip(outcomes) {
        results[index] = match outcome {
            Ok(_) => {
                count(app, agent.as_deref(), queue.as_deref());
                accepting.into_iter().for_each(|accepting| accepting.committed(app));
                json!({ "index": index, "status": 201, "uuid": id })
            }
            Err(StoreError::Conflict { .. }) if again => json!({ "index": index, "status": 201, "uuid": id }),
            Err(error) => failed(index, &error.into()),
        };
    }
    app.wake.changed();
    Ok(json!({ "results": results }))
}

async fn item(
    app: &App,
    caller: &Caller,
    project: &Project,
    raw: &RawValue,
    id: Option<RunId>,
) -> Result<Prepared, Problem> {
    let operation: OperationBody = body::parse(raw.get().as_bytes())?;
    let id = id.or(operation.uuid).unwrap_or_default();
    prepare(app, caller, project, id, operation, None).await
}

fn failed(index: usize, problem: &Problem) -> Value {
    json!({ "index": index, "status": problem.status().as_u16(), "error": problem.json() })
}
