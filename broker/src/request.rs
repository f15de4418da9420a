//! Requests to an agent and their replies: correlated, in chunks, against credit.
//!
//! A request names how many chunks its reader can take; the responder sends no more than that until the reader
//! grants more, so that a slow reader holds at most its own credit in memory, here, on the broker and there.
//! Grants carry the total ever granted, so that a lost or doubled one does no harm. The other side is
//! [`crate::respond`]. Nothing here is reliable: whoever asks asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Address, Topology};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::broker::Broker;
use crate::error::Error;
use crate::message::{Message, Publish};

/// The header that tells a request, a grant of credit, a cancellation and a reply apart.
pub(crate) const KIND: &str = "berth-kind";
/// The total number of chunks granted.
pub(crate) const CREDIT: &str = "berth-credit";
/// How long a side waits for the other, in milliseconds.
pub(crate) const TTL: &str = "berth-ttl-ms";
/// The largest chunk, in bytes.
pub(crate) const CHUNK: &str = "berth-chunk-bytes";
/// A reply message's number, from 0.
pub(crate) const SEQUENCE: &str = "berth-sequence";

/// The largest chunk that either side accepts: 64 KiB.
pub const LARGEST_CHUNK: usize = 64 * 1024;

/// How a reply is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestOptions {
    /// How many chunks may be on their way (1 to 1,000).
    pub credit: u32,
    /// The largest chunk in bytes, at most [`LARGEST_CHUNK`].
    pub chunk_bytes: u32,
    /// How long each side waits for the other before it gives up.
    pub ttl: Duration,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self { credit: 16, chunk_bytes: 64 * 1024, ttl: Duration::from_secs(10) }
    }
}

/// Why a reply did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The responder says that it can't.
    #[error("{0}")]
    Failed(String),
    /// Nothing came in time.
    #[error("no answer within {millis} ms")]
    Timeout {
        /// How long was waited.
        millis: u64,
    },
    /// A part was lost on the way (the broker's connection broke, or it lost its data).
    #[error("part {expected} of the answer was lost on the way")]
    Gap {
        /// The missing part's number, from 0.
        expected: u64,
    },
    /// Credit could not be granted.
    #[error(transparent)]
    Broker(#[from] Error),
}

/// One message of a reply.
#[derive(Debug)]
struct Part {
    kind: PartKind,
    sequence: u64,
    body: Bytes,
}

#[derive(Debug, PartialEq, Eq)]
enum PartKind {
    Chunk,
    Finish,
    Fail,
}

/// The reply queues that are consumed, and who waits for what on each.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    by_queue: Mutex<HashMap<String, Arc<Inbox>>>,
}

#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<HashMap<Uuid, mpsc::Sender<Part>>>,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, mpsc::Sender<Part>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a reply to whoever waits. A responder that exceeds its credit loses its listener.
    fn route(&self, message: &Message) {
        let Some((id, part)) = read_part(message) else {
            tracing::warn!("broker.reply.unreadable");
            return;
        };
        let mut waiting = self.waiting();
        let Some(sender) = waiting.get(&id) else { return };
        if sender.try_send(part).is_err() {
            waiting.remove(&id);
        }
    }
}

impl Inboxes {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Inbox>>> {
        self.by_queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

/// The parts of one reply, as they come. Dropping it tells the responder to stop.
#[derive(Debug)]
pub struct ReplyStream {
    broker: Broker,
    control: Address,
    inbox: Arc<Inbox>,
    id: Uuid,
    parts: mpsc::Receiver<Part>,
    ttl: Duration,
    credit: u64,
    granted: u64,
    next: u64,
    ended: bool,
}

impl ReplyStream {
    /// The next chunk; `None` when the reply is complete. After an error the stream has ended.
    pub async fn next(&mut self) -> Option<Result<Bytes, ReplyError>> {
        if self.ended {
            return None;
        }
        let result = self.read().await.transpose();
        if !matches!(result, Some(Ok(_))) {
            self.ended = true;
            self.inbox.waiting().remove(&self.id);
        }
        result
    }

