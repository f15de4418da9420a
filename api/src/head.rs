//! The runs of a queue that are next, each with what holds it back.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{OriginalUri, State};
use berth_domain::access::Action;
use berth_domain::id::RunId;
use berth_domain::scheduling::{Block, Candidate, Lane, Rule, blocks};
use berth_store::{AdmissionOptions, Run};
use serde_json::{Value, json};

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::listing;
use crate::params::Params;
use crate::path::InQueue;
use crate::problem::Problem;
use crate::queues;

/// Runs told of, if nothing is said; and at most.
const FEW: u32 = 50;
const MOST: u32 = 200;

/// `GET /api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head`: by priority and age, in which order they start unless one's
/// share is used up or something holds one back.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &["limit"])?;
    let limit = params.number("limit", MOST.into())?.and_then(|limit| u32::try_from(limit).ok());
    let limit = limit.unwrap_or(FEW);
    let queue = queues::find(&app, &at).await?;
    let options = AdmissionOptions {
        broker_is_up: app.wake.broker_is_up(),
        heads: limit.max(1),
        ..AdmissionOptions::default()
    };
    let snapshot = app.store.snapshot(&at.owner, app.clock.now(), options).await?;
    let of_lanes: Vec<(&Lane, Vec<Block>)> = snapshot
        .lanes
        .iter()
        .filter(|lane| lane.queue == queue.id)
        .map(|lane| (lane, blocks(&snapshot, lane)))
        .collect();
    let mut next: Vec<(&Candidate, &[Block])> = of_lanes
        .iter()
        .flat_map(|(lane, held)| lane.heads.iter().map(|head| (head, held.as_slice())))
        .collect();
    next.sort_by_key(|(head, _)| (std::cmp::Reverse(head.priority), head.queued_at, head.run));
    next.truncate(limit as usize);
    let ids: Vec<RunId> = next.iter().map(|(head, _)| head.run).collect();
    let runs: HashMap<RunId, Run> =
        app.store.runs_by_id(&ids).await?.into_iter().map(|run| (run.id, run)).collect();
    let results: Vec<Value> = next
        .iter()
        .enumerate()
        .filter_map(|(at, (head, held))| Some(shape(at, head, held, runs.get(&head.run)?)))
        .collect();
    Ok(Json(listing::whole(&results)))
}

fn shape(at: usize, head: &Candidate, held: &[Block], run: &Run) -> Value {
    let behind = || {
        let message =
            if at == 1 { "1 run is before it".to_owned() } else { format!("{at} runs are before it") };
        vec![Block::plain(Rule::Behind, "queue", run.queue.as_deref().unwrap_or_default(), message)]
    };
    let blocked_by = if held.is_empty() && at > 0 { behind() } else { held.to_vec() };
    json!({
        "uuid": run.id,
        "name": run.name,
        "project": run.project,
        "user": run.username,
        "priority": head.priority,
        "queued_at": head.queued_at,
        "position": at + 1,
        "blocked_by": blocked_by,
    })
}
