//! A broker of one's own with one queue, on which ours, theirs and the bare limit work in turn.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use berth_broker::{Broker, Settings};
use berth_broker_config::Address;
use berth_broker_config::arguments::QueueKind;
use berth_test_servers::{RabbitMq, Redis};
use tokio::task::JoinSet;

use super::tasks;
use crate::limits;
use crate::partners::celery::{Place, Tuning};

/// How many messages of ours wait for their confirm at most, as in the limit's loop.
const BATCHES_IN_FLIGHT: usize = 4;
/// Messages of a batch.
const BATCH: usize = 250;

/// Who may run on a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// RabbitMQ.
    RabbitMq,
    /// Redis.
    Redis,
}

impl System {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
        }
    }
}

/// The server, held so that it lives.
#[derive(Debug)]
enum Server {
    RabbitMq(RabbitMq, Box<limits::amqp::Bare>),
    Redis(Redis, limits::redis::Bare),
}

/// A broker of one's own, and our connection to it.
#[derive(Debug)]
pub struct Stage {
    server: Server,
    /// Ours.
    pub broker: Broker,
    /// Counts the queues, so that each turn has a fresh one.
    turn: usize,
}

impl Stage {
    /// Starts the server and connects to it.
    ///
    /// # Errors
    /// If it can't be reached.
    pub async fn start(system: System) -> Result<Self> {
        let (server, url) = match system {
            System::RabbitMq => {
                let server = RabbitMq::start();
                let (bare, url) = (limits::amqp::Bare::connect(&server.url()).await?, server.url());
                (Server::RabbitMq(server, Box::new(bare)), url)
            }
            System::Redis => {
                let server = Redis::start();
                let (bare, url) = (limits::redis::Bare::connect(&server.url()).await?, server.url());
                bare.keep_append_only_file().await?;
                (Server::Redis(server, bare), url)
            }
        };
        let broker = Broker::connect(patient(&url)?)?;
        ensure!(broker.connected(Duration::from_secs(30)).await, "our connection doesn't come up");
        Ok(Self { server, broker, turn: 0 })
    }

    /// A fresh durable queue of the type. A Celery worker "as shipped" has a classic one; tuned, the same as
    /// ours.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn queue(&mut self, kind: QueueKind) -> Result<Place> {
        self.turn += 1;
        let queue = format!("bench{}", self.turn);
        let broker = match &self.server {
            Server::RabbitMq(server, bare) => {
                bare.declare(&queue, kind).await?;
                server.url()
            }
            Server::Redis(server, _) => server.url(),
        };
        Ok(Place { broker, queue, kind })
    }

    /// Removes the queue with all that is in it.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn clear(&self, place: &Place) -> Result<()> {
        match &self.server {
            Server::RabbitMq(_, bare) => bare.delete(&place.queue).await,
            Server::Redis(_, bare) => bare.clear().await,
        }
    }

    /// How many messages wait in the queue.
    ///
    /// # Errors
    /// If the broker can't be asked.
    pub async fn ready(&self, place: &Place) -> Result<u64> {
        match &self.server {
            Server::RabbitMq(_, bare) => bare.ready(&place.queue).await,
            Server::Redis(_, bare) => bare.ready(&place.queue).await,
        }
    }

    /// Puts `count` tasks in the queue, by our own publisher.
    ///
    /// # Errors
    /// If one is not confirmed.
    pub async fn fill(&self, place: &Place, count: usize) -> Result<()> {
        self.publish(place, count).await?;
        match &self.server {
            Server::RabbitMq(_, bare) => bare.filled(&place.queue, count as u64).await,
            Server::Redis(_, bare) => {
                let found = bare.ready(&place.queue).await?;
                if found == count as u64 { Ok(()) } else { bail!("{found} messages instead of {count}") }
            }
        }
    }

    /// Publishes `count` tasks in batches, by a few publishers side by side: as the handlers of a service do.
    ///
    /// # Errors
    /// If one is not confirmed.
    pub async fn publish(&self, place: &Place, count: usize) -> Result<()> {
        let to = Address::foreign(&place.queue);
        let left = Arc::new(AtomicUsize::new(count));
        let mut publishers = JoinSet::new();
        for _ in 0..BATCHES_IN_FLIGHT {
            let (broker, to, left) = (self.broker.clone(), to.clone(), Arc::clone(&left));
            publishers.spawn(async move {
                let payload = tasks::payload();
                while let Ok(before) =
                    left.fetch_update(Relaxed, Relaxed, |left| (left > 0).then(|| left.saturating_sub(BATCH)))
                {
                    broker.publish(tasks::batch(&to, &payload, before.min(BATCH))).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(published) = publishers.join_next().await {
            published??;
        }
        Ok(())
    }

    /// The bare publisher's rate per second.
    ///
    /// # Errors
    /// If a message is not confirmed.
    pub async fn bare_publish(&self, place: &Place, count: usize) -> Result<f64> {
        match &self.server {
            // A channel of its own: confirms are a channel's mode.
            Server::RabbitMq(server, bare) => {
                let message = self.sample(server, bare).await?;
                let bare = limits::amqp::Bare::connect(&server.url()).await?;
                let rate = bare.publish(&place.queue, &message, count).await?;
                bare.close().await?;
                Ok(rate)
            }
            Server::Redis(server, bare) => {
                let bare_body = self.envelope(server, bare).await?;
                bare.publish(&place.queue, &bare_body, count).await
            }
        }
    }

    /// The bare consumer's rate per second.
    ///
    /// # Errors
    /// If there are fewer than `count` messages.
    pub async fn bare_consume(&self, place: &Place, count: usize) -> Result<f64> {
        match &self.server {
            Server::RabbitMq(server, _) => {
                let bare = limits::amqp::Bare::connect(&server.url()).await?;
                let rate = bare.consume(&place.queue, count).await?;
                bare.close().await?;
                Ok(rate)
            }
            Server::Redis(_, bare) => bare.consume(&place.queue, count).await,
        }
    }

    /// One message as our publisher sends it, so that the bare loop sends the same bytes.
    async fn sample(
        &self,
        server: &RabbitMq,
        bare: &limits::amqp::Bare,
    ) -> Result<(lapin::BasicProperties, Vec<u8>)> {
        let place =
            Place { broker: server.url(), queue: "bench-sample".to_owned(), kind: QueueKind::default() };
        bare.declare(&place.queue, place.kind).await?;
        self.publish(&place, 1).await?;
        bare.filled(&place.queue, 1).await?;
        let message = bare.get(&place.queue).await?;
        bare.delete(&place.queue).await?;
        Ok(message)
    }

    /// One message as our publisher writes it into a list, so that the bare loop pushes the same bytes.
    async fn envelope(&self, server: &Redis, bare: &limits::redis::Bare) -> Result<Vec<u8>> {
        let place =
            Place { broker: server.url(), queue: "bench-envelope".to_owned(), kind: QueueKind::default() };
        self.publish(&place, 1).await?;
        bare.pop(&place.queue).await
    }
}

/// Settings that wait long for a confirm: on a busy machine a late one is slow, not lost.
///
/// # Errors
/// If the URL can't be used.
pub fn patient(url: &str) -> Result<Settings> {
    let mut settings = Settings::new(url)?;
    settings.answer_timeout = Duration::from_secs(60);
    Ok(settings)
}

/// The queue's type that a Celery worker of this tuning works on.
pub fn kind_of(tuning: Tuning) -> QueueKind {
    match tuning {
        Tuning::Shipped => QueueKind::Classic,
        Tuning::Best => QueueKind::Quorum,
    }
}
