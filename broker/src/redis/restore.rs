//! Brings back what dead consumers held: records that were not refreshed for the visibility timeout.
//!
//! One client at a time does it per prefix, under kombu's own lock. Only records of the queue that is consumed
//! here are touched: a stock worker beside us has a visibility timeout of its own.

use std::time::Duration;

use uuid::Uuid;

use super::keys::Keys;
use super::link::Link;
use super::scripts;
use crate::celery::envelope;
use crate::error::Error;

const DOING: &str = "bringing back what was held";

/// How many records are looked at in one go.
const MOST: usize = 100;

/// Looks for overdue records of one queue, until cancelled.
pub(crate) async fn run(link: &Link, keys: &Keys) {
    let visibility = link.core.settings.visibility_timeout;
    // Soon at first: where consumers don't live for long, nobody else would ever look.
    let mut period = visibility / 20;
    loop {
        // Spread over the consumers of a queue, so that they don't all ask at once.
        let pause = period.mul_f64(0.75 + rand::random::<f64>() / 2.0);
        tokio::time::sleep(pause.max(Duration::from_millis(50))).await;
        period = visibility / 2;
        if !link.core.state.borrow().up {
            continue;
        }
        match round(link, keys, visibility).await {
            Ok(0) => {}
            Ok(count) => {
                // Not all of them may have been looked at.
                period = visibility / 20;
                tracing::info!(queue = keys.queue, count, "broker.restored");
            }
            Err(error) => tracing::debug!(queue = keys.queue, %error, "broker.restore.failed"),
        }
    }
}

async fn round(link: &Link, keys: &Keys, visibility: Duration) -> Result<usize, Error> {
    let mut call = link.scripts.overdue.prepare_invoke();
    call.key(&keys.index).key(&keys.unacked).arg(visibility.as_secs_f64()).arg(MOST).arg(scripts::LONGEST);
    let mut found: Vec<String> = link.script(DOING, &call).await?;
    if found.len() < 3 {
        return Ok(0);
    }
    let token = Uuid::new_v4().to_string();
    let mut lock = ::redis::cmd("SET");
    lock.arg(&keys.mutex).arg(&token).arg("NX").arg("PX").arg(10_000);
    let locked: Option<String> = link.command(DOING, &lock).await?;
    if locked.is_none() {
        return Ok(0);
    }
    let newest = found.remove(0);
    let mut call = link.scripts.give_back.prepare_invoke();
    call.key(&keys.unacked).key(&keys.index).key(&keys.queue);
    call.arg(&keys.queue).arg(&newest).arg(envelope::record_end(&keys.routing_key));
    let mut any = false;
    // Newest first: each goes to the head of the queue, so that the oldest is served first.
    for pair in found.chunks_exact(2).rev() {
        if let Some(raw) = keys.given_back(&pair[1]) {
            call.arg(&pair[0]).arg(raw);
            any = true;
        }
    }
    let count = if any { link.script(DOING, &call).await } else { Ok(0) };
    let held: Option<String> = link.command(DOING, ::redis::cmd("GET").arg(&keys.mutex)).await?;
    if held.as_deref() == Some(&token) {
        let _: u64 = link.command(DOING, ::redis::cmd("DEL").arg(&keys.mutex)).await?;
    }
    count
}
