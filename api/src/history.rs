//! What queues did over time, step by step; and the loop that writes down what this process counted.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{OriginalUri, State};
use berth_domain::access::Action;
use berth_domain::history::{Point, Range, UnknownRange};
use berth_domain::time::Time;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::params::Params;
use crate::path::{InOwner, InQueue};
use crate::problem::Problem;
use crate::queues;

/// How long what was counted may wait to be written.
const EVERY: Duration = Duration::from_secs(10);

/// `GET /api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history`.
pub(crate) async fn of_queue(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let range = range(&Params::read(&uri, &["range"])?)?;
    let queue = queues::find(&app, &at).await?;
    let points = app.store.queue_history(queue.id, range, app.clock.now()).await?;
    Ok(Json(shape(range, &points)))
}

/// `GET /api/v1/orgs/{owner}/history`: all queues together.
pub(crate) async fn of_owner(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let range = range(&Params::read(&uri, &["range"])?)?;
    let points = app.store.owner_history(&at.owner, range, app.clock.now()).await?;
    Ok(Json(shape(range, &points)))
}

/// The range that is asked for; an hour, if none is.
fn range(params: &Params) -> Result<Range, Problem> {
    let given = params.text("range").unwrap_or(Range::Hour.as_str());
    given.parse().map_err(|error: UnknownRange| Problem::field("range", error.to_string()))
}

fn shape(range: Range, points: &[Point]) -> Value {
    let points: Vec<Value> = points
        .iter()
        .map(|Point { at, gauges, counts }| {
            json!({
                "at": at,
                "backlog": gauges.backlog,
                "in_flight": gauges.in_flight,
                "admissible": gauges.admissible,
                "oldest_seconds": Duration::from_millis(gauges.oldest_ms).as_secs_f64(),
                "dead_letters": gauges.dead_letters,
                "submitted": counts.submitted,
                "started": counts.started,
                "finished": counts.finished,
                "failed": counts.failed,
                "wait_p50_seconds": counts.waits.quantile(0.5).map(|wait| wait.as_secs_f64()),
                "wait_p95_seconds": counts.waits.quantile(0.95).map(|wait| wait.as_secs_f64()),
            })
        })
        .collect();
    json!({ "range": range.as_str(), "step_seconds": range.step().as_secs(), "points": points })
}

/// A queue's backlogs of the last hour, one a minute; `steps` are the minutes that were measured.
pub(crate) fn series(steps: &[Time], backlogs: Option<&BTreeMap<Time, u64>>) -> Vec<u64> {
    let of = |at: &Time| backlogs.and_then(|of| of.get(at)).copied().unwrap_or_default();
    steps.iter().map(of).collect()
}

/// Writes down what was counted, until the shutdown, and a last time then.
pub(crate) async fn write_forever(app: AppState) {
    loop {
        let is_last = app.shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none();
        write(&app).await;
        if is_last {
            return;
        }
    }
}

async fn write(app: &App) {
    if let Err(error) = app.store.write_history(None, app.clock.now()).await {
        // Tried again with what comes then; that the store is away is said by its own check.
        tracing::debug!(%error, "the history could not be written");
    }
}
