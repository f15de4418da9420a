//! A run's statuses: what they were, and those that a client reports of a run that it executes itself.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_domain::access::Action;
use berth_domain::lifecycle::{Event, Ignored, Status, step, track};
use berth_store::{Decision, Run};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{find, is_ours};
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::params::shown;
use crate::path::InRun;
use crate::problem::Problem;
use crate::shape;

/// The longest reason and message, in characters.
const MAX_TEXT: usize = 4_096;

/// `GET .../runs/{uuid}/statuses`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let run = find(&app, &at).await?;
    Ok(Answer(answer(&app, &run).await?))
}

async fn answer(app: &App, run: &Run) -> Result<Value, Problem> {
    let conditions = app.store.conditions(run.id).await?;
    Ok(json!({
        "uuid": run.id,
        "status": run.status(),
        "status_conditions": conditions.iter().map(shape::condition).collect::<Vec<_>>(),
        "meta_info": {},
    }))
}

/// `V1EntityStatusBodyRequest`.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    condition: Reported,
    #[serde(default)]
    force: Option<bool>,
}

/// `V1StatusCondition`, as far as it is the client's. Times are the store's.
#[derive(Debug, Deserialize)]
struct Reported {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// `POST .../runs/{uuid}/statuses`. Of a run that Berth executes, its agent alone reports; `force` is an
/// administrator's.
pub(crate) async fn post(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    let force = body.force.unwrap_or(false);
    if force {
        caller.may(Action::ForceStatus, at.resource())?;
    }
    let status: Status = body.condition.kind.to_lowercase().parse().map_err(|_| {
        let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        let found = shown(&body.condition.kind);
        Problem::field("condition.type", format!("`{found}` is not a status; there are: {}", all.join(", ")))
    })?;
    let run = find(&app, &at).await?;
    if is_ours(&run) && !force {
        return Err(Problem::forbidden("only its agent reports the statuses of a run that Berth executes"));
    }
    let ignored = change(&app, &caller, &run, status, &body.condition, force).await?;
    let run = find(&app, &at).await?;
    let mut answer = answer(&app, &run).await?;
    if let Some(why) = ignored {
        // No error: clients report again what they said before, and Polyaxon takes it without a word.
        answer["ignored"] = json!(why.to_string());
    }
    Ok((StatusCode::CREATED, Answer(answer)))
}

async fn change(
    app: &App,
    caller: &Caller,
    run: &Run,
    status: Status,
    reported: &Reported,
    force: bool,
) -> Result<Option<Ignored>, Problem> {
    // Clients report it once more when they begin; it is what every run is at first.
    if status == Status::Created || status == run.status() && !force {
        return Ok(None);
    }
    let cut = |text: &Option<String>, or: &str| {
        text.as_deref().unwrap_or(or).chars().take(MAX_TEXT).collect::<String>()
    };
    let (reason, message) =
        (cut(&reported.reason, "Reported"), cut(&reported.message, "Reported by its client"));
    let by = caller.principal.name().to_owned();
    let audit = caller.audit(if force { "run.force_status" } else { "run.report_status" });
    let mut ignored = None;
    let ids = [run.id];
    let changed = app.transition(&ids, caller.now, |head| {
        let result = if force {
            step(&head.dispatch, &Event::Force { by: &by, status }, caller.now, 0.0)
        } else {
            track(&head.dispatch, status, &reason, &message, caller.now)
        };
        match result {
            Ok(step) => Some(Decision::audited(step, audit.clone())),
            Err(why) => {
                ignored = Some(why);
                None
            }
        }
    });
    let changed = changed.await?;
    app.wake.changed();
    Ok(ignored.filter(|_| changed.is_empty()))
}
