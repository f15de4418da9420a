//! A transport to test: its server, and names that no other test uses.

use std::sync::OnceLock;
use std::time::Duration;

use berth_broker::{Broker, Consumer, Delivery, Message, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Address, Names, build};
use berth_test_servers::{RabbitMq, Redis};
use uuid::Uuid;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static REDIS: OnceLock<Redis> = OnceLock::new();
static RABBITMQ: OnceLock<RabbitMq> = OnceLock::new();

/// The Redis that the tests of this process share.
pub(crate) fn shared_redis() -> &'static Redis {
    REDIS.get_or_init(Redis::start)
}

/// The RabbitMQ that the tests of this process share.
pub(crate) fn shared_rabbitmq() -> &'static RabbitMq {
    RABBITMQ.get_or_init(RabbitMq::start_managed)
}

/// One transport, with names of its own.
pub(crate) struct Rig {
    pub(crate) names: Names,
    pub(crate) url: Option<String>,
    /// Where RabbitMQ's management API is.
    pub(crate) management: Option<String>,
    pub(crate) memory: Broker,
}

impl Rig {
    pub(crate) fn memory() -> Self {
        Self::over(None)
    }

    pub(crate) fn redis() -> Self {
        Self::over(Some(shared_redis().url()))
    }

    pub(crate) fn rabbitmq() -> Self {
        let server = shared_rabbitmq();
        Self { management: Some(server.management_url()), ..Self::over(Some(server.url())) }
    }

    pub(crate) fn over(url: Option<String>) -> Self {
        drop(
            tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
                .with_test_writer()
                .try_init(),
        );
        let names = Names { prefix: format!("t{}", Uuid::new_v4().simple()) };
        Self { names, url, management: None, memory: Broker::memory() }
    }

    pub(crate) fn settings(&self) -> Option<Settings> {
        let mut settings = Settings::new(self.url.as_ref()?).unwrap();
        settings.names = self.names.clone();
        settings.visibility_timeout = Duration::from_secs(3);
        settings.poll_interval = Duration::from_millis(100);
        settings.heartbeat = Duration::from_secs(2);
        settings.answer_timeout = Duration::from_secs(10);
        settings.management = self.management.as_deref().unwrap_or("off").parse().unwrap();
        Some(settings)
    }

    /// A connection of its own (in-process: the same hub).
    pub(crate) async fn connect(&self) -> Broker {
        match self.settings() {
            None => self.memory.clone(),
            Some(settings) => {
                let broker = Broker::connect(settings).unwrap();
                assert!(broker.connected(PATIENCE).await, "{:?}", *broker.connection().borrow());
                broker
            }
        }
    }

    pub(crate) fn offers(&self) -> Address {
        self.names.offers("a", "q")
    }

    /// A connection, with the agent's topology applied.
    pub(crate) async fn ready(&self) -> Broker {
        let broker = self.connect().await;
        broker.apply(&build::agent(&self.names, "a", ["q"], QueueKind::Quorum)).await.unwrap();
        broker
    }
}

pub(crate) fn message(number: usize) -> Message {
    Message::json(format!("{{\"number\": {number}}}"))
}

pub(crate) fn number(delivery: &Delivery) -> usize {
    let body: serde_json::Value = serde_json::from_slice(&delivery.message.body).unwrap();
    body["number"].as_u64().unwrap() as usize
}

pub(crate) fn batch(to: &Address, numbers: std::ops::Range<usize>) -> Vec<Publish> {
    numbers.map(|number| Publish { to: to.clone(), message: message(number) }).collect()
}

/// The next delivery, within patience.
pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    tokio::time::timeout(PATIENCE, consumer.next())
        .await
        .expect("a delivery in time")
        .expect("an open consumer")
}

/// Waits until `holds` does, within patience.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "not in time: {what}");
}

/// Asserts that nothing is delivered for a while.
pub(crate) async fn nothing(consumer: &mut Consumer) {
    let got = tokio::time::timeout(Duration::from_millis(300), consumer.next()).await;
    assert!(got.is_err(), "unexpected: {got:?}");
}
