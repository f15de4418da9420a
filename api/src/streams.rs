//! The rest of `/streams/v1`: a run's objects, and what Berth has no counterpart for yet.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use berth_domain::access::Action;
use berth_domain::protocol::logs::{InspectRequest, RequestBody};
use serde_json::{Value, json};

use crate::app::AppState;
use crate::ask::Source;
use crate::authenticate::Caller;
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::find;

/// How large an inspection may be, in bytes: what one answer holds in memory.
const MAX_INSPECTION: usize = 8 * 1024 * 1024;

/// `GET .../k8s_inspect`: what the run's agent sees of its objects, by their names; nothing before one was created.
pub(crate) async fn inspect(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    if run.dispatch.attempt == 0 && run.dispatch.claim.is_none() {
        return Ok(Json(json!({})));
    }
    let source = Source::of(&app, &run).await?;
    let mut chunks = source.ask(RequestBody::Inspect(InspectRequest { run: run.id })).await?;
    let mut text = Vec::new();
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk.map_err(|error| source.unanswered(&error))?);
        if text.len() > MAX_INSPECTION {
            return Err(Problem::unavailable(format!(
                "the run's objects fill more than {MAX_INSPECTION} bytes"
            )));
        }
    }
    serde_json::from_slice(&text).map(Json).map_err(|error| Problem::internal(&error))
}

/// `POST` and `DELETE .../artifact`, `.../artifacts`: refused by name.
pub(crate) async fn unsupported(caller: Caller, at: InRun) -> Result<Response, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    Err(Problem::bad_request("artifacts are not supported yet: nothing was kept"))
}
