//! A message that a consumer holds, and its one answer: ack or requeue.

use crate::message::Message;
use crate::{amqp, memory, redis};

/// A message held un-acked.
///
/// Dropped without an answer, it stays un-acked and keeps its place in the prefetch until its consumer
/// ends; then it is delivered again.
#[derive(Debug)]
pub struct Delivery {
    /// What was sent.
    pub message: Message,
    /// It was, or may have been, delivered before.
    pub redelivered: bool,
    pub(crate) held: Held,
}

#[derive(Debug)]
pub(crate) enum Held {
    Memory(memory::Held),
    Amqp(amqp::Held),
    Redis(redis::Held),
}

/// The broker no longer counts the delivery as ours: it was or will be delivered again. Nothing to repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stale} deliveries were lost with their consumer or connection and will come again")]
pub struct AckError {
    /// How many.
    pub stale: usize,
}

impl Delivery {
    /// Tells the broker that the message is dealt with.
    ///
    /// # Errors
    /// If the delivery is stale; callers may ignore it.
    pub async fn ack(self) -> Result<(), AckError> {
        ack_many(vec![self]).await
    }

    /// Gives the message back for somebody else.
    ///
    /// # Errors
    /// If the delivery is stale: it is, or will be, given back anyway.
    pub async fn requeue(self) -> Result<(), AckError> {
        let done = match self.held {
            Held::Memory(held) => held.requeue(),
            Held::Amqp(held) => held.requeue().await,
            Held::Redis(held) => held.requeue().await,
        };
        if done { Ok(()) } else { Err(AckError { stale: 1 }) }
    }
}

/// Acks a batch in as few round trips as the transports allow.
///
/// # Errors
/// If some are stale, with their number; all others are acked.
pub async fn ack_many(deliveries: Vec<Delivery>) -> Result<(), AckError> {
    let (mut amqp, mut redis, mut stale) = (Vec::new(), Vec::new(), 0);
    for delivery in deliveries {
        match delivery.held {
            Held::Memory(held) => stale += usize::from(!held.ack()),
            Held::Amqp(held) => amqp.push(held),
            Held::Redis(held) => redis.push(held),
        }
    }
    if !amqp.is_empty() {
        stale += amqp::ack_many(amqp).await;
    }
    if !redis.is_empty() {
        stale += redis::ack_many(redis).await;
    }
    if stale == 0 { Ok(()) } else { Err(AckError { stale }) }
}
