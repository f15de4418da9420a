//! What a run says of itself, its deletion, and its archive.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use berth_domain::access::Action;
use berth_domain::lifecycle::{Event, step};
use berth_store::{Decision, Run, RunPatch};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{ARCHIVED, DELETING, LIVE, content, find, original_name};
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::path::InRun;
use crate::problem::Problem;
use crate::shape;

/// `V1Run`, as far as it can be changed. The rest is taken and left alone, since clients send back what they got.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Patch {
    name: Option<String>,
    description: Option<String>,
    readme: Option<String>,
    tags: Option<Vec<String>>,
    inputs: Option<Map<String, Value>>,
    outputs: Option<Map<String, Value>>,
    meta_info: Option<Map<String, Value>>,
    merge: Option<bool>,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(rename = "owner")]
    _owner: IgnoredAny,
    #[serde(rename = "project")]
    _project: IgnoredAny,
    #[serde(rename = "schedule_at")]
    _schedule_at: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(rename = "started_at")]
    _started_at: IgnoredAny,
    #[serde(rename = "finished_at")]
    _finished_at: IgnoredAny,
    #[serde(rename = "wait_time")]
    _wait_time: IgnoredAny,
    #[serde(rename = "duration")]
    _duration: IgnoredAny,
    #[serde(rename = "managed_by")]
    _managed_by: IgnoredAny,
    #[serde(rename = "is_managed")]
    _is_managed: IgnoredAny,
    #[serde(rename = "is_approved")]
    _is_approved: IgnoredAny,
    #[serde(rename = "pending")]
    _pending: IgnoredAny,
    #[serde(rename = "content")]
    _content: IgnoredAny,
    #[serde(rename = "raw_content")]
    _raw_content: IgnoredAny,
    #[serde(rename = "status")]
    _status: IgnoredAny,
    #[serde(rename = "bookmarked")]
    _bookmarked: IgnoredAny,
    #[serde(rename = "live_state")]
    _live_state: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "runtime")]
    _runtime: IgnoredAny,
    #[serde(rename = "original")]
    _original: IgnoredAny,
    #[serde(rename = "pipeline")]
    _pipeline: IgnoredAny,
    #[serde(rename = "status_conditions")]
    _status_conditions: IgnoredAny,
    #[serde(rename = "role")]
    _role: IgnoredAny,
    #[serde(rename = "contributors")]
    _contributors: IgnoredAny,
    #[serde(rename = "settings")]
    _settings: IgnoredAny,
    #[serde(rename = "resources")]
    _resources: IgnoredAny,
    #[serde(rename = "graph")]
    _graph: IgnoredAny,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
}

/// `PATCH` and `PUT /api/v1/{owner}/{project}/runs/{uuid}`; with `merge`, lists and objects are merged.
pub(crate) async fn update(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    Json(patch): Json<Patch>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    find(&app, &at).await?;
    let patch = RunPatch {
        name: patch.name,
        description: patch.description,
        readme: patch.readme,
        tags: patch.tags,
        inputs: patch.inputs.map(Value::Object),
        outputs: patch.outputs.map(Value::Object),
        meta_info: patch.meta_info.map(Value::Object),
        pending: None,
        merge: patch.merge.unwrap_or(false),
    };
    let run = app.store.update_run_meta(at.run, patch, &caller.audit("run.update")).await?;
    app.wake.changed();
    let content = content(&app, &run).await?;
    let original = original_name(&app, &run).await;
    Ok(Answer(shape::full(&run, &content, original.as_deref())))
}

/// `DELETE /api/v1/{owner}/{project}/runs/{uuid}`.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<StatusCode, Problem> {
    caller.may(Action::DeleteRun, at.resource())?;
    let run = find(&app, &at).await?;
    remove(&app, &caller, &run).await?;
    app.wake.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a run. One that has not ended is stopped, and out of sight from now on.
///
/// # Errors
/// If the store can't be used.
pub(crate) async fn remove(app: &App, caller: &Caller, run: &Run) -> Result<(), Problem> {
    let by = caller.principal.name().to_owned();
    let mut is_over = run.status().is_final();
    if !is_over {
        let audit = caller.audit("run.stop");
        let ids = [run.id];
        let changed = app.transition(&ids, caller.now, |head| {
            let step = step(&head.dispatch, &Event::Stop { by: &by }, caller.now, 0.0).ok()?;
            Some(Decision::audited(step, audit.clone()))
        });
        is_over = changed.await?.iter().any(|(_, state)| state.status.is_final());
    }
    let audit = caller.audit("run.delete");
    if is_over {
        app.store.delete_run(run.id, &audit).await?;
    } else {
        app.store.set_live_state(run.id, DELETING, &audit).await?;
    }
    Ok(())
}

/// `POST .../archive` and `/restore`.
pub(crate) async fn archive(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Answer<Value>, Problem> {
    set_live(&app, &caller, &at, ARCHIVED, "run.archive").await
}

/// See [`archive`].
pub(crate) async fn restore(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Answer<Value>, Problem> {
    set_live(&app, &caller, &at, LIVE, "run.restore").await
}

async fn set_live(
    app: &App,
    caller: &Caller,
    at: &InRun,
    state: i32,
    action: &str,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    find(app, at).await?;
    app.store.set_live_state(at.run, state, &caller.audit(action)).await?;
    Ok(Answer(json!({})))
}

/// `POST .../bookmark`, `/invalidate`, `DELETE .../unbookmark`: accepted, since stock clients call them; Berth has
/// neither bookmarks nor a cache of results yet.
pub(crate) async fn accept(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    find(&app, &at).await?;
    Ok(Answer(json!({})))
}
