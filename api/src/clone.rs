//! Runs out of runs: restart and copy make a new one of the same operation; resume lets a finished one go on.

use axum::Json as Answer;
use axum::extract::{MatchedPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use berth_domain::access::Action;
use berth_domain::id::RunId;
use berth_domain::lifecycle::resume as resumed;
use berth_store::{Decision, NewRun, Run, RunPatch};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::create::store;
use crate::runs::{content, find, is_ours, original_name};
use crate::shape;
use crate::submit::{OperationBody, Origin, Prepared, prepare};
use crate::trace::Incoming;

/// `V1Run`, as far as it says what is to be different. The rest is left alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    content: Option<Value>,
    name: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    meta_info: Option<Map<String, Value>>,
}

/// `POST .../runs/{uuid}/restart`.
pub(crate) async fn restart(
    app: State<AppState>,
    caller: Caller,
    at: InRun,
    route: MatchedPath,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    traced(&app, &caller, &at, (&route, &headers), body, "restart").await
}

/// `POST .../runs/{uuid}/copy`.
pub(crate) async fn copy(
    app: State<AppState>,
    caller: Caller,
    at: InRun,
    route: MatchedPath,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    traced(&app, &caller, &at, (&route, &headers), body, "copy").await
}

async fn traced(
    app: &App,
    caller: &Caller,
    at: &InRun,
    (route, headers): (&MatchedPath, &HeaderMap),
    body: Body,
    kind: &'static str,
) -> Result<Response, Problem> {
    let incoming = Incoming::request(app, headers, caller);
    let outcome = clone(app, caller, at, body, kind, &incoming).await;
    let status = outcome.as_ref().map_or_else(Problem::status, |(status, _)| *status);
    incoming.answered(app, ("POST", route.as_str()), status);
    outcome.map(|answer| incoming.told(answer.into_response()))
}

async fn clone(
    app: &App,
    caller: &Caller,
    at: &InRun,
    mut body: Body,
    kind: &'static str,
    incoming: &Incoming,
) -> Result<(StatusCode, Answer<Value>), Problem> {
    caller.may(Action::SubmitRun, at.resource())?;
    let original = find(app, at).await?;
    let operation = match body.content.take().filter(|content| !content.is_null()) {
        Some(content) => content,
        None => own_operation(app, &original, kind).await?,
    };
    let mut prepared = prepared(app, caller, &original, operation, body, kind).await?;
    let id = prepared.run.id;
    let accepting = incoming.accept(app, &mut prepared.run, original.trace.as_ref());
    store(app, caller, prepared.run, prepared.agent.as_deref(), prepared.queue.as_deref(), false).await?;
    accepting.into_iter().for_each(|accepting| accepting.committed(app));
    let run = app.store.run_by_id(id).await?;
    Ok((StatusCode::CREATED, Answer(shape::cloned(&run, original.name.as_deref()))))
}

/// A run like `original`, to be stored.
///
/// # Errors
/// 400 if it has no operation, or that can't be submitted any more.
pub(crate) async fn again(app: &App, caller: &Caller, original: &Run) -> Result<NewRun, Problem> {
    let operation = own_operation(app, original, "restart").await?;
    Ok(prepared(app, caller, original, operation, Body::default(), "restart").await?.run)
}

async fn own_operation(app: &App, original: &Run, kind: &str) -> Result<Value, Problem> {
    content(app, original).await?.raw_content.map(Value::String).ok_or_else(|| {
        Problem::bad_request(format!("Cannot {kind} this run, it has no operation of its own"))
    })
}

async fn prepared(
    app: &App,
    caller: &Caller,
    original: &Run,
    operation: Value,
    body: Body,
    kind: &'static str,
) -> Result<Prepared, Problem> {
    let (owner, name) = (&original.owner, &original.project);
    let project = app.directory.project(&app.store, owner, name, app.wake.settings()).await?;
    let body = OperationBody {
        content: Some(operation),
        name: body.name.or_else(|| original.name.clone()),
        description: body.description.or_else(|| original.description.clone()),
        tags: body.tags.or_else(|| Some(original.tags.clone())),
        meta_info: body.meta_info,
        managed_by: original.managed_by.clone(),
        ..OperationBody::default()
    };
    let origin = Origin { id: original.id, kind };
    prepare(app, caller, &project, RunId::new(), body, Some(&origin)).await
}

/// `POST .../runs/{uuid}/resume`: the same run goes on as a new attempt.
pub(crate) async fn resume(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::SubmitRun, at.resource())?;
    let run = find(&app, &at).await?;
    if body.content.is_some_and(|content| !content.is_null()) {
        return Err(Problem::field(
            "content",
            "a run is resumed as it was; restart it with another operation",
        ));
    }
    if !is_ours(&run) || run.queue_id.is_none() {
        return Err(Problem::bad_request(
            "Cannot resume this run, Berth does not execute it, or its queue is gone",
        ));
    }
    let by = caller.principal.name().to_owned();
    let audit = caller.audit("run.resume");
    let ids = [run.id];
    let changed = app.transition(&ids, caller.now, |head| {
        let step = resumed(&head.dispatch, &by, caller.now).ok()?;
        Some(Decision::audited(step, audit.clone()))
    });
    if changed.await?.is_empty() {
        return Err(not_done(&run));
    }
    let changes =
        body.name.is_some() || body.description.is_some() || body.tags.is_some() || body.meta_info.is_some();
    if changes {
        let patch = RunPatch {
            name: body.name,
            description: body.description,
            tags: body.tags,
            meta_info: body.meta_info.map(Value::Object),
            merge: true,
            ..RunPatch::default()
        };
        app.store.update_run_meta(run.id, patch, &audit).await?;
    }
    app.wake.changed();
    let run = app.store.run_by_id(run.id).await?;
    let name = original_name(&app, &run).await;
    Ok((StatusCode::CREATED, Answer(shape::cloned(&run, name.as_deref()))))
}

/// Polyaxon's own words.
fn not_done(run: &Run) -> Problem {
    Problem::bad_request(format!(
        "Cannot resume this run, the run must reach a final state first, current status error: {}",
        run.status()
    ))
}
