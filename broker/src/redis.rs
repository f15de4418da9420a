//! Not built yet: connecting is refused.
use std::convert::Infallible;

use berth_broker_config::{Address, Topology};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::broker::Depth;
use crate::connection::{Connection, Core};
use crate::consumer::{Consumer, Subscription};
use crate::error::{Error, PublishError};
use crate::message::{Message, Publish};
use crate::settings::{Settings, SettingsError};

#[derive(Clone, Debug)]
pub(crate) struct Client(Infallible);
#[derive(Debug)]
pub(crate) struct Held(Infallible);
impl Held {
    pub(crate) async fn requeue(self) -> bool {
        match self.0 {}
    }
}
pub(crate) async fn ack_many(held: Vec<Held>) -> usize {
    held.len()
}
impl Client {
    pub(crate) fn connect(settings: Settings) -> Result<Self, SettingsError> {
        drop(Core::new(settings));
        Err(SettingsError::Part { part: "scheme", problem: "this transport is not built yet".to_owned() })
    }
    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        match self.0 {}
    }
    pub(crate) fn tracker(&self) -> &TaskTracker {
        match self.0 {}
    }
    pub(crate) async fn publish(&self, _: Vec<Publish>) -> Result<(), PublishError> {
        match self.0 {}
    }
    pub(crate) fn consume(&self, _: &Address, _: u16) -> Consumer {
        match self.0 {}
    }
    pub(crate) async fn depth(&self, _: &Address) -> Result<Depth, Error> {
        match self.0 {}
    }
    pub(crate) async fn purge(&self, _: &Address) -> Result<u64, Error> {
        match self.0 {}
    }
    pub(crate) async fn apply(&self, _: &Topology) -> Result<(), Error> {
        match self.0 {}
    }
    pub(crate) async fn delete_queue(&self, _: &Address) -> Result<(), Error> {
        match self.0 {}
    }
    pub(crate) async fn broadcast(&self, _: &Address, _: Message) -> Result<(), Error> {
        match self.0 {}
    }
    pub(crate) fn subscribe(&self, _: &Address) -> Subscription {
        match self.0 {}
    }
    pub(crate) async fn marker_exists(&self, _: &str) -> Result<bool, Error> {
        match self.0 {}
    }
    pub(crate) async fn put_marker(&self, _: &str) -> Result<(), Error> {
        match self.0 {}
    }
    pub(crate) async fn close(&self) {
        match self.0 {}
    }
}
