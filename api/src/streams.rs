//! The rest of `/streams/v1`: what Berth has no counterpart for yet is answered as empty, or as not there, in the
//! words that the stock client shows.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_domain::access::Action;
use serde_json::{Value, json};

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::params::{Params, shown};
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::find;

/// `GET .../k8s_inspect`: an executor without Kubernetes has nothing to show.
pub(crate) async fn inspect(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    find(&app, &at).await?;
    Ok(Json(json!({})))
}

/// `GET .../artifacts/tree`: none are kept.
pub(crate) async fn tree(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    find(&app, &at).await?;
    Ok(Json(json!({ "files": {}, "dirs": [], "is_done": true })))
}

/// `GET .../artifact`, `.../artifacts`: 404, as a text.
pub(crate) async fn artifact(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    caller.may(Action::View, at.resource())?;
    find(&app, &at).await?;
    let params = Params::read(&uri, &["path", "stream", "force", "connection", "check_path"])?;
    let path = shown(params.text("path").unwrap_or_default());
    Ok((StatusCode::NOT_FOUND, format!("Artifact not found: filepath={path}")).into_response())
}

/// `GET .../events/{kind}` and `.../resources`: nothing is collected yet.
pub(crate) async fn nothing(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    find(&app, &at).await?;
    Ok(Json(json!({ "data": [] })))
}

/// `POST` and `DELETE .../artifact`, `.../artifacts`: refused by name.
pub(crate) async fn unsupported(caller: Caller, at: InRun) -> Result<Response, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    Err(Problem::bad_request("artifacts are not supported yet: nothing was kept"))
}
