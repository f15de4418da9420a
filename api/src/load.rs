//! Measures what waits and how many requests there are, where replicas are scaled by it.

use std::time::Duration;

use berth_domain::waiting::Load;

use crate::app::AppState;

/// How often requests are counted. What is told of them is the mean since the last measurement: one moment says little.
const COUNT_EVERY: Duration = Duration::from_millis(500);
/// Counts until all is measured: every five seconds, as schedulers do.
const COUNTS: u64 = 10;

/// Measures until the shutdown, if somebody wants to know.
pub(crate) async fn measure_forever(app: AppState) {
    let Some(load) = &app.load else { return };
    let mut last_failure: Option<String> = None;
    let (mut counted, mut counts) = (0_u64, 0_u64);
    loop {
        if counts.is_multiple_of(COUNTS) {
            let requests = u64::div_ceil(counted, counts.max(1));
            (counted, counts) = (0, 0);
            let failure = match measure(&app, requests).await {
                Ok(measured) => {
                    load.send_replace(Some(measured));
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(error) = failure.as_ref().filter(|error| last_failure.as_ref() != Some(*error)) {
                tracing::warn!(error, "what waits could not be measured");
            }
            last_failure = failure;
        }
        if app.shutdown.run_until_cancelled(tokio::time::sleep(COUNT_EVERY)).await.is_none() {
            return;
        }
        counted += app.metrics.http.in_flight();
        counts += 1;
    }
}

async fn measure(app: &AppState, requests: u64) -> Result<Load, berth_store::Error> {
    let at = app.clock.now();
    let requests = app.store.note_requests(&app.replica, requests, at).await?;
    let queues = app.store.queue_stats(None, at).await?;
    let queues = queues.iter().map(|queue| (queue.agent.clone(), queue.waiting(at))).collect();
    Ok(Load { at, queues, requests: Some(requests) })
}
