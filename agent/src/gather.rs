//! Things that travel better together: one that comes alone goes at once, those that come close behind it as one batch.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long after one that went alone the next waits for more to travel with.
const LINGER: Duration = Duration::from_millis(5);
/// After a batch it waits so many times as long as there were in it, up to this: the busier, the fewer messages.
const MOST_LINGERS: u32 = 4;

/// How long after a batch of so many the next one waits for company.
pub(crate) fn linger(batch: usize) -> Duration {
    LINGER * u32::try_from(batch).unwrap_or(MOST_LINGERS).min(MOST_LINGERS)
}

/// What comes on a channel, in batches.
#[derive(Debug)]
pub(crate) struct Gather<T> {
    coming: mpsc::Receiver<T>,
    most: usize,
    /// When the next batch goes at the latest, once there is something for it.
    leaves_at: Instant,
}

impl<T> Gather<T> {
    /// In batches of at most `most`.
    pub(crate) fn new(coming: mpsc::Receiver<T>, most: usize) -> Self {
        Self { coming, most, leaves_at: Instant::now() }
    }

    /// The next batch; none when nothing can come any more. If the wait is given up, what was gathered is lost.
    pub(crate) async fn next(&mut self) -> Option<Vec<T>> {
        let mut batch = Vec::new();
        if self.coming.recv_many(&mut batch, self.most).await == 0 {
            return None;
        }
        while batch.len() < self.most {
            let room = self.most - batch.len();
            match tokio::time::timeout_at(self.leaves_at, self.coming.recv_many(&mut batch, room)).await {
                Ok(more) if more > 0 => {}
                _ => break,
            }
        }
        self.leaves_at = Instant::now() + linger(batch.len());
        Some(batch)
    }
}
