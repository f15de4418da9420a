//! Telling the other processes that something changed, and hearing it from them. Hints only: whoever misses one
//! finds the change by its own sweep.

use std::sync::Arc;
use std::time::Duration;

use berth_broker::{Broker, Message};
use berth_broker_config::Address;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// Wake-ups closer together than this travel as one.
const GATHER: Duration = Duration::from_millis(2);

/// A handle to the wake-up topic. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Wake {
    broker: Broker,
    topic: Address,
    wanted: Arc<Notify>,
    heard: watch::Sender<u64>,
    settings: watch::Sender<u64>,
}

impl Wake {
    pub(crate) fn new(broker: Broker, topic: Address) -> Self {
        Self {
            broker,
            topic,
            wanted: Arc::new(Notify::new()),
            heard: watch::Sender::new(0),
            settings: watch::Sender::new(0),
        }
    }

    /// Something was committed. Never waits, and never fails: with the broker down the scheduler's sweep finds it.
    pub(crate) fn changed(&self) {
        self.wanted.notify_one();
        self.heard.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// An agent, a queue or a project was changed here: what this process remembers of them is void.
    pub(crate) fn settings_changed(&self) {
        self.settings.send_modify(|count| *count = count.wrapping_add(1));
        self.changed();
    }

    /// Counts the changes of agents, queues and projects that were made here.
    pub(crate) fn settings(&self) -> u64 {
        *self.settings.borrow()
    }

    /// Whether the broker is connected.
    pub(crate) fn broker_is_up(&self) -> bool {
        self.broker.connection().borrow().up
    }

    /// Changes whenever somebody, here or elsewhere, changed something.
    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Sends what [`Wake::changed`] asked for, until `stop`.
    pub(crate) async fn send(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wanted.notified() => {}
            }
            // A failure is the connection's, which logs it once; the next change tries again.
            if let Err(error) = self.broker.broadcast(&self.topic, Message::json("{}")).await {
                tracing::debug!(%error, "a wake-up was not sent");
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Hears what others broadcast, until `stop`.
    pub(crate) async fn hear(self, stop: CancellationToken) {
        let mut subscription = self.broker.subscribe(&self.topic).await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                message = subscription.next() => match message {
                    Some(_) => self.heard.send_modify(|count| *count = count.wrapping_add(1)),
                    None => return,
                },
            }
        }
    }
}
