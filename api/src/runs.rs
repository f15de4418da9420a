//! Runs: submitted, listed, looked at, changed, steered, made anew, deleted.

pub(crate) mod bulk;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod filter;
pub(crate) mod groups;
pub(crate) mod list;
pub(crate) mod many;
pub(crate) mod statuses;
pub(crate) mod verbs;

use berth_domain::lifecycle::Status;
use berth_store::{Run, RunContent};

use crate::app::App;
use crate::path::InRun;
use crate::problem::Problem;
use crate::trace;

/// The live state of a run that is to be deleted once it has ended.
pub(crate) const DELETING: i32 = -1;
/// The live state of a run that was archived.
pub(crate) const ARCHIVED: i32 = 0;
/// The live state of a run like any other.
pub(crate) const LIVE: i32 = 1;

/// The run that a path names.
///
/// # Errors
/// 404 if there is none, or it is being deleted.
pub(crate) async fn find(app: &App, at: &InRun) -> Result<Run, Problem> {
    let run = app.store.run(&at.owner, &at.project, at.run).await?;
    trace::note(run.trace.as_ref());
    if run.live_state == DELETING { Err(Problem::not_found("run", at.run)) } else { Ok(run) }
}

/// A run's operation; none at all if it has none.
pub(crate) async fn content(app: &App, run: &Run) -> Result<RunContent, Problem> {
    Ok(app.store.run_content(run.id).await?)
}

/// The name of the run that it was made from.
pub(crate) async fn original_name(app: &App, run: &Run) -> Option<String> {
    let original = run.original_id?;
    // It may be gone: then its name is not known any more, and that is all.
    app.store.run_by_id(original).await.ok().and_then(|original| original.name)
}

/// Whether Berth executes it, rather than a client.
pub(crate) fn is_ours(run: &Run) -> bool {
    run.managed_by.as_deref().unwrap_or("agent") == "agent"
}

/// The statuses of runs that have not ended.
pub(crate) fn unfinished() -> Vec<Status> {
    Status::ALL.into_iter().filter(|status| !status.is_final()).collect()
}

/// The statuses in which a run counts towards limits.
pub(crate) fn holding() -> Vec<Status> {
    Status::ALL.into_iter().filter(|status| status.holds_slot()).collect()
}
