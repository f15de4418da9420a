//! Declaring, measuring, purging and deleting queues: each on a channel of its own, since a refusal closes it.

use std::time::Duration;

use berth_broker_config::Topology;
use berth_broker_config::arguments::{Value, table};
use berth_broker_config::topology::{Exchange, ExchangeKind, Queue};
use lapin::options::{
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};

use super::link::{Link, Live};
use super::wire::{self, short};
use crate::error::Error;

/// Runs one operation on a new channel, with the settings' patience.
async fn with_channel<T>(
    link: &Link,
    live: &Live,
    doing: &'static str,
    name: &str,
    act: impl AsyncFnOnce(lapin::Channel) -> lapin::Result<T>,
) -> Result<T, Error> {
    with_channel_within(link.core.settings.answer_timeout, link, live, doing, name, act).await
}

async fn with_channel_within<T>(
    limit: Duration,
    link: &Link,
    live: &Live,
    doing: &'static str,
    name: &str,
    act: impl AsyncFnOnce(lapin::Channel) -> lapin::Result<T>,
) -> Result<T, Error> {
    let acting = async {
        let channel = live.connection.create_channel().await?;
        let result = act(channel.clone()).await;
        if channel.status().connected() {
            channel.close(200, "OK".into()).await?;
        }
        result
    };
    match tokio::time::timeout(limit, acting).await {
        Ok(result) => result.map_err(|error| wire::error(doing, name, &error)),
        Err(_) => {
            link.suspect();
            Err(Error::Timeout { doing, millis: limit.as_millis() as u64 })
        }
    }
}

/// How many messages wait in a queue.
pub(crate) async fn ready(link: &Link, queue: &str) -> Result<u64, Error> {
    const DOING: &str = "measuring a queue";
    let name = short(DOING, queue)?;
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let live = link.live()?;
    let found = with_channel(link, &live, DOING, queue, async |channel| {
        channel.queue_declare(name, options, FieldTable::default()).await
    });
    Ok(found.await?.message_count().into())
}

pub(crate) async fn purge(link: &Link, queue: &str) -> Result<u64, Error> {
    const DOING: &str = "purging a queue";
    let name = short(DOING, queue)?;
    let live = link.live()?;
    let count = with_channel(link, &live, DOING, queue, async |channel| {
        channel.queue_purge(name, QueuePurgeOptions::default()).await
    });
    Ok(count.await?.into())
}

pub(crate) async fn delete_queue(link: &Link, queue: &str) -> Result<(), Error> {
    delete_within(link, queue, link.core.settings.answer_timeout).await
}

/// Deletes a queue, with a patience of its own.
pub(crate) async fn delete_within(link: &Link, queue: &str, limit: Duration) -> Result<(), Error> {
    const DOING: &str = "deleting a queue";
    let name = short(DOING, queue)?;
    let live = link.live()?;
    let deleted = with_channel_within(limit, link, &live, DOING, queue, async |channel| {
        channel.queue_delete(name, QueueDeleteOptions::default()).await
    });
    match deleted.await {
        Ok(_) | Err(Error::NoSuchQueue { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    apply_on(link, &*link.live()?, topology).await
}

pub(crate) async fn apply_on(link: &Link, live: &Live, topology: &Topology) -> Result<(), Error> {
    for (name, exchange) in &topology.exchanges {
        declare_exchange(link, live, name, exchange).await?;
    }
    for (name, queue) in &topology.queues {
        declare_queue(link, live, name, queue).await?;
    }
    const DOING: &str = "binding a queue";
    for binding in &topology.bindings {
        let queue = short(DOING, &binding.queue)?;
        let exchange = short(DOING, &binding.exchange)?;
        let key = short(DOING, &binding.routing_key)?;
        with_channel(link, live, DOING, &binding.queue, async |channel| {
            channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn declare_exchange(
    link: &Link,
    live: &Live,
    name: &str,
    exchange: &Exchange,
) -> Result<(), Error> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    exchange_declare(link, live, name, exchange, options).await
}

/// An exchange that goes with the broker's restart, as Celery declares those of its remote control.
pub(crate) async fn declare_transient_exchange(
    link: &Link,
    live: &Live,
    name: &str,
    exchange: &Exchange,
) -> Result<(), Error> {
    exchange_declare(link, live, name, exchange, ExchangeDeclareOptions::default()).await
}

/// Whether there is an exchange of this name; one that is missing is an error.
pub(crate) async fn find_exchange(
    link: &Link,
    live: &Live,
    name: &str,
    exchange: &Exchange,
) -> Result<(), Error> {
    let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    exchange_declare(link, live, name, exchange, options).await
}

async fn exchange_declare(
    link: &Link,
    live: &Live,
    name: &str,
    exchange: &Exchange,
    options: ExchangeDeclareOptions,
) -> Result<(), Error> {
    const DOING: &str = "declaring an exchange";
    let short_name = short(DOING, name)?;
    let kind = match exchange.kind {
        ExchangeKind::Direct => lapin::ExchangeKind::Direct,
        ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
        ExchangeKind::Topic => lapin::ExchangeKind::Topic,
    };
    with_channel(link, live, DOING, name, async |channel| {
        channel.exchange_declare(short_name, kind, options, FieldTable::default()).await
    })
    .await
}

async fn declare_queue(link: &Link, live: &Live, name: &str, queue: &Queue) -> Result<(), Error> {
    const DOING: &str = "declaring a queue";
    let short_name = short(DOING, name)?;
    let mut arguments = FieldTable::default();
    for (key, value) in table(queue.kind, &queue.arguments) {
        let value = match value {
            Value::Int(number) => AMQPValue::LongLongInt(number),
            Value::Text(text) => AMQPValue::LongString(text.into_bytes().into()),
        };
        arguments.insert(short(DOING, &key)?, value);
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = with_channel(link, live, DOING, name, async |channel| {
        channel.queue_declare(short_name, options, arguments).await
    });
    declared.await.map(|_| ())
}
