//! Redis: lists of envelopes as kombu's, and what consumers hold un-acked beside them.
//!
//! Source of the lists: kombu's `transport/redis.py` (5.4 to 5.7), as seen in captures. What is held is not in kombu's
//! `unacked`, but in a hash for each consumer, with an index of when each was last heard of: so no stock worker with a
//! shorter visibility timeout brings it back, nothing is written per message but the message, and only a dead
//! consumer's messages come back. Taking a message and holding it is one script; every delivery has a number of its own,
//! so that a late ack can't answer for a second delivery. One connection per client: commands, hints and topics share it (RESP3). Nothing of redis-rs leaves
//! this module.

mod celery;
mod consume;
mod greeting;
mod keys;
mod link;
mod queues;
mod restore;
mod scripts;
mod sentinel;
mod survey;
mod topic;
mod users;

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
use crate::celery::result::TaskResult;
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
        queues::publish(&self.link, &batch).await
    }

    pub(crate) fn consume(&self, queue: &Address, prefetch: u16) -> Consumer {
        consume::start(&self.link, queue, prefetch)
    }

    pub(crate) async fn depth(&self, queue: &Address) -> Result<Depth, Error> {
        queues::depth(&self.link, queue).await
    }

    pub(crate) async fn purge(&self, queue: &Address) -> Result<u64, Error> {
        queues::purge(&self.link, queue).await
    }

    pub(crate) async fn apply(&self, topology: &Topology) -> Result<(), Error> {
        self.link.core.remember(topology);
        queues::apply(&self.link, topology).await?;
        users::apply(&self.link, topology).await
    }

    pub(crate) async fn remove_user(&self, name: &str, only: Option<&PasswordHashes>) -> Result<bool, Error> {
        users::remove(&self.link, name, only).await
    }

    pub(crate) fn user_support(&self) -> UserSupport {
        UserSupport::Taken
    }

    pub(crate) fn url_for(&self, user: &str, password: &str) -> Option<SecretString> {
        self.link.core.settings.url_for(user, password)
    }

    pub(crate) async fn survey(&self, wanted: &Topology) -> Result<Survey, Error> {
        survey::survey(&self.link, wanted).await
    }

    pub(crate) async fn delete_queue(&self, queue: &Address) -> Result<(), Error> {
        self.link.core.forget_queue(&queue.queue);
        queues::delete(&self.link, queue).await
    }

    pub(crate) async fn broadcast(&self, topic: &Address, message: Message) -> Result<(), Error> {
        topic::broadcast(&self.link, topic, &message).await
    }

    pub(crate) fn subscribe(&self, topic: &Address) -> Subscription {
        topic::subscribe(&self.link, topic)
    }

    pub(crate) fn commands(&self, namespace: &str) -> Subscription {
        celery::subscribe(&self.link, namespace)
    }

    pub(crate) async fn command(
        &self,
        namespace: &str,
        served: &Address,
        command: Message,
    ) -> Result<(), Error> {
        celery::command(&self.link, namespace, &served.redis_prefix, &command).await
    }

    pub(crate) async fn reply(&self, to: &ReplyTo, reply: Message) -> Result<(), Error> {
        celery::reply(&self.link, to, &reply).await
    }

    pub(crate) async fn put_result(&self, result: &TaskResult, kept: Duration) -> Result<(), Error> {
        celery::put_result(&self.link, result, kept).await
    }

    pub(crate) async fn emit(&self, events: &[Event]) -> Result<(), Error> {
        celery::emit(&self.link, events).await
    }

    pub(crate) async fn marker_exists(&self, token: &str) -> Result<bool, Error> {
        let marker = self.link.core.settings.names.marker(token).queue;
        self.link.command("looking for a marker", ::redis::cmd("EXISTS").arg(marker)).await
    }

    pub(crate) async fn put_marker(&self, token: &str) -> Result<(), Error> {
        let marker = self.link.core.settings.names.marker(token).queue;
        self.link.command("putting a marker", ::redis::cmd("SET").arg(marker).arg(1)).await
    }

    pub(crate) async fn close(&self) {
        self.link.core.stop.cancel();
        self.link.core.tracker.close();
        if tokio::time::timeout(Duration::from_secs(5), self.link.core.tracker.wait()).await.is_err() {
            tracing::warn!("broker.close.slow");
        }
    }
}