    async fn read(&mut self) -> Result<Option<Bytes>, ReplyError> {
        loop {
            let timeout = || ReplyError::Timeout { millis: self.ttl.as_millis() as u64 };
            let part = tokio::time::timeout(self.ttl, self.parts.recv()).await.map_err(|_| timeout())?;
            // The sender goes when the responder exceeds its credit, or the broker was closed.
            let part = part.ok_or(ReplyError::Gap { expected: self.next })?;
            if part.sequence < self.next {
                continue;
            }
            if part.sequence > self.next {
                return Err(ReplyError::Gap { expected: self.next });
            }
            self.next += 1;
            match part.kind {
                PartKind::Finish => return Ok(None),
                PartKind::Fail => {
                    return Err(ReplyError::Failed(String::from_utf8_lossy(&part.body).into_owned()));
                }
                PartKind::Chunk => {
                    // Granting at half leaves the responder something to send meanwhile.
                    if self.granted - self.next <= self.credit / 2 {
                        self.granted = self.next + self.credit;
                        let grant = note(self.id, "credit", self.granted, self.ttl);
                        send(&self.broker, &self.control, grant).await?;
                    }
                    return Ok(Some(part.body));
                }
            }
        }
    }
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        self.inbox.waiting().remove(&self.id);
        if !self.ended {
            let (broker, control) = (self.broker.clone(), self.control.clone());
            let cancel = note(self.id, "cancel", 0, self.ttl);
            self.broker.tracker().spawn(async move {
                if let Err(error) = send(&broker, &control, cancel).await {
                    // The responder gives up by itself when its credit runs out.
                    tracing::debug!(%error, "broker.request.cancel_lost");
                }
            });
        }
    }
}

/// Sends a request; see [`Broker::request`].
pub(crate) async fn start(
    broker: &Broker,
    to: &Address,
    reply: &Address,
    mut message: Message,
    options: RequestOptions,
) -> Result<ReplyStream, Error> {
    let inbox = open_inbox(broker, reply).await?;
    let id = Uuid::new_v4();
    let credit = u64::from(options.credit.clamp(1, 1000));
    let (sender, parts) = mpsc::channel(credit as usize + 2);
    inbox.waiting().insert(id, sender);
    let stream = ReplyStream {
        broker: broker.clone(),
        control: to.clone(),
        inbox,
        id,
        parts,
        ttl: options.ttl,
        credit,
        granted: credit,
        next: 0,
        ended: false,
    };
    let mark = note(id, "request", credit, options.ttl);
    message.properties.correlation_id = mark.properties.correlation_id;
    message.properties.reply_to = Some(reply.queue.clone());
    message.properties.expiration_ms = mark.properties.expiration_ms;
    message.headers.extend(mark.headers);
    message.headers.insert(CHUNK.to_owned(), json!(options.chunk_bytes.clamp(1, LARGEST_CHUNK as u32)));
    send(broker, to, message).await?;
    Ok(stream)
}

/// Declares and consumes a reply queue, if that isn't done yet.
async fn open_inbox(broker: &Broker, reply: &Address) -> Result<Arc<Inbox>, Error> {
    if let Some(inbox) = broker.inboxes.lock().get(&reply.queue) {
        return Ok(Arc::clone(inbox));
    }
    broker.apply(&Topology::default().with_queue(reply, QueueKind::Classic)).await?;
    let inbox = {
        let mut inboxes = broker.inboxes.lock();
        if let Some(inbox) = inboxes.get(&reply.queue) {
            return Ok(Arc::clone(inbox));
        }
        let inbox = Arc::new(Inbox::default());
        inboxes.insert(reply.queue.clone(), Arc::clone(&inbox));
        inbox
    };
    let mut consumer = broker.consume(reply, 256).await;
    let routed = Arc::clone(&inbox);
    broker.tracker().spawn(async move {
        loop {
            let batch = consumer.next_batch(256).await;
            if batch.is_empty() {
                // Closed: nobody will get anything any more.
                routed.waiting().clear();
                return;
            }
            for delivery in &batch {
                routed.route(&delivery.message);
            }
            if let Err(error) = crate::delivery::ack_many(batch).await {
                // They come again, and their parts are then known to be old.
                tracing::debug!(%error, "broker.reply.ack_lost");
            }
        }
    });
    Ok(inbox)
}

pub(crate) async fn send(broker: &Broker, to: &Address, message: Message) -> Result<(), Error> {
    let publish = Publish { to: to.clone(), message };
    broker.publish(vec![publish]).await.map_err(|error| error.reason)
}

/// A message with no body about request `id`.
fn note(id: Uuid, kind: &str, credit: u64, ttl: Duration) -> Message {
    let ttl = ttl.as_millis() as u64;
    let mut message = Message::json("{}");
    message.properties.persistent = false;
    message.properties.correlation_id = Some(id.to_string());
    message.properties.expiration_ms = Some(ttl);
    message.headers = [(KIND, json!(kind)), (CREDIT, json!(credit)), (TTL, json!(ttl))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    message
}

fn read_part(message: &Message) -> Option<(Uuid, Part)> {
    let id = message.properties.correlation_id.as_deref()?.parse().ok()?;
    let kind = match message.header_text(KIND)? {
        "chunk" => PartKind::Chunk,
        "finish" => PartKind::Finish,
        "fail" => PartKind::Fail,
        _ => return None,
    };
    let sequence = message.headers.get(SEQUENCE).and_then(Value::as_u64)?;
    (message.body.len() <= LARGEST_CHUNK).then(|| (id, Part { kind, sequence, body: message.body.clone() }))
}
