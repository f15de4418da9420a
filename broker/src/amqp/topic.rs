//! Broadcast topics: fanout exchanges, and an exclusive queue for each subscriber.

use std::sync::Arc;

use berth_broker_config::Address;
use berth_broker_config::topology::{Exchange, ExchangeKind};
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use tokio::sync::mpsc;

use super::link::{Link, Live};
use super::{declare, publish, wire};
use crate::backoff::Backoff;
use crate::consumer::Subscription;
use crate::error::Error;
use crate::message::{Message, Publish};

/// Whose topic it is, and so how its exchange is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Berth's: durable.
    Own,
    /// Celery's remote control: transient.
    Celery,
}

/// How many messages wait for a slow subscriber; then it misses some.
const BACKLOG: usize = 1024;

pub(crate) async fn broadcast(link: &Arc<Link>, topic: &Address, message: Message) -> Result<(), Error> {
    let live = link.live()?;
    let to = Address { exchange: Some(topic.queue.clone()), ..topic.clone() };
    let batch = [Publish { to, message }];
    match publish::publish_on(link, &live, &batch, false).await {
        Ok(()) => Ok(()),
        // No exchange, so nobody listens; the next one finds it.
        Err(error) if matches!(error.reason, Error::NoSuchQueue { .. }) => {
            declare(link, &live, topic, Topic::Own).await
        }
        Err(error) => Err(error.reason),
    }
}

async fn declare(link: &Link, live: &Live, topic: &Address, whose: Topic) -> Result<(), Error> {
    let exchange = Exchange { kind: ExchangeKind::Fanout };
    match whose {
        Topic::Own => declare::declare_exchange(link, live, &topic.queue, &exchange).await,
        Topic::Celery => declare::declare_transient_exchange(link, live, &topic.queue, &exchange).await,
    }
}

pub(crate) fn subscribe(link: &Arc<Link>, topic: &Address, whose: Topic) -> Subscription {
    let (sender, messages) = mpsc::channel(BACKLOG);
    let stop = link.core.stop.child_token();
    let (task_link, topic, ended) = (Arc::clone(link), topic.clone(), stop.clone());
    link.core.tracker.spawn(ended.run_until_cancelled_owned(async move {
        run(&task_link, &topic, whose, &sender).await;
    }));
    Subscription { messages, _stop: stop.drop_guard() }
}

async fn run(link: &Link, topic: &Address, whose: Topic, sender: &mpsc::Sender<Message>) {
    let mut backoff = Backoff::default();
    while let Some(live) = link.wait_live().await {
        match open(link, &live, topic, whose).await {
            Ok((_channel, mut stream)) => {
                backoff.reset();
                let pump = async {
                    while let Some(Ok(from)) = stream.next().await {
                        // A slow subscriber misses messages rather than filling memory.
                        drop(sender.try_send(wire::message(&from.properties, from.data)));
                    }
                };
                tokio::select! {
                    () = pump => {}
                    () = link.wait_lost(&live) => {}
                }
            }
            Err(error) => tracing::debug!(topic = topic.queue, %error, "broker.subscribe.failed"),
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

async fn open(
    link: &Link,
    live: &Live,
    topic: &Address,
    whose: Topic,
) -> Result<(lapin::Channel, lapin::Consumer), Error> {
    const DOING: &str = "subscribing to a topic";
    declare(link, live, topic, whose).await?;
    let exchange = wire::short(DOING, &topic.queue)?;
    let opening = async {
        let channel = live.connection.create_channel().await?;
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
        let (name, none) = (queue.name().clone(), FieldTable::default());
        channel
            .queue_bind(name.clone(), exchange, "".into(), QueueBindOptions::default(), none.clone())
            .await?;
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let stream = channel.basic_consume(name, "".into(), options, none).await?;
        Ok((channel, stream))
    };
    let limit = link.core.settings.answer_timeout;
    match tokio::time::timeout(limit, opening).await {
        Ok(opened) => opened.map_err(|error: lapin::Error| wire::error(DOING, &topic.queue, &error)),
        Err(_) => {
            link.suspect();
            Err(Error::Timeout { doing: DOING, millis: limit.as_millis() as u64 })
        }
    }
}
