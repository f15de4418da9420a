//! How an organization is doing, in one answer.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::time::Time;
use berth_domain::warning::Warning;
use berth_store::Agent;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::path::InOwner;
use crate::problem::Problem;
use crate::stats::{Numbers, show_rates};
use crate::warnings;

/// `GET /api/v1/orgs/{owner}/overview`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let numbers = app.stats.of(&app, &at.owner).await?;
    let agents = warnings::agents(&app, &at.owner).await?;
    let wrong = warnings::of_agents(&app, &agents, &numbers).await?;
    let mut shape = json!({
        "at": numbers.at,
        "statuses": statuses(&numbers),
        "agents": counted(&agents, caller.now),
        "queues": numbers.queues.len(),
        "saturation": saturation(&agents, &numbers),
        "health": health(&app, &wrong, &agents, caller.now),
        "warnings": warnings::shapes(&wrong),
    });
    let sum = |of: fn(&berth_store::QueueStats) -> u64| numbers.queues.values().map(of).sum::<u64>();
    let oldest = numbers.queues.values().filter_map(|queue| queue.oldest_queued_at).min();
    shape["waiting"] = json!(sum(|queue| queue.backlog));
    shape["live"] = json!(sum(|queue| queue.offered + queue.in_flight));
    shape["dead_letters"] = json!(sum(|queue| queue.dead_letters));
    shape["oldest_seconds"] = json!(oldest.map(|oldest| numbers.at.since(oldest).as_secs_f64()));
    let (counts, within) = numbers.rates();
    show_rates(&mut shape, &counts, within);
    Ok(Json(shape))
}

fn statuses(numbers: &Numbers) -> BTreeMap<&'static str, u64> {
    numbers.statuses.iter().map(|(status, count)| (status.as_str(), *count)).collect()
}

fn counted(agents: &[Agent], now: Time) -> Value {
    let live = agents.iter().filter(|agent| agent.is_live(now)).count();
    let lost = agents.iter().filter(|agent| agent.lease_until.is_some() && !agent.is_live(now)).count();
    let cordoned = agents.iter().filter(|agent| agent.is_closed()).count();
    json!({ "live": live, "lost": lost, "cordoned": cordoned, "count": agents.len() })
}

/// How much of what each agent may run it does run.
fn saturation(agents: &[Agent], numbers: &Numbers) -> Vec<Value> {
    let used = |agent: &Agent| {
        let queues = numbers.queues.values().filter(|queue| queue.agent_id == agent.id);
        queues.map(|queue| queue.offered + queue.in_flight).sum::<u64>()
    };
    let shape =
        |agent: &Agent| json!({ "agent": agent.name, "in_flight": used(agent), "limit": agent.concurrency });
    agents.iter().map(shape).collect()
}

/// Whether each part works, and what is wrong with it.
fn health(app: &App, found: &[Warning], agents: &[Agent], now: Time) -> Vec<Value> {
    let check =
        |name: &str, wrong: Option<String>| json!({ "name": name, "ok": wrong.is_none(), "message": wrong });
    let wrong = |kind: &str| {
        found.iter().find(|warning| warning.object.kind == kind).map(|warning| warning.message.clone())
    };
    let down = app.health.readiness().down;
    let store = down.into_iter().find(|check| check.name == "store").map(|check| check.reason);
    let mut all = vec![
        check("api", None),
        check("store", store),
        check("broker", wrong("broker")),
        check("scheduler", wrong("scheduler")),
    ];
    all.extend(agents.iter().map(|agent| {
        let wrong = match agent.lease_until {
            None => Some("it has never asked for a lease".to_owned()),
            Some(until) if until <= now => Some(format!("it has had no lease since {until}")),
            Some(_) => None,
        };
        check(&format!("agent {}", agent.name), wrong)
    }));
    all
}
