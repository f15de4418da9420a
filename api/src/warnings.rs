//! What is wrong, as `berth_domain::warning` finds it in what the store and this process know.

use axum::Json;
use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::warning::{Warning, warnings};
use berth_store::{Agent, BrokerFacts, QueueStats};
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::listing;
use crate::path::InOwner;
use crate::problem::Problem;
use crate::stats::Numbers;

/// `GET /api/v1/orgs/{owner}/warnings`: the worst first.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let agents = agents(&app, &at.owner).await?;
    let numbers = app.stats.of(&app, &at.owner).await?;
    Ok(Json(listing::whole(&shapes(&of_agents(&app, &agents, &numbers).await?))))
}

/// An organization's agents.
pub(crate) async fn agents(app: &App, owner: &str) -> Result<Vec<Agent>, Problem> {
    Ok(app.store.all_agents().await?.into_iter().filter(|agent| agent.owner == owner).collect())
}

/// What is wrong with these agents and their queues.
pub(crate) async fn of_agents(
    app: &App,
    agents: &[Agent],
    numbers: &Numbers,
) -> Result<Vec<Warning>, Problem> {
    let broker = {
        let connection = app.broker.connection();
        let connection = connection.borrow();
        BrokerFacts { down: connection.why_down(), alarm: connection.alarm.clone() }
    };
    let queues: Vec<QueueStats> = numbers.queues.values().cloned().collect();
    let facts = app.store.warning_facts(agents, &queues, broker, &app.release, app.clock.now()).await?;
    Ok(warnings(&facts))
}

/// Warnings as they are told.
pub(crate) fn shapes(found: &[Warning]) -> Vec<Value> {
    found.iter().map(shape).collect()
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
