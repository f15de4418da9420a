//! Deletes what has ended and was kept long enough, and has agents forget what they keep of it.

use std::time::Duration;

use berth_domain::protocol::ToAgentBody;
use tokio::sync::Notify;

use crate::context::{Context, Pace};
use crate::nudge;
use crate::outbox::Error;

/// How often the store is looked through.
const EVERY: Duration = Duration::from_secs(60);

/// The most rows of a kind that one transaction deletes.
const BATCH: u32 = 1_000;

/// The most runs that an agent is told to forget at once.
const FORGET: u32 = 500;

/// Deletes what is past its time, until the shutdown.
pub(crate) async fn retain_forever(context: Context) {
    let hint = Notify::new();
    let mut pace = Pace::new("retention", &context, &hint, EVERY);
    while pace.next().await {
        pace.round(retain(&context)).await;
        pace.round(forget(&context)).await;
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

/// Tells agents what to forget. Whoever is away is told again.
async fn forget(context: &Context) -> Result<(), Error> {
    for agent in context.store.agents_with_forgotten().await? {
        let runs = context.store.forgotten_runs(agent, FORGET).await?;
        nudge::to_all_replicas(context, agent, std::iter::once(ToAgentBody::Forget(runs))).await?;
    }
    Ok(())
}
