//! RabbitMQ over lapin: one supervised connection, confirmed publishing, consumers that survive it.
//!
//! lapin's own recovery is off: it would hide that deliveries became void. Nothing of lapin leaves this module.

mod celery;
mod consume;
mod declare;
mod leaderless;
mod link;
mod management;
mod policies;
mod publish;
mod survey;
mod topic;
mod users;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use berth_broker_config::password::PasswordHashes;
use berth_broker_config::{Address, Topology};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::broker::{Depth, Survey};
use crate::celery::control::ReplyTo;
use crate::celery::event::Event;
use crate::connection::Connection;
use crate::consumer::{Consumer, Subscription};
use crate::error::{Error, PublishError};
use crate::message::{Message, Publish};
use crate::settings::{Settings, SettingsError};
use crate::users::UserSupport;
use link::Link;

pub(crate) use consume::{Held, ack_many};

#[derive(Clone, Debug)]
pub(crate) struct Client {
    link: Arc<Link>,
}

impl Client {
    pub(crate) fn connect(settings: Settings) -> Result<Self, SettingsError> {
        let link = Link::new(settings)?;
        link.core.tracker.spawn(link::supervise(Arc::clone(&link)));
        Ok(Self { link })
    }

    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.link.core.state.subscribe()
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.link.core.tracker
    }

    pub(crate) async fn publish(&self, batch: Vec<Publish>) -> Result<(), PublishError> {
        publish::publish(&self.link, &batch).await
    }

    pub(crate) fn consume(&self, queue: &Address, prefetch: u16) -> Consumer {
        consume::start(&self.link, queue, prefetch)
    }

    pub(crate) async fn depth(&self, queue: &Address) -> Result<Depth, Error> {
        let ready = declare::ready(&self.link, &queue.queue).await?;
        let unacked = match &self.link.management {
            Some(management) => management.unacked(&queue.queue).await,
            None => None,
        };
        Ok(Depth { ready, unacked })
    }

    pub(crate) async fn remove_user(&self, name: &str, only: Option<&PasswordHashes>) -> Result<bool, Error> {
        users::remove(&self.link, name, only).await
    }

    pub(crate) fn user_support(&self) -> UserSupport {
        if self.link.management.is_some() { UserSupport::Taken } else { UserSupport::Untold(users::OFF) }
    }

    pub(crate) fn url_for(&self, user: &str, password: &str) -> Option<SecretString> {
        self.link.core.settings.url_for(user, password)
    }

    pub(crate) async fn survey(&self, wanted: &Topology) -> Result<Survey, Error> {
        survey::survey(&self.link, wanted).await
    }

    pub(crate) async fn purge(&self, queue: &Address) -> Result<u64, Error> {
        declare::purge(&self.link, &queue.queue).await
    }

    pub(crate) async fn apply(&self, topology: &Topology) -> Result<(), Error> {
        self.link.core.remember(topology);
        // Users and policies are told of past AMQP, and can be while it is away.
        if !(topology.exchanges.is_empty() && topology.queues.is_empty() && topology.bindings.is_empty()) {
            declare::apply(&self.link, topology).await?;
        }
        policies::apply(&self.link, topology).await?;
        users::apply(&self.link, topology).await
    }

    pub(crate) async fn delete_queue(&self, queue: &Address) -> Result<(), Error> {
        self.link.core.forget_queue(&queue.queue);
        declare::delete_queue(&self.link, &queue.queue).await
    }

    pub(crate) async fn broadcast(&self, topic: &Address, message: Message) -> Result<(), Error> {
        topic::broadcast(&self.link, topic, message).await
    }

    pub(crate) fn subscribe(&self, topic: &Address) -> Subscription {
        topic::subscribe(&self.link, topic, topic::Topic::Own)
    }

    pub(crate) fn commands(&self, namespace: &str) -> Subscription {
        celery::subscribe(&self.link, namespace)
    }

    pub(crate) async fn command(
        &self,
        namespace: &str,
        _served: &Address,
        command: Message,
    ) -> Result<(), Error> {
        celery::command(&self.link, namespace, command).await
    }

    pub(crate) async fn reply(&self, to: &ReplyTo, reply: Message) -> Result<(), Error> {
        celery::reply(&self.link, to, reply).await
    }

    pub(crate) async fn emit(&self, events: &[Event]) -> Result<(), Error> {
        celery::emit(&self.link, events).await
    }

    pub(crate) async fn marker_exists(&self, token: &str) -> Result<bool, Error> {
        let marker = self.link.core.settings.names.marker(token);
        match declare::ready(&self.link, &marker.queue).await {
            Ok(_) => Ok(true),
            Err(Error::NoSuchQueue { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn put_marker(&self, token: &str) -> Result<(), Error> {
        let marker = self.link.core.settings.names.marker(token);
        let kind = berth_broker_config::arguments::QueueKind::Classic;
        declare::apply(&self.link, &Topology::default().with_queue(&marker, kind)).await
    }

    pub(crate) async fn close(&self) {
        self.link.core.stop.cancel();
        self.link.core.tracker.close();
        if tokio::time::timeout(Duration::from_secs(5), self.link.core.tracker.wait()).await.is_err() {
            tracing::warn!("broker.close.slow");
        }
    }
}
