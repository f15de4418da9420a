//! Publishing, and what exists: depth, purge, apply, delete.

use berth_broker_config::{Address, Topology};

use super::keys::Keys;
use super::link::Link;
use super::scripts;
use crate::broker::Depth;
use crate::celery::envelope;
use crate::error::{Error, PublishError};
use crate::message::Publish;

fn keys(link: &Link, address: &Address) -> Keys {
    Keys::of(address, &link.core.settings.names, &link.core.settings.celery_prefix)
}

/// Publishes a batch: one script call for all messages of a destination, all calls on their way at once.
pub(crate) async fn publish(link: &Link, batch: &[Publish]) -> Result<(), PublishError> {
    // Indices by destination and priority, in order of their first message. Keys are made once for each.
    let mut lists: Vec<(&Publish, Vec<usize>)> = Vec::new();
    for (index, publish) in batch.iter().enumerate() {
        let same = |first: &Publish| {
            first.to == publish.to && first.message.properties.priority == publish.message.properties.priority
        };
        match lists.iter_mut().find(|(first, _)| same(first)) {
            Some((_, indices)) => indices.push(index),
            None => lists.push((publish, vec![index])),
        }
    }
    let pushes = lists.iter().map(|(first, indices)| push(link, batch, first, indices));
    let results = futures_util::future::join_all(pushes).await;
    let (mut unconfirmed, mut reason) = (Vec::new(), None);
    for ((_, indices), result) in lists.iter().zip(results) {
        if let Err(error) = result {
            unconfirmed.extend(indices);
            reason.get_or_insert(error);
        }
    }
    unconfirmed.sort_unstable();
    reason.map_or(Ok(()), |reason| Err(PublishError { unconfirmed, reason }))
}

/// Pushes messages that go where the first of them goes.
async fn push(link: &Link, batch: &[Publish], first: &Publish, indices: &[usize]) -> Result<(), Error> {
    let to = &first.to;
    let keys = keys(link, to);
    let list = keys.list(first.message.properties.priority);
    // Queues of others can't be known to exist: their owners don't register them.
    let check = u8::from(!to.redis_prefix.is_empty());
    let mut push = ::redis::cmd("LPUSH");
    push.arg(&list);
    for index in indices {
        push.arg(envelope::encode(&batch[*index].message, &keys.routing_key)?);
    }
    let mut pushing = ::redis::pipe();
    pushing.cmd("MULTI").ignore().add_command(push).ignore();
    pushing.cmd("EVAL").arg(scripts::PUSHED).arg(3).arg(&list).arg(&keys.registry).arg(&keys.live);
    pushing.arg(&keys.queue).arg(check).arg(to.idle_expiry_ms.unwrap_or(0)).arg(indices.len()).ignore();
    pushing.cmd("EXEC");
    // The hint comes after: before 7.2, Redis writes what a transaction publishes to its own client into the middle of its
    // answer (redis/redis#12326).
    pushing.cmd("PUBLISH").arg(&keys.queue).arg("").ignore();
    let ((_, exists),): ((u64, bool),) = link.pipeline("publishing", &pushing).await?;
    if link.core.state.borrow().alarm.is_some() {
        link.core.set_alarm(None);
    }
    if exists { Ok(()) } else { Err(Error::NoSuchQueue { queue: keys.queue }) }
}

pub(crate) async fn depth(link: &Link, queue: &Address) -> Result<Depth, Error> {
    let keys = keys(link, queue);
    let mut call = link.scripts.depth.prepare_invoke();
    call.key(&keys.registry).key(&keys.live).key(&keys.index);
    call.key(&keys.lists()[..]).arg(&keys.queue);
    let (exists, ready, unacked): (u64, u64, u64) = link.script("measuring a queue", &call).await?;
    if exists == 0 && !queue.redis_prefix.is_empty() {
        return Err(Error::NoSuchQueue { queue: keys.queue });
    }
    Ok(Depth { ready, unacked: Some(unacked) })
}

pub(crate) async fn purge(link: &Link, queue: &Address) -> Result<u64, Error> {
    let ready = depth(link, queue).await?.ready;
    let lists = keys(link, queue).lists();
    let _: u64 = link.command("purging a queue", ::redis::cmd("DEL").arg(&lists[..])).await?;
    Ok(ready)
}

pub(crate) async fn delete(link: &Link, queue: &Address) -> Result<(), Error> {
    const DOING: &str = "deleting a queue";
    let keys = keys(link, queue);
    let _: u64 = link.command(DOING, ::redis::cmd("SREM").arg(&keys.registry).arg(&keys.queue)).await?;
    let mut consumers = ::redis::cmd("ZRANGEBYSCORE");
    consumers.arg(&keys.index).arg("-inf").arg("+inf");
    let consumers: Vec<String> = link.command(DOING, &consumers).await?;
    let held: Vec<String> = consumers.iter().map(|consumer| keys.held_by(consumer)).collect();
    let mut delete = ::redis::cmd("DEL");
    delete.arg(&keys.lists()[..]).arg(&keys.live).arg(&keys.index).arg(held);
    let _: u64 = link.command(DOING, &delete).await?;
    Ok(())
}

/// Registers queues. Exchanges and bindings have no counterpart: a queue is reached by its name.
pub(crate) async fn apply(link: &Link, topology: &Topology) -> Result<(), Error> {
    const DOING: &str = "registering a queue";
    for (name, queue) in &topology.queues {
        let address = Address {
            queue: name.clone(),
            exchange: None,
            redis_prefix: queue.redis_prefix.clone(),
            idle_expiry_ms: queue.arguments.expires_ms,
        };
        let keys = keys(link, &address);
        match address.idle_expiry_ms {
            None => {
                let _: u64 = link.command(DOING, ::redis::cmd("SADD").arg(&keys.registry).arg(name)).await?;
            }
            Some(millis) => announce(link, &keys, millis).await?,
        }
    }
    Ok(())
}

/// Says that a queue which goes when nobody consumes it is there for another while.
pub(crate) async fn announce(link: &Link, keys: &Keys, millis: u32) -> Result<(), Error> {
    let mut set = ::redis::cmd("SET");
    link.command("announcing a queue", set.arg(&keys.live).arg(1).arg("PX").arg(millis)).await
}
