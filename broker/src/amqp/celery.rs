//! Celery's own names on RabbitMQ: events on the topic exchange `celeryev`, remote control on the fanout exchange
//! `<namespace>.pidbox`, replies on the direct exchange `reply.<namespace>.pidbox`.

use std::sync::Arc;

use berth_broker_config::Address;
use berth_broker_config::topology::{Exchange, ExchangeKind};

use super::link::Link;
use super::topic::Topic;
use super::{declare, publish, topic};
use crate::celery::control::{ReplyTo, commands};
use crate::celery::event::{self, EXCHANGE, Event};
use crate::consumer::Subscription;
use crate::error::Error;
use crate::message::{Message, Publish};

pub(crate) fn subscribe(link: &Arc<Link>, namespace: &str) -> Subscription {
    topic::subscribe(link, &Address::foreign(commands(namespace)), Topic::Celery)
}

/// Where there is no exchange, nobody listens.
pub(crate) async fn command(link: &Link, namespace: &str, message: Message) -> Result<(), Error> {
    let exchange = commands(namespace);
    send(link, Address { exchange: Some(exchange.clone()), ..Address::foreign(exchange) }, message).await
}

/// A client that is gone has no queue any more, and its reply goes nowhere.
pub(crate) async fn reply(link: &Link, to: &ReplyTo, message: Message) -> Result<(), Error> {
    let address = Address { exchange: Some(to.exchange.clone()), ..Address::foreign(&to.routing_key) };
    send(link, address, message).await
}

/// To whoever is there.
async fn send(link: &Link, to: Address, message: Message) -> Result<(), Error> {
    let live = link.live()?;
    match publish::publish_on(link, &live, &[Publish { to, message }], false).await {
        Err(error) if !matches!(error.reason, Error::NoSuchQueue { .. }) => Err(error.reason),
        _ => Ok(()),
    }
}

pub(crate) async fn emit(link: &Link, events: &[Event]) -> Result<(), Error> {
    let batch: Vec<Publish> = events
        .iter()
        .map(|event| Publish {
            to: Address { exchange: Some(EXCHANGE.to_owned()), ..Address::foreign(event.routing_key()) },
            message: event::encode(event),
        })
        .collect();
    let live = link.live()?;
    match publish::publish_on(link, &live, &batch, false).await {
        Ok(()) => return Ok(()),
        Err(error) if !matches!(error.reason, Error::NoSuchQueue { .. }) => return Err(error.reason),
        Err(_) => {}
    }
    // Nobody has listened yet on this broker. Whoever is first declares it, in the same way.
    let exchange = Exchange { kind: ExchangeKind::Topic };
    declare::declare_exchange(link, &live, EXCHANGE, &exchange).await?;
    publish::publish_on(link, &live, &batch, false).await.map_err(|error| error.reason)
}
