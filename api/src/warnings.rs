//! What is wrong, as `berth_domain::warning` finds it in what the store and this process know.

use axum::Json;
use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::warning::{Facts, Warning, warnings};
use berth_store::BrokerFacts;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::listing;
use crate::path::InOwner;
use crate::problem::Problem;

/// `GET /api/v1/orgs/{owner}/warnings`: the worst first.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let facts = facts(&app, &at.owner).await?;
    Ok(Json(listing::whole(&shapes(&facts))))
}

/// The facts of an organization.
pub(crate) async fn facts(app: &App, owner: &str) -> Result<Facts, Problem> {
    let broker = {
        let connection = app.broker.connection();
        let connection = connection.borrow();
        let why = || connection.last_error.clone().unwrap_or_else(|| "not connected yet".to_owned());
        BrokerFacts { down: (!connection.up).then(why), alarm: connection.alarm.clone() }
    };
    Ok(app.store.warning_facts(Some(owner), broker, &app.release, app.clock.now()).await?)
}

/// The warnings that the facts give.
pub(crate) fn shapes(facts: &Facts) -> Vec<Value> {
    warnings(facts).iter().map(shape).collect()
}

fn shape(warning: &Warning) -> Value {
    json!({
        "name": warning.name,
        "severity": warning.name.severity(),
        "object": warning.object,
        "message": warning.message,
        "since": warning.since,
        "value": warning.value,
        "threshold": warning.threshold,
        "runbook": warning.name.runbook(),
        "alert": warning.name.alert(),
    })
}
