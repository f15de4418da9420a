//! An agent's side of requests: sends a reply in chunks, as far as the reader's credit goes.
//!
//! The agent's control loop shows every message of its control queue to [`Requests::accept`], which turns
//! requests into [`Responder`]s and feeds grants and cancellations to those that exist. The other side is
//! [`crate::request`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_broker_config::{Address, Names};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::broker::Broker;
use crate::error::Error;
use crate::message::Message;
use crate::request::{CHUNK, CREDIT, KIND, LARGEST_CHUNK, SEQUENCE, TTL, send};

/// The longest that a requester can make a responder wait.
const LONGEST_TTL: Duration = Duration::from_secs(300);

/// Why a reply could not be sent to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The reader granted nothing for as long as it said it would.
    #[error("the reader granted no credit for {millis} ms")]
    Abandoned {
        /// How long was waited.
        millis: u64,
    },
    /// The reader went away and said so.
    #[error("the reader cancelled its request")]
    Cancelled,
    /// The broker.
    #[error(transparent)]
    Broker(#[from] Error),
}

/// What a message on the control queue is about.
#[derive(Debug)]
pub enum Incoming {
    /// A request: the message's body says what is asked.
    Request(Responder),
    /// A grant or a cancellation, dealt with.
    Credit,
    /// Something else of the agent's (a receipt, desired state).
    Other,
}

/// How much a reader can take, or that it went away.
#[derive(Clone, Copy, Debug)]
struct Credit {
    total: u64,
    cancelled: bool,
}

type Open = Arc<Mutex<HashMap<Uuid, watch::Sender<Credit>>>>;

fn lock(open: &Open) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<Credit>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The requests that an agent is answering.
#[derive(Clone, Debug)]
pub struct Requests {
    broker: Broker,
    names: Names,
    agent: String,
    open: Open,
}

impl Requests {
    /// For an agent that answers through `broker`: best a connection of its own, so that a flood of logs can't
    /// delay a lease.
    pub fn new(broker: Broker, names: Names, agent: &str) -> Self {
        Self { broker, names, agent: agent.to_owned(), open: Open::default() }
    }

    /// Looks at a message of the control queue. A request to reply elsewhere than to the agent's own reply
    /// queues is not one.
    pub fn accept(&self, message: &Message) -> Incoming {
        let Some(kind) = message.header_text(KIND) else { return Incoming::Other };
        let id = message.properties.correlation_id.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        let number = |name: &str| message.headers.get(name).and_then(Value::as_u64);
        match (kind, id, number(CREDIT)) {
            ("request", Some(id), Some(total)) => {
                let own = self.names.reply(&self.agent, "");
                let Some(reply_to) = &message.properties.reply_to else { return Incoming::Other };
                if !reply_to.starts_with(&own.queue) {
                    tracing::warn!(%reply_to, "broker.request.foreign_reply_queue");
                    return Incoming::Other;
                }
                let (sender, credit) = watch::channel(Credit { total, cancelled: false });
                lock(&self.open).insert(id, sender);
                Incoming::Request(Responder {
                    broker: self.broker.clone(),
                    reply: Address { queue: reply_to.clone(), ..own },
                    open: Arc::clone(&self.open),
                    id,
                    credit,
                    sequence: 0,
                    chunk: number(CHUNK).unwrap_or(u64::MAX).clamp(1, LARGEST_CHUNK as u64) as usize,
                    ttl: number(TTL).map_or(LONGEST_TTL, Duration::from_millis).min(LONGEST_TTL),
                })
            }
            ("credit", Some(id), Some(total)) => {
                if let Some(sender) = lock(&self.open).get(&id) {
                    sender.send_modify(|credit| credit.total = credit.total.max(total));
                }
                Incoming::Credit
            }
            ("cancel", Some(id), _) => {
                if let Some(sender) = lock(&self.open).get(&id) {
                    sender.send_modify(|credit| credit.cancelled = true);
                }
                Incoming::Credit
            }
            _ => Incoming::Other,
        }
    }
}

/// Sends the reply to one request. Dropped without an end, the reader times out.
#[derive(Debug)]
pub struct Responder {
    broker: Broker,
    reply: Address,
    open: Open,
    id: Uuid,
    credit: watch::Receiver<Credit>,
    sequence: u64,
    chunk: usize,
    ttl: Duration,
}

impl Responder {
    /// The request's id, for logs.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Sends bytes, in as many chunks as the reader wants them in, waiting for credit before each.
    ///
    /// # Errors
    /// If the reader grants nothing, went away, or the broker can't send.
    pub async fn send(&mut self, mut bytes: Bytes) -> Result<(), RespondError> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(self.chunk.min(bytes.len()));
            self.wait_for_credit().await?;
            self.publish("chunk", chunk).await?;
        }
        Ok(())
    }

    /// Ends the reply.
    ///
    /// # Errors
    /// If the broker can't send.
    pub async fn finish(mut self) -> Result<(), RespondError> {
        self.publish("finish", Bytes::new()).await
    }

    /// Ends the reply with an error for the reader.
    ///
    /// # Errors
    /// If the broker can't send.
    pub async fn fail(mut self, text: &str) -> Result<(), RespondError> {
        let end = text.floor_char_boundary(LARGEST_CHUNK);
        self.publish("fail", Bytes::copy_from_slice(&text.as_bytes()[..end])).await
    }

    /// Waits until the reader went away: for replies that otherwise wait for something to happen.
    pub async fn cancelled(&self) {
        let mut credit = self.credit.clone();
        // The sender lives as long as this value.
        drop(credit.wait_for(|credit| credit.cancelled).await);
    }

    async fn wait_for_credit(&mut self) -> Result<(), RespondError> {
        let sequence = self.sequence;
        let enough = self.credit.wait_for(|credit| credit.cancelled || sequence < credit.total);
        let credit = match tokio::time::timeout(self.ttl, enough).await {
            Ok(Ok(credit)) => *credit,
            Ok(Err(_)) => return Err(RespondError::Cancelled),
            Err(_) => return Err(RespondError::Abandoned { millis: self.ttl.as_millis() as u64 }),
        };
        if credit.cancelled { Err(RespondError::Cancelled) } else { Ok(()) }
    }

    async fn publish(&mut self, kind: &str, body: Bytes) -> Result<(), RespondError> {
        let mut message = Message::json(body);
        message.properties.content_type = Some("application/octet-stream".to_owned());
        message.properties.content_encoding = Some("binary".to_owned());
        message.properties.persistent = false;
        message.properties.correlation_id = Some(self.id.to_string());
        message.properties.expiration_ms = Some(self.ttl.as_millis() as u64);
        message.headers.insert(KIND.to_owned(), json!(kind));
        message.headers.insert(SEQUENCE.to_owned(), json!(self.sequence));
        self.sequence += 1;
        Ok(send(&self.broker, &self.reply, message).await?)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.id);
    }
}
