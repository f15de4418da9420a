//! Many runs at once: `{"uuids": [...]}`, as Polyaxon's clients name them. Uuids of no run of the project are named in the
//! answer; the others are done. Those of a query, and what Polyaxon has not, are [`super::many`]'s.

use axum::Json as Answer;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_domain::access::{Action, Resource};
use berth_domain::id::RunId;
use berth_store::{Page, Run, RunFilter, RunPatch, Sort};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

use super::change::remove;
use super::many::{self, Asked, Deed};
use super::verbs::{Verb, apply, refuse_transfer};
use super::{ARCHIVED, LIVE};
use crate::agents::part;
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::params::shown;
use crate::path::InOwner;
use crate::problem::Problem;

/// `V1Uuids`, `V1EntitiesTags`, `V1EntitiesTransfer`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    uuids: Vec<RunId>,
    tags: Vec<String>,
    project: Option<String>,
    query: Option<String>,
    queue: Option<String>,
    priority: Option<u8>,
    cursor: Option<String>,
}

impl Body {
    /// What is asked for by a query, or is nothing of Polyaxon's.
    fn asked(&self) -> Asked<'_> {
        Asked {
            query: self.query.as_deref(),
            uuids: self.uuids.clone(),
            queue: self.queue.as_deref(),
            priority: self.priority,
            cursor: self.cursor.as_deref(),
        }
    }
}

/// `POST .../runs/{stop|skip|approve|archive|restore|invalidate|bookmark|tag|transfer}` of a project, or of the
/// organization; `stop` and `skip` by a query, too, and by either `move`, `reprioritize`, `resume` and `restart`.
pub(crate) async fn post(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
    Json(body): Json<Body>,
) -> Result<Answer<Value>, Problem> {
    // The routes of one run have the same form, so that the verb stands where a run's uuid would.
    let verb = part(&path, "uuid");
    if body.query.is_some() || matches!(verb.as_str(), "move" | "reprioritize" | "resume" | "restart") {
        let asked = body.asked();
        check_which(&app, &body)?;
        let Some(deed) = Deed::read(&app, &at.owner, &verb, &asked, caller.now).await? else {
            let message = "this takes `uuids`; by a query: stop, skip, move, reprioritize, resume, restart";
            return Err(Problem::field("query", message));
        };
        let place = (at.owner.as_str(), path.get("project").map(String::as_str));
        return many::act(&app, &caller, place, &deed, &asked, &uri).await.map(Answer);
    }
    let action = match verb.as_str() {
        "stop" | "skip" | "Skip" | "approve" => Action::SteerRun,
        "archive" | "restore" | "invalidate" | "bookmark" | "tag" | "transfer" => Action::ChangeRun,
        other => {
            return Err(Problem::new(StatusCode::NOT_FOUND, format!("nothing is at runs/{}", shown(other))));
        }
    };
    let (runs, unknown) = find(&app, &caller, &at, &path, action, &body).await?;
    match verb.as_str() {
        "stop" => drop(apply(&app, &caller, &runs, Verb::Stop).await?),
        "skip" | "Skip" => drop(apply(&app, &caller, &runs, Verb::Skip).await?),
        "approve" => drop(apply(&app, &caller, &runs, Verb::Approve).await?),
        "archive" => live(&app, &caller, &runs, ARCHIVED, "run.archive").await?,
        "restore" => live(&app, &caller, &runs, LIVE, "run.restore").await?,
        "tag" => {
            for run in &runs {
                let patch = RunPatch { tags: Some(body.tags.clone()), merge: true, ..RunPatch::default() };
                app.store.update_run_meta(run.id, patch, &caller.audit("run.tag")).await?;
            }
        }
        "transfer" => {
            let Some(to) = &body.project else {
                return Err(Problem::field("project", "This field is required."));
            };
            for run in &runs {
                refuse_transfer(&app, &at.owner, &run.project, to).await?;
            }
        }
        _ => {}
    }
    Ok(Answer(answer(&unknown)))
}

/// `DELETE .../runs/delete`, with a body.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let (runs, unknown) = find(&app, &caller, &at, &path, Action::DeleteRun, &body).await?;
    for run in &runs {
        remove(&app, &caller, run).await?;
    }
    app.wake.changed();
    Ok((StatusCode::OK, Answer(answer(&unknown))).into_response())
}

/// Refuses what names runs in two ways, or in none.
fn check_which(app: &App, body: &Body) -> Result<(), Problem> {
    let most = app.limits.bulk_items;
    match (&body.query, body.uuids.len()) {
        (Some(_), 0) => Ok(()),
        (None, count) if (1..=most).contains(&count) => Ok(()),
        (Some(_), _) => Err(Problem::field("query", "it and `uuids` exclude each other")),
        (None, count) => {
            let message = format!("it has {count} items; 1 to {most} are allowed, or give a `query`");
            Err(Problem::field("uuids", message))
        }
    }
}

fn answer(unknown: &[RunId]) -> Value {
    if unknown.is_empty() { json!({}) } else { json!({ "unknown": unknown }) }
}

async fn live(app: &App, caller: &Caller, runs: &[Run], state: i32, action: &str) -> Result<(), Problem> {
    for run in runs {
        app.store.set_live_state(run.id, state, &caller.audit(action)).await?;
    }
    Ok(())
}

async fn find(
    app: &App,
    caller: &Caller,
    at: &InOwner,
    path: &HashMap<String, String>,
    action: Action,
    body: &Body,
) -> Result<(Vec<Run>, Vec<RunId>), Problem> {
    let project = path.get("project");
    let resource = match project {
        Some(name) => Resource::Project { owner: &at.owner, name },
        None => at.resource(),
    };
    caller.may(action, resource)?;
    let most = app.limits.bulk_items;
    let wanted: HashSet<RunId> = body.uuids.iter().copied().collect();
    if wanted.is_empty() || wanted.len() > most {
        return Err(Problem::field(
            "uuids",
            format!("it has {} items; 1 to {most} are allowed", wanted.len()),
        ));
    }
    let project_id = match project {
        Some(name) => Some(app.directory.project(&app.store, &at.owner, name, app.wake.settings()).await?.id),
        None => None,
    };
    let filter = RunFilter {
        owner: Some(at.owner.clone()),
        project_id,
        ids: Some(wanted.iter().copied().collect()),
        ..RunFilter::default()
    };
    let page = Page::first(u32::try_from(most).unwrap_or(u32::MAX));
    let runs = app.store.runs(&filter, Sort::default(), &page).await?.items;
    let known: HashSet<RunId> = runs.iter().map(|run| run.id).collect();
    let unknown = wanted.into_iter().filter(|id| !known.contains(id)).collect();
    Ok((runs, unknown))
}
