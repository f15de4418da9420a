//! Brings back what dead consumers held: those that were not heard of for the visibility timeout.
//!
//! One client at a time does it per queue, under a lock. What a stock worker beside us holds is in kombu's own keys, and has
//! a visibility timeout of its own.

use std::time::Duration;

use uuid::Uuid;

use super::keys::Keys;
use super::link::Link;
use super::scripts;
use crate::celery::envelope;
use crate::error::Error;

const DOING: &str = "bringing back what was held";

/// How many messages are brought back in one go.
const MOST: usize = 100;

/// Looks for dead consumers of one queue, until cancelled.
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
    call.key(&keys.index).arg(visibility.as_secs_f64()).arg(MOST).arg(scripts::LONGEST);
    let found: Vec<Vec<u8>> = link.script(DOING, &call).await?;
    let [newest, held, messages @ ..] = found.as_slice() else { return Ok(0) };
    let token = Uuid::new_v4().to_string();
    let mut lock = ::redis::cmd("SET");
    lock.arg(&keys.mutex).arg(&token).arg("NX").arg("PX").arg(10_000);
    let locked: Option<String> = link.command(DOING, &lock).await?;
    if locked.is_none() {
        return Ok(0);
    }
    let mut call = link.scripts.give_back.prepare_invoke();
    call.key(&keys.index).key(held).key(&keys.queue).arg(&keys.queue).arg(newest);
    // Newest first: each goes to the head of the queue, so that the oldest is served first.
    for pair in messages.chunks_exact(2) {
        call.arg(&pair[0]).arg(given_back(&pair[1]));
    }
    let count = link.script(DOING, &call).await;
    let locked: Option<String> = link.command(DOING, ::redis::cmd("GET").arg(&keys.mutex)).await?;
    if locked.as_deref() == Some(&token) {
        let _: u64 = link.command(DOING, ::redis::cmd("DEL").arg(&keys.mutex)).await?;
    }
    count
}

/// What goes back into the queue of a message that was held: its envelope, marked; empty if it goes back as it is.
pub(crate) fn given_back(envelope: &[u8]) -> String {
    str::from_utf8(envelope).map(envelope::mark_redelivered).unwrap_or_default()
}
