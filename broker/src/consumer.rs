//! What a consumer and a subscriber hold in their hands.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

use crate::delivery::Delivery;
use crate::message::Message;

/// How many deliveries wake a consumer at most at a time: few enough that it works on them while the next are read.
pub(crate) const HANDFUL: usize = 32;

/// A stream of deliveries from one queue that outlives connections. Ends when dropped; what it held un-acked
/// is then delivered again, to whoever consumes.
#[derive(Debug)]
pub struct Consumer {
    /// What came, as many at a time as there were: each wakes the consumer once.
    deliveries: mpsc::Receiver<Vec<Delivery>>,
    /// What is left of them.
    waiting: VecDeque<Delivery>,
    _stop: DropGuard,
}

impl Consumer {
    pub(crate) fn new(deliveries: mpsc::Receiver<Vec<Delivery>>, stop: DropGuard) -> Self {
        Self { deliveries, waiting: VecDeque::new(), _stop: stop }
    }

    /// The next delivery; `None` only after the broker was closed.
    pub async fn next(&mut self) -> Option<Delivery> {
        while self.waiting.is_empty() {
            self.waiting = self.deliveries.recv().await?.into();
        }
        self.waiting.pop_front()
    }

    /// Waits for one delivery and takes up to `most` that are there; empty only after the broker was closed.
    pub async fn next_batch(&mut self, most: usize) -> Vec<Delivery> {
        let most = most.max(1);
        let mut batch: Vec<Delivery> = self.next().await.into_iter().collect();
        while batch.len() < most && !batch.is_empty() {
            let Some(delivery) = self.waiting.pop_front() else {
                let Ok(more) = self.deliveries.try_recv() else { break };
                self.waiting = more.into();
                continue;
            };
            batch.push(delivery);
        }
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
