//! Offers that come more than once, and again when they are long stale: taken as one more replica would take them, and
//! published several times instead of being claimed.

use std::collections::HashMap;
use std::time::Duration;

use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::{Address, Names};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::installation::Installation;

/// How often an offer is published that came for the first time.
const COPIES: usize = 3;
/// The pause after a batch that held nothing new, so that the replicas get at it.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the stale ones may lie on the queue.
const TAKEN: Duration = Duration::from_secs(60);

/// Repeats the offers of one queue until it is told to stop.
#[derive(Debug)]
pub struct Repeater {
    broker: Broker,
    offers: Address,
    stop: CancellationToken,
    task: JoinSet<Vec<Message>>,
}

impl Repeater {
    /// Begins with the queue `queue` of the agent `agent`.
    ///
    /// # Panics
    /// If the installation's broker is no server.
    pub fn start(installation: &Installation, agent: &str, queue: &str) -> Self {
        let url = installation.broker.url_through(installation.broker.port());
        let settings = Settings::new(&url).unwrap_or_else(|error| panic!("the broker's address: {error}"));
        let broker = Broker::connect(settings).unwrap_or_else(|error| panic!("the broker: {error}"));
        let offers = Names::default().offers(agent, queue);
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(repeat(broker.clone(), offers.clone(), stop.clone()));
        Self { broker, offers, stop, task }
    }

    /// Stops, and gives the number of offers that were repeated. Each of them is published once more, stale by now, and
    /// waited for until the agent has taken it.
    ///
    /// # Panics
    /// If it panicked, the broker takes nothing any more, or the agent doesn't.
    pub async fn end_with_stale_offers(self) -> usize {
        self.stop.cancel();
        let repeated = self.task.join_all().await.concat();
        let number = repeated.len();
        let to = &self.offers;
        let batch = repeated.into_iter().map(|message| Publish { to: to.clone(), message }).collect();
        self.broker.publish(batch).await.unwrap_or_else(|error| panic!("stale offers: {error}"));
        let deadline = Instant::now() + TAKEN;
        while self.broker.depth(to).await.map_or(1, |depth| depth.ready) > 0 {
            assert!(Instant::now() < deadline, "stale offers lie on the queue for {TAKEN:?}");
            tokio::time::sleep(PAUSE).await;
        }
        self.broker.close().await;
        number
    }
}

async fn repeat(broker: Broker, offers: Address, stop: CancellationToken) -> Vec<Message> {
    let mut consumer = broker.consume(&offers, 16).await;
    let mut seen: HashMap<(Option<String>, String), Message> = HashMap::new();
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => return seen.into_values().collect(),
            batch = consumer.next_batch(16) => batch,
        };
        assert!(!batch.is_empty(), "the broker's connection was closed");
        let mut copies = Vec::new();
        for delivery in &batch {
            let message = &delivery.message;
            let attempt = message.headers.get("retries").map(ToString::to_string).unwrap_or_default();
            let key = (message.properties.correlation_id.clone(), attempt);
            let is_new = seen.insert(key, message.clone()).is_none();
            copies.extend(std::iter::repeat_n(message.clone(), if is_new { COPIES } else { 1 }));
        }
        let has_news = copies.len() > batch.len();
        let copies = copies.into_iter().map(|message| Publish { to: offers.clone(), message }).collect();
        // What the broker doesn't take stays where it was, and comes again.
        if broker.publish(copies).await.is_ok() {
            for delivery in batch {
                delivery.ack().await.ok();
            }
        }
        if !has_news {
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}
