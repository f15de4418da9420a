//! Steering a run: stop, skip, approve, transfer. What each does to a run is decided by `berth_domain::lifecycle`.

use std::collections::HashMap;

use axum::Json as Answer;
use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::id::RunId;
use berth_domain::lifecycle::{Event, Status, Step, step, track};
use berth_store::{Audit, Decision, Run, RunPatch};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{find, is_ours};
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::path::InRun;
use crate::problem::Problem;
use crate::submit::advance;

/// What can be done to a run, and to many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Stop,
    Skip,
    Approve,
}

impl Verb {
    pub(crate) const fn action(self) -> &'static str {
        match self {
            Self::Stop => "run.stop",
            Self::Skip => "run.skip",
            Self::Approve => "run.approve",
        }
    }
}

/// `POST .../runs/{uuid}/stop`. One that has ended stays as it is.
pub(crate) async fn stop(app: State<AppState>, caller: Caller, at: InRun) -> Result<Answer<Value>, Problem> {
    one(&app, &caller, &at, Verb::Stop).await
}

/// `POST .../runs/{uuid}/skip`, before it was admitted.
pub(crate) async fn skip(app: State<AppState>, caller: Caller, at: InRun) -> Result<Answer<Value>, Problem> {
    one(&app, &caller, &at, Verb::Skip).await
}

/// `POST .../runs/{uuid}/approve`: what it waited for is there.
pub(crate) async fn approve(
    app: State<AppState>,
    caller: Caller,
    at: InRun,
) -> Result<Answer<Value>, Problem> {
    one(&app, &caller, &at, Verb::Approve).await
}

async fn one(app: &App, caller: &Caller, at: &InRun, verb: Verb) -> Result<Answer<Value>, Problem> {
    caller.may(Action::SteerRun, at.resource())?;
    let run = find(app, at).await?;
    apply(app, caller, &[run], verb).await?;
    Ok(Answer(json!({})))
}

/// Does it to all of `runs`, in one commit. Returns those that changed.
///
/// # Errors
/// If the store can't be used.
pub(crate) async fn apply(
    app: &App,
    caller: &Caller,
    runs: &[Run],
    verb: Verb,
) -> Result<Vec<RunId>, Problem> {
    apply_audited(app, caller, runs, verb, &caller.audit(verb.action())).await
}

/// The same, with the entry that each run's change leaves behind.
///
/// # Errors
/// If the store can't be used.
pub(crate) async fn apply_audited(
    app: &App,
    caller: &Caller,
    runs: &[Run],
    verb: Verb,
    audit: &Audit,
) -> Result<Vec<RunId>, Problem> {
    let by = caller.principal.name().to_owned();
    let now = caller.now;
    let by_id: HashMap<RunId, &Run> = runs.iter().map(|run| (run.id, run)).collect();
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let changed = app.transition(&ids, now, |head| {
        let run = *by_id.get(&head.id)?;
        let state = &head.dispatch;
        let step = match verb {
            // Nobody but its client could stop what it executes: here it just ends.
            Verb::Stop if !is_ours(run) => {
                track(state, Status::Stopped, "Stopped", &format!("Stopped by {by}"), now).ok()
            }
            Verb::Stop => step(state, &Event::Stop { by: &by }, now, 0.0).ok(),
            Verb::Skip => step(state, &Event::Skip { by: &by }, now, 0.0).ok(),
            Verb::Approve if state.status == Status::Created && is_ours(run) => {
                let (state, conditions) = advance(state, run.schedule_at, now).ok()?;
                Some(Step { state, conditions, dead_letter: None })
            }
            Verb::Approve => None,
        }?;
        Some(Decision::audited(step, audit.clone()))
    });
    let changed: Vec<RunId> = changed.await?.into_iter().map(|(id, _)| id).collect();
    if verb == Verb::Approve {
        // After the step: if this is lost, the run goes on all the same, and a second approval tidies up.
        for run in runs.iter().filter(|run| run.pending.is_some()) {
            let patch = RunPatch { pending: Some(None), ..RunPatch::default() };
            app.store.update_run_meta(run.id, patch, audit).await?;
        }
    }
    app.wake.changed();
    Ok(changed)
}

/// Where a run is to go.
#[derive(Debug, Deserialize)]
pub(crate) struct Transfer {
    project: String,
}

/// `POST .../runs/{uuid}/transfer`.
pub(crate) async fn transfer(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    Json(to): Json<Transfer>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ChangeRun, at.resource())?;
    let run = find(&app, &at).await?;
    refuse_transfer(&app, &at.owner, &run.project, &to.project).await?;
    Ok(Answer(json!({})))
}

/// Runs stay in their project so far; only a transfer to where a run is already is fine.
///
/// # Errors
/// 400 otherwise.
pub(crate) async fn refuse_transfer(app: &App, owner: &str, from: &str, to: &str) -> Result<(), Problem> {
    if from == to {
        return Ok(());
    }
    if app.store.project(owner, to).await.is_err() {
        let name = crate::params::shown(to);
        return Err(Problem::field("project", format!("The destination project `{name}` does not exist.")));
    }
    Err(Problem::field("project", "runs can't be moved to another project yet"))
}
