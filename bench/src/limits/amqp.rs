//! Bare lapin on RabbitMQ: what the client library and the broker can do.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use tokio::time::{Instant, sleep};

use berth_broker_config::arguments::QueueKind;

/// How many published messages wait for their confirm at most.
const IN_FLIGHT: usize = 1000;
/// Messages per ack, and a tenth of the prefetch.
const ACK_EVERY: u64 = 100;

/// A connection with one channel.
#[derive(Debug)]
pub struct Bare {
    channel: Channel,
    connection: Connection,
}

impl Bare {
    /// Connects.
    ///
    /// # Errors
    /// If the broker can't be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok(Self { channel, connection })
    }

    /// Declares a durable queue.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn declare(&self, queue: &str, kind: QueueKind) -> Result<()> {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.as_str().into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), options, arguments).await?;
        Ok(())
    }

    /// Deletes a queue with what is in it.
    ///
    /// # Errors
    /// If the broker can't be asked.
    pub async fn delete(&self, queue: &str) -> Result<()> {
        self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
        Ok(())
    }

    /// How many messages wait in a queue.
    ///
    /// # Errors
    /// If there is no such queue.
    pub async fn ready(&self, queue: &str) -> Result<u64> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
        Ok(queue.message_count().into())
    }

    /// Takes one message for good.
    ///
    /// # Errors
    /// If the queue is empty.
    pub async fn get(&self, queue: &str) -> Result<(BasicProperties, Vec<u8>)> {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await?;
        let delivery = got.with_context(|| format!("the queue `{queue}` is empty"))?.delivery;
        Ok((delivery.properties, delivery.data))
    }

    /// Publishes a message `count` times, each confirmed, with many in flight; returns the rate per second.
    ///
    /// # Errors
    /// If a message is not confirmed.
    pub async fn publish(
        &self,
        queue: &str,
        (properties, body): &(BasicProperties, Vec<u8>),
        count: usize,
    ) -> Result<f64> {
        self.channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
        let began = Instant::now();
        for _ in 0..count {
            if waiting.len() == IN_FLIGHT
                && let Some(confirm) = waiting.pop_front()
            {
                confirmed(confirm).await?;
            }
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let sent = self.channel.basic_publish("".into(), queue.into(), options, body, properties.clone());
            waiting.push_back(sent.await?);
        }
        for confirm in waiting {
            confirmed(confirm).await?;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// Consumes `count` messages, acking a hundred at a time; returns the rate per second.
    ///
    /// # Errors
    /// If the consumer ends before, or nothing comes for ten seconds.
    pub async fn consume(&self, queue: &str, count: usize) -> Result<f64> {
        let prefetch = u16::try_from(ACK_EVERY * 10).context("the prefetch is too large")?;
        self.channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let began = Instant::now();
        let mut consumer = self
            .channel
            .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await?;
        for got in 1..=count as u64 {
            let next = tokio::time::timeout(Duration::from_secs(10), consumer.next()).await;
            let delivery = next.context("no message for ten seconds")?.context("the consumer ended")??;
            if got % ACK_EVERY == 0 || got == count as u64 {
                delivery.ack(BasicAckOptions { multiple: true }).await?;
            }
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// If the broker doesn't answer.
    pub async fn close(self) -> Result<()> {
        self.connection.close(200, "done".into()).await?;
        Ok(())
    }

    /// Waits until a queue has `count` messages: a quorum queue counts them a moment after their confirms.
    ///
    /// # Errors
    /// If it hasn't within ten seconds.
    pub async fn filled(&self, queue: &str, count: u64) -> Result<()> {
        for _ in 0..500 {
            if self.ready(queue).await? == count {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("{} messages are in `{queue}` instead of {count}", self.ready(queue).await?)
    }
}

async fn confirmed(confirm: PublisherConfirm) -> Result<()> {
    let confirmation = confirm.await?;
    ensure!(matches!(confirmation, Confirmation::Ack(None)), "the broker said {confirmation:?}");
    Ok(())
}
