//! Celery's own names on Redis: events and remote control are published on channels that begin with the database's
//! number, replies are pushed to the list that their client waits at.
//!
//! Source: kombu's `transport/redis.py`, `_put_fanout` and `_lookup`, as seen in captures.

use std::sync::Arc;
use std::time::Duration;

use berth_broker_config::Address;

use super::link::Link;
use super::topic;
use crate::celery::control::{ReplyTo, commands};
use crate::celery::envelope;
use crate::celery::event::{self, EXCHANGE, Event};
use crate::celery::result::{self, TaskResult};
use crate::consumer::Subscription;
use crate::error::Error;
use crate::message::Message;

/// kombu's separator of the parts of a binding.
const SEPARATOR: &str = "\u{6}\u{16}";
/// How long a reply waits for its client, in milliseconds: as long as kombu's own on RabbitMQ.
const REPLY_KEPT_MS: u32 = 300_000;

/// A key of Celery's own.
fn key(link: &Link, name: &str) -> String {
    format!("{}{name}", link.core.settings.celery_prefix)
}

/// The channel of a fanout exchange.
fn channel(link: &Link, name: &str) -> String {
    key(link, &format!("/{}.{name}", link.core.settings.database()))
}

pub(crate) fn subscribe(link: &Arc<Link>, namespace: &str) -> Subscription {
    topic::subscribe(link, &Address::foreign(channel(link, &commands(namespace))))
}

/// Workers with a key prefix (kombu's `global_keyprefix`) listen under it.
pub(crate) async fn command(
    link: &Link,
    namespace: &str,
    prefix: &str,
    message: &Message,
) -> Result<(), Error> {
    let exchange = commands(namespace);
    let text = envelope::encode_through(message, &exchange, "")?;
    let mut publish = ::redis::cmd("PUBLISH");
    let channel = format!("{prefix}/{}.{exchange}", link.core.settings.database());
    let _: u64 = link.command("commanding Celery workers", publish.arg(channel).arg(text)).await?;
    Ok(())
}

/// A client that is gone has no binding any more; a list for it would stay for ever.
pub(crate) async fn reply(link: &Link, to: &ReplyTo, message: &Message) -> Result<(), Error> {
    const DOING: &str = "replying to a command";
    let queue = to.queue();
    let binding = [to.routing_key.as_str(), "", &queue].join(SEPARATOR);
    let mut waits = ::redis::cmd("SISMEMBER");
    let waits = waits.arg(key(link, &format!("_kombu.binding.{}", to.exchange))).arg(binding);
    if !link.command::<bool>(DOING, waits).await? {
        return Ok(());
    }
    let text = envelope::encode_through(message, &to.exchange, &to.routing_key)?;
    let mut push = ::redis::pipe();
    let queue = key(link, &queue);
    push.atomic().cmd("LPUSH").arg(&queue).arg(text).ignore();
    push.cmd("PEXPIRE").arg(&queue).arg(REPLY_KEPT_MS).ignore();
    link.pipeline::<()>(DOING, &push).await
}

/// As Celery's backend does, in one step: of two that write at once, success stays.
pub(crate) async fn put_result(link: &Link, result: &TaskResult, kept: Duration) -> Result<(), Error> {
    let mut call = link.scripts.result.prepare_invoke();
    call.key(TaskResult::redis_key(&result.task_id)).arg(result::text(result)).arg(kept.as_secs());
    let _: u64 = link.script("storing a result", &call).await?;
    Ok(())
}

pub(crate) async fn emit(link: &Link, events: &[Event]) -> Result<(), Error> {
    let mut publish = ::redis::pipe();
    for event in events {
        let routing_key = event.routing_key();
        let text = envelope::encode_through(&event::encode(event), EXCHANGE, &routing_key)?;
        publish.cmd("PUBLISH").arg(channel(link, &format!("{EXCHANGE}/{routing_key}"))).arg(text).ignore();
    }
    link.pipeline::<()>("sending events", &publish).await
}
