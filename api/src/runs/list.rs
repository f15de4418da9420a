//! Runs in lists, and one with all that is known of it.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::Uri;
use berth_domain::access::Action;
use berth_domain::name::DEFAULT;
use berth_store::Project;
use serde_json::{Value, json};

use super::{content, filter, find, original_name};
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::listing;
use crate::params::Params;
use crate::path::{InOwner, InProject, InRun};
use crate::problem::Problem;
use crate::shape;

/// Runs on a page, if nothing is said.
const PAGE: u32 = 100;

/// `GET /api/v1/{owner}/{project}/runs`.
pub(crate) async fn of_project(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let project = app.directory.project(&app.store, &at.owner, &at.project, app.wake.settings()).await?;
    list(&app, &at.owner, Some(&project), &uri).await
}

/// `GET /api/v1/orgs/{owner}/runs`.
pub(crate) async fn of_owner(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    list(&app, &at.owner, None, &uri).await
}

async fn list(app: &App, owner: &str, project: Option<&Project>, uri: &Uri) -> Result<Json<Value>, Problem> {
    let params = Params::read(uri, &listing::PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let sort = filter::sort(params.text("sort"))?;
    let filter = filter::read(app, owner, project, params.text("query").unwrap_or_default()).await?;
    let runs = app.store.runs(&filter, sort, &page).await?;
    Ok(Json(listing::answer(uri, &runs, |run| {
        let mut shape = shape::listed(run);
        if project.is_none() {
            shape["project"] = json!(run.project);
        }
        shape
    })))
}

/// `GET /api/v1/{owner}/{project}/runs/{uuid}`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    let content = content(&app, &run).await?;
    let original = original_name(&app, &run).await;
    Ok(Json(shape::full(&run, &content, original.as_deref())))
}

/// `GET .../runs/{uuid}/origins`: where each field of its resolved operation comes from.
pub(crate) async fn origins(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    let content = content(&app, &run).await?;
    let origins = crate::defaults::origins(&app, content.origins.as_ref(), content.raw_content.as_deref());
    Ok(Json(json!({ "uuid": run.id, "origins": origins })))
}

/// `GET /api/v1/orgs/{owner}/runs/{uuid}`: of any project.
pub(crate) async fn get_anywhere(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    axum::extract::Path(path): axum::extract::Path<std::collections::HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let text = crate::agents::part(&path, "uuid");
    let id = text.parse().map_err(|_| Problem::not_found("run", crate::params::shown(&text)))?;
    let run = app.store.run_by_id(id).await?;
    let within = InRun { owner: at.owner, project: run.project, run: id };
    let run = find(&app, &within).await?;
    let content = content(&app, &run).await?;
    let original = original_name(&app, &run).await;
    Ok(Json(shape::full(&run, &content, original.as_deref())))
}

/// `GET .../runs/{uuid}/namespace`.
pub(crate) async fn namespace(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    Ok(Json(json!({ "namespace": run.namespace.as_deref().unwrap_or(DEFAULT) })))
}

/// `GET .../runs/{uuid}/lineage/...`: Berth keeps none yet, so that every list of it is empty.
pub(crate) async fn lineage(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    find(&app, &at).await?;
    Ok(Json(listing::whole(&[])))
}

/// `POST .../runs/{uuid}/lineage/...`: taken, since in-pod clients send it and would fail the run otherwise; not kept.
pub(crate) async fn no_lineage(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<(http::StatusCode, Json<Value>), Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    find(&app, &at).await?;
    Ok((http::StatusCode::CREATED, Json(json!({}))))
}
