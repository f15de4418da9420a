//! Deletes what has ended and was kept long enough.

use std::time::Duration;

use tokio::sync::Notify;

use crate::context::{Context, Pace};
use crate::outbox::Error;

/// How often the store is looked through.
const EVERY: Duration = Duration::from_secs(60);

/// The most rows of a kind that one transaction deletes.
const BATCH: u32 = 1_000;

/// Deletes what is past its time, until the shutdown.
pub(crate) async fn retain_forever(context: Context) {
    let hint = Notify::new();
    let mut pace = Pace::new("retention", &context, &hint, EVERY);
    while pace.next().await {
        pace.round(retain(&context)).await;
    }
}

async fn retain(context: &Context) -> Result<(), Error> {
    loop {
        let removed = context.store.retention(context.clock.now(), &context.retention, BATCH).await?;
        if removed.is_nothing() || context.shutdown.is_cancelled() {
            return Ok(());
        }
        tracing::debug!(?removed, "removed what was kept long enough");
    }
}
