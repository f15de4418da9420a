//! What a consumer and a subscriber hold in their hands.

use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

use crate::delivery::Delivery;
use crate::message::Message;

/// A stream of deliveries from one queue that outlives connections. Ends when dropped; what it held un-acked
/// is then delivered again, to whoever consumes.
#[derive(Debug)]
pub struct Consumer {
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
    pub(crate) _stop: DropGuard,
}

impl Consumer {
    /// The next delivery; `None` only after the broker was closed.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }

    /// Waits for one delivery and takes up to `most` that are there; empty only after the broker was closed.
    pub async fn next_batch(&mut self, most: usize) -> Vec<Delivery> {
        let mut batch = Vec::new();
        self.deliveries.recv_many(&mut batch, most.max(1)).await;
        batch
    }
}

/// A stream of broadcast messages. What is sent while the connection is down is not seen.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) messages: mpsc::Receiver<Message>,
    pub(crate) _stop: DropGuard,
}

impl Subscription {
    /// The next message; `None` only after the broker was closed.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }
}
