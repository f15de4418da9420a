//! Deletes what has ended and was kept long enough.

use std::time::Duration;

use tokio::sync::Notify;

use crate::context::{Context, converge_forever};

/// How often the store is looked through.
const EVERY: Duration = Duration::from_secs(60);

/// The most rows of a kind that one transaction deletes.
const BATCH: u32 = 1_000;

/// Deletes what is past its time, until the shutdown.
pub(crate) async fn retain_forever(context: Context) {
    converge_forever("retention", &context, &Notify::new(), EVERY, async || {
        loop {
            let deleted = context.store.retain(context.clock.now(), &context.retention, BATCH).await?;
            if deleted.total() == 0 || context.shutdown.is_cancelled() {
                return Ok(());
            }
            tracing::debug!(rows = deleted.total(), "deleted what was kept long enough");
        }
    })
    .await;
}
