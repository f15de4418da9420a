//! Publishing a batch: all messages are sent at once, then their confirms are awaited.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use lapin::Confirmation;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::link::{Link, Live};
use super::wire;
use crate::error::{Error, PublishError};
use crate::message::Publish;

const DOING: &str = "publishing";

/// How many messages are handed to the connection at a time.
const BURST: usize = 512;

/// What is known of a batch so far.
struct Progress {
    confirmed: Vec<bool>,
    /// Queues whose messages came back.
    missing: HashSet<String>,
    failure: Option<Error>,
}

pub(crate) async fn publish(link: &Arc<Link>, batch: &[Publish]) -> Result<(), PublishError> {
    let live = link.live().map_err(|reason| PublishError::all(batch.len(), reason))?;
    // What waits for a connection that is gone would wait in vain, and whoever sends one thing after another with it.
    tokio::select! {
        biased;
        published = publish_on(link, &live, batch, true) => published,
        () = link.wait_lost(&live) => Err(PublishError::all(batch.len(), link.core.not_connected())),
    }
}

/// Publishes over one connection. `mandatory`: a message that reaches no queue is an error.
pub(crate) async fn publish_on(
    link: &Link,
    live: &Live,
    batch: &[Publish],
    mandatory: bool,
) -> Result<(), PublishError> {
    let limit = link.core.settings.answer_timeout;
    let mut progress =
        Progress { confirmed: vec![false; batch.len()], missing: HashSet::new(), failure: None };
    if run(live, batch, mandatory, limit, &mut progress).await.is_err() {
        link.suspect();
        progress.failure.get_or_insert(Error::Timeout { doing: DOING, millis: limit.as_millis() as u64 });
    }
    let unconfirmed: Vec<usize> = (0..batch.len())
        .filter(|index| !progress.confirmed[*index] || progress.missing.contains(&batch[*index].to.queue))
        .collect();
    if unconfirmed.is_empty() {
        return Ok(());
    }
    let returned = progress.missing.into_iter().min().map(|queue| Error::NoSuchQueue { queue });
    let reason = returned.or(progress.failure).unwrap_or(Error::Failed {
        doing: DOING,
        text: "the broker did not take the message (its queue is full, or has no leader)".to_owned(),
    });
    Err(PublishError { unconfirmed, reason })
}

/// Sends and awaits; fails if nothing at all came for `limit`, however long the whole batch takes.
async fn run(
    live: &Live,
    batch: &[Publish],
    mandatory: bool,
    limit: Duration,
    progress: &mut Progress,
) -> Result<(), Elapsed> {
    let mut slot = timeout(limit, live.publisher()).await?;
    // Taken out, so that a channel with unknown confirms on their way is never used again.
    let channel = match slot.take().filter(|channel| channel.status().connected()) {
        Some(channel) => channel,
        None => match timeout(limit, open(live)).await? {
            Ok(channel) => channel,
            Err(error) => {
                progress.failure = Some(error);
                return Ok(());
            }
        },
    };
    let options = BasicPublishOptions { mandatory, ..BasicPublishOptions::default() };
    let mut confirms = FuturesUnordered::new();
    for (burst, messages) in batch.chunks(BURST).enumerate() {
        let sending = messages.iter().map(|publish| send(&channel, publish, options));
        for (index, sent) in timeout(limit, join_all(sending)).await?.into_iter().enumerate() {
            let index = burst * BURST + index;
            match sent {
                Ok(confirm) => confirms.push(async move { (index, confirm.await) }),
                Err(error) => {
                    progress.failure.get_or_insert(error);
                }
            }
        }
    }
    let mut is_refused = false;
    while let Some((index, confirmation)) = timeout(limit, confirms.next()).await? {
        match confirmation {
            Ok(Confirmation::Ack(returned)) => {
                progress.confirmed[index] = true;
                // It may have come with another message's confirm: the routing key tells whose it is.
                if let Some(returned) = returned {
                    progress.missing.insert(returned.delivery.routing_key.as_str().to_owned());
                }
            }
            Ok(Confirmation::Nack(_) | Confirmation::NotRequested) => is_refused = true,
            Err(error) => {
                let error = wire::error(DOING, &batch[index].to.queue, &error);
                progress.failure.get_or_insert(error);
            }
        }
    }
    // A quorum queue that was full goes on refusing what comes through the channels that it has told so, when its limit is taken
    // away (seen with RabbitMQ 3.10): the next batch comes through another one.
    if channel.status().connected() && !is_refused {
        *slot = Some(channel);
    }
    Ok(())
}

async fn send(
    channel: &lapin::Channel,
    publish: &Publish,
    options: BasicPublishOptions,
) -> Result<lapin::PublisherConfirm, Error> {
    let exchange = wire::short(DOING, publish.to.exchange.as_deref().unwrap_or_default())?;
    let key = wire::short(DOING, &publish.to.queue)?;
    let properties = wire::properties(&publish.message)?;
    channel
        .basic_publish(exchange, key, options, &publish.message.body, properties)
        .await
        .map_err(|error| wire::error(DOING, &publish.to.queue, &error))
}

async fn open(live: &Live) -> Result<lapin::Channel, Error> {
    let opened = async {
        let channel = live.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    };
    opened.await.map_err(|error: lapin::Error| wire::error(DOING, "", &error))
}
