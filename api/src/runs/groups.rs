//! Runs counted by what they have in common.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::Uri;
use berth_domain::access::Action;
use berth_store::{GroupBy, Project};
use serde_json::{Value, json};

use super::filter;
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::params::{Params, shown};
use crate::path::{InOwner, InProject};
use crate::problem::Problem;

/// Groups told of, if nothing is said; and at most.
const FEW: u64 = 100;
const MOST: u64 = 1_000;

/// `GET /api/v1/orgs/{owner}/runs/groups`.
pub(crate) async fn of_owner(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    groups(&app, &at.owner, None, &uri).await
}

/// `GET /api/v1/{owner}/{project}/runs/groups`.
pub(crate) async fn of_project(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let project = app.directory.project(&app.store, &at.owner, &at.project, app.wake.settings()).await?;
    groups(&app, &at.owner, Some(&project), &uri).await
}

async fn groups(
    app: &App,
    owner: &str,
    project: Option<&Project>,
    uri: &Uri,
) -> Result<Json<Value>, Problem> {
    let params = Params::read(uri, &["by", "query", "limit"])?;
    let by = by(params.text("by").unwrap_or(GroupBy::Status.as_str()))?;
    let limit = params.number("limit", MOST)?.unwrap_or(FEW);
    let filter = filter::read(app, owner, project, params.text("query").unwrap_or_default()).await?;
    let grouped = app.store.grouped_runs(&filter, by).await?;
    let mut groups: Vec<(u64, Value)> = grouped
        .groups
        .iter()
        .map(|(key, statuses)| {
            let count = statuses.values().sum();
            (count, json!({ "key": key, "count": count, "statuses": statuses }))
        })
        .collect();
    let count = groups.len();
    groups.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let results: Vec<Value> = groups
        .into_iter()
        .map(|(_, shape)| shape)
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    Ok(Json(json!({ "by": by.as_str(), "count": count, "is_cut": grouped.is_cut, "results": results })))
}

fn by(text: &str) -> Result<GroupBy, Problem> {
    GroupBy::ALL.into_iter().find(|by| by.as_str() == text).ok_or_else(|| {
        let allowed = GroupBy::ALL.map(GroupBy::as_str).join(", ");
        Problem::field(
            "by",
            format!("`{}` is nothing that runs are counted by; allowed: {allowed}", shown(text)),
        )
    })
}
