//! Dead letters: runs that were claimed too often without a start, and messages that no agent can decode.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use berth_domain::access::Action;
use berth_domain::id::DeadLetterId;
use berth_store::DeadLetter;
use serde_json::{Value, json};

use crate::agents::part;
use crate::app::AppState;
use crate::authenticate::Caller;
use crate::listing;
use crate::params::{Params, shown};
use crate::path::InOwner;
use crate::problem::Problem;

/// Letters on a page, if nothing is said.
const PAGE: u32 = 100;

/// `GET /api/v1/orgs/{owner}/dead-letters`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &listing::PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let letters = app.store.dead_letters(&at.owner, None, &page).await?;
    Ok(Json(listing::answer(&uri, &letters, shape)))
}

/// `DELETE /api/v1/orgs/{owner}/dead-letters/{uuid}`.
pub(crate) async fn drop(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageDeadLetters, at.resource())?;
    let text = part(&path, "uuid");
    let id: DeadLetterId = text.parse().map_err(|_| Problem::not_found("dead letter", shown(&text)))?;
    app.store.drop_dead_letter(&at.owner, id, &caller.audit("dead_letter.drop")).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shape(letter: &DeadLetter) -> Value {
    json!({
        "uuid": letter.id,
        "run": letter.run_id,
        "attempt": letter.attempt,
        "agent": letter.agent_id,
        "queue": letter.queue_id,
        "reason": letter.reason,
        "raw": letter.raw,
        "at": letter.at,
    })
}
