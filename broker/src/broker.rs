//! The broker as the rest of Berth sees it: one value, three transports.

use std::sync::Arc;
use std::time::Duration;

use berth_broker_config::found::Found;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::{Address, Topology};
use secrecy::SecretString;
use tokio::sync::watch;

use crate::celery::control::ReplyTo;
use crate::celery::event::Event;
use crate::celery::result::TaskResult;
use crate::connection::Connection;
use crate::consumer::{Consumer, Subscription};
use crate::error::{Error, PublishError};
use crate::message::{Message, Publish};
use crate::request::{Inboxes, ReplyStream, RequestOptions};
use crate::settings::{Scheme, Settings, SettingsError};
use crate::users::UserSupport;
use crate::{amqp, memory, redis};

/// How full a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Waiting for a consumer.
    pub ready: u64,
    /// Held by consumers; `None` where that can't be known. RabbitMQ tells it by its management API only, from
    /// statistics that are up to five seconds old by default: what was acked meanwhile is still counted.
    pub unacked: Option<u64>,
}

/// What is on a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// What was found, things of others among it.
    pub found: Found,
    /// Why not everything could be seen, if so.
    pub unseen: Option<String>,
}

/// A connection to a broker. Clones share it.
#[derive(Clone, Debug)]
pub struct Broker {
    transport: Transport,
    pub(crate) inboxes: Arc<Inboxes>,
}

#[derive(Clone, Debug)]
enum Transport {
    Memory(memory::Client),
    Amqp(amqp::Client),
    Redis(redis::Client),
}

/// Does the same on each transport.
macro_rules! each {
    ($self:ident, $client:ident => $call:expr) => {
        match &$self.transport {
            Transport::Memory($client) => $call,
            Transport::Amqp($client) => $call,
            Transport::Redis($client) => $call,
        }
    };
}

impl Broker {
    /// A broker in this process; clones share its queues. Needs a tokio runtime.
    pub fn memory() -> Self {
        Self::over(Transport::Memory(memory::Client::new()))
    }

    /// Returns at once: a background task connects, and connects again for ever after, with backoff and jitter.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// If the transport can't use the settings.
    pub fn connect(settings: Settings) -> Result<Self, SettingsError> {
        let transport = match settings.scheme() {
            Scheme::Memory => Transport::Memory(memory::Client::new()),
            Scheme::Amqp => Transport::Amqp(amqp::Client::connect(settings)?),
            Scheme::Redis => Transport::Redis(redis::Client::connect(settings)?),
        };
        Ok(Self::over(transport))
    }

    fn over(transport: Transport) -> Self {
        Self { transport, inboxes: Arc::default() }
    }

    /// The state of the connection, for readiness and for noticing that it was lost.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        each!(self, client => client.connection())
    }

    /// Waits until the broker is connected; says whether it was within `limit`.
    pub async fn connected(&self, limit: Duration) -> bool {
        let mut connection = self.connection();
        let up = tokio::time::timeout(limit, connection.wait_for(|state| state.up)).await;
        matches!(up, Ok(Ok(_)))
    }

    /// Publishes a batch; returns when the broker has confirmed every message.
    ///
    /// # Errors
    /// If some are not confirmed in time, or not routed: says which, and why.
    pub async fn publish(&self, batch: Vec<Publish>) -> Result<(), PublishError> {
        if batch.is_empty() {
            return Ok(());
        }
        each!(self, client => client.publish(batch).await)
    }

    /// Consumes a queue with at most `prefetch` un-acked messages at a time (at least 1). Outlives connections;
    /// what is missing on the broker is declared again, as far as it was applied through this value.
    pub async fn consume(&self, queue: &Address, prefetch: u16) -> Consumer {
        each!(self, client => client.consume(queue, prefetch.max(1)))
    }

    /// How full a queue is.
    ///
    /// # Errors
    /// If there is no such queue, or the broker can't be asked.
    pub async fn depth(&self, queue: &Address) -> Result<Depth, Error> {
        each!(self, client => client.depth(queue).await)
    }

    /// Removes what waits in a queue (not what consumers hold); returns how many messages that were.
    ///
    /// # Errors
    /// If there is no such queue, or the broker can't be asked.
    pub async fn purge(&self, queue: &Address) -> Result<u64, Error> {
        each!(self, client => client.purge(queue).await)
    }

    /// Makes sure that everything of `topology` exists; changes nothing that does, but for users, which are set
    /// to what it says.
    ///
    /// # Errors
    /// If something exists with other properties ([`Error::Conflict`]), a user can't be made ([`Error::User`]), or
    /// the broker refuses or can't be asked.
    pub async fn apply(&self, topology: &Topology) -> Result<(), Error> {
        each!(self, client => client.apply(topology).await)
    }

    /// Takes an agent's user away, and ends its connections; if `only` is given, unless it has another password by
    /// now. Says whether there was one.
    ///
    /// # Errors
    /// If it is no agent's by its rights ([`Error::Conflict`]), or the broker refuses or can't be asked.
    pub async fn remove_user(&self, name: &str, only: Option<&PasswordHashes>) -> Result<bool, Error> {
        each!(self, client => client.remove_user(name, only).await)
    }

    /// Whether the broker takes agents' users from us.
    pub fn user_support(&self) -> UserSupport {
        each!(self, client => client.user_support())
    }

    /// Where the broker is, for another user; `None` if it is in this process.
    pub fn url_for(&self, user: &str, password: &str) -> Option<SecretString> {
        each!(self, client => client.url_for(user, password))
    }

    /// What is on the broker, to be compared with `wanted`. On RabbitMQ without its management API only what
    /// `wanted` names is looked for.
    ///
    /// # Errors
    /// If the broker refuses or can't be asked.
    pub async fn survey(&self, wanted: &Topology) -> Result<Survey, Error> {
        each!(self, client => client.survey(wanted).await)
    }

    /// Deletes a queue with all that is in it; it is no error if there is none.
    ///
    /// # Errors
    /// If the broker refuses or can't be asked.
    pub async fn delete_queue(&self, queue: &Address) -> Result<(), Error> {
        each!(self, client => client.delete_queue(queue).await)
    }

    /// Sends to whoever is subscribed at the moment; nobody is fine.
    ///
    /// # Errors
    /// If it can't be sent.
    pub async fn broadcast(&self, topic: &Address, message: Message) -> Result<(), Error> {
        each!(self, client => client.broadcast(topic, message).await)
    }

    /// Subscribes to what is broadcast from now on; outlives connections.
    pub async fn subscribe(&self, topic: &Address) -> Subscription {
        each!(self, client => client.subscribe(topic))
    }

    /// What it is called in traces; none inside of a process.
    #[must_use]
    pub fn system(&self) -> Option<&'static str> {
        match self.transport {
            Transport::Memory(_) => None,
            Transport::Amqp(_) => Some("rabbitmq"),
            Transport::Redis(_) => Some("redis"),
        }
    }

    /// Whether Celery's tools can reach this broker.
    #[must_use]
    pub fn has_celery(&self) -> bool {
        !matches!(self.transport, Transport::Memory(_))
    }

    /// Subscribes to the commands of Celery's remote control in a namespace; each is read by
    /// [`control::decode`](crate::celery::control::decode). Outlives connections.
    pub async fn commands(&self, namespace: &str) -> Subscription {
        each!(self, client => client.commands(namespace))
    }

    /// Sends a command to the Celery workers of a namespace that serve such queues; nobody is fine.
    ///
    /// # Errors
    /// If it can't be sent.
    pub async fn command(&self, namespace: &str, served: &Address, command: Message) -> Result<(), Error> {
        each!(self, client => client.command(namespace, served, command).await)
    }

    /// The name by which a stock Celery worker publishes to a queue: on Redis one with the queue's key prefix.
    #[must_use]
    pub fn name_for_workers<'a>(&self, queue: &'a Address) -> &'a str {
        match &self.transport {
            Transport::Redis(_) => queue.kombu_name(),
            Transport::Memory(_) | Transport::Amqp(_) => &queue.queue,
        }
    }

    /// Replies to a command. A client that is gone is no error.
    ///
    /// # Errors
    /// If it can't be sent.
    pub async fn reply(&self, to: &ReplyTo, reply: Message) -> Result<(), Error> {
        each!(self, client => client.reply(to, reply).await)
    }

    /// Sends events to whatever of Celery's monitors listens; nobody is fine.
    ///
    /// # Errors
    /// If they can't be sent.
    pub async fn emit(&self, events: &[Event]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        each!(self, client => client.emit(events).await)
    }

    /// Whether results of Celery tasks can be stored on this broker.
    #[must_use]
    pub fn stores_results(&self) -> bool {
        matches!(self.transport, Transport::Redis(_))
    }

    /// Stores a result where Celery's Redis backend looks for it, and publishes it to who waits. What succeeded is
    /// not written over. It is kept for so long.
    ///
    /// # Errors
    /// If the broker is no Redis, or can't be asked.
    pub async fn put_result(&self, result: &TaskResult, kept: Duration) -> Result<(), Error> {
        match &self.transport {
            Transport::Redis(client) => client.put_result(result, kept).await,
            Transport::Memory(_) | Transport::Amqp(_) => {
                Err(Error::Failed { doing: "storing a result", text: "the broker is no Redis".to_owned() })
            }
        }
    }

    /// Whether the marker is on the broker. A broker that was known and has lost it came back empty.
    ///
    /// # Errors
    /// If the broker can't be asked.
    pub async fn marker_exists(&self, token: &str) -> Result<bool, Error> {
        each!(self, client => client.marker_exists(token).await)
    }

    /// Puts a durable marker on the broker, to be recognized by.
    ///
    /// # Errors
    /// If the broker refuses or can't be asked.
    pub async fn put_marker(&self, token: &str) -> Result<(), Error> {
        each!(self, client => client.put_marker(token).await)
    }

    /// Sends a request to a control queue and returns the stream of its reply, read against credit.
    /// Declares the queue `reply` and consumes it, once for all requests that use it.
    ///
    /// # Errors
    /// If the request can't be sent; a control queue that is missing is [`Error::NoSuchQueue`].
    pub async fn request(
        &self,
        to: &Address,
        reply: &Address,
        message: Message,
        options: RequestOptions,
    ) -> Result<ReplyStream, Error> {
        crate::request::start(self, to, reply, message, options).await
    }

    pub(crate) fn tracker(&self) -> &tokio_util::task::TaskTracker {
        each!(self, client => client.tracker())
    }

    /// Ends the connection and every consumer of it, and waits for the background tasks.
    pub async fn close(&self) {
        self.inboxes.clear();
        each!(self, client => client.close().await);
    }
}
