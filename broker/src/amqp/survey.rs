//! What is on RabbitMQ: listed by the management API, or else looked for name by name.

use std::collections::{BTreeMap, BTreeSet};

use berth_broker_config::Topology;
use berth_broker_config::found::{Found, Seen, exchange_properties, queue_properties};
use berth_broker_config::topology::Binding;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::declare;
use super::link::Link;
use super::management::Management;
use super::policies::spelled;
use super::{policies, users};
use crate::broker::Survey;
use crate::error::Error;

#[derive(Deserialize)]
struct ListedExchange {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    durable: bool,
    auto_delete: bool,
}

#[derive(Deserialize)]
struct ListedQueue {
    name: String,
    durable: bool,
    auto_delete: bool,
    arguments: Map<String, Value>,
}

#[derive(Deserialize)]
struct ListedBinding {
    source: String,
    destination: String,
    destination_type: String,
    routing_key: String,
}

pub(crate) async fn survey(link: &Link, wanted: &Topology) -> Result<Survey, Error> {
    let why = match &link.management {
        None => "RabbitMQ's management API is off".to_owned(),
        Some(management) => match listed(link, management).await {
            Ok(survey) => return Ok(survey),
            Err(error) => error.to_string(),
        },
    };
    let unseen = format!("{why}; only whether queues and exchanges exist can be seen");
    Ok(Survey { found: looked_for(link, wanted).await?, unseen: Some(unseen) })
}

async fn listed(link: &Link, management: &Management) -> Result<Survey, Error> {
    let exchanges: Vec<ListedExchange> = list(management, "exchanges").await?;
    let queues: Vec<ListedQueue> = list(management, "queues").await?;
    let bindings: Vec<ListedBinding> = list(management, "bindings").await?;
    let exchanges = exchanges.into_iter().map(|exchange| {
        let properties = exchange_properties(&exchange.kind, exchange.durable, exchange.auto_delete);
        (exchange.name, Seen::Whole(properties))
    });
    let queues = queues.into_iter().map(|queue| {
        let arguments = queue.arguments.into_iter().map(|(name, value)| (name, spelled(value)));
        (queue.name, Seen::Whole(queue_properties(queue.durable, queue.auto_delete, arguments)))
    });
    // Every queue is bound to the default exchange, which has no name.
    let bindings = bindings.into_iter().filter(|it| it.destination_type == "queue" && !it.source.is_empty());
    let bindings = bindings.map(|binding| Binding {
        exchange: binding.source,
        queue: binding.destination,
        routing_key: binding.routing_key,
    });
    // Who may see everything else may see neither users nor policies.
    let users = users::found(management, &link.core.settings.names).await;
    let policies = policies::found(management).await;
    let unseen = match (&users, &policies) {
        (Ok(_), Ok(_)) => None,
        (Err(error), Ok(_)) => Some(format!("{error}; users can't be seen")),
        (Ok(_), Err(error)) => Some(format!("{error}; policies can't be seen")),
        (Err(error), Err(_)) => Some(format!("{error}; users and policies can't be seen")),
    };
    let found = Found {
        exchanges: Some(exchanges.collect()),
        queues: queues.collect(),
        bindings: Some(bindings.collect::<BTreeSet<_>>()),
        users: users.ok(),
        policies: policies.ok(),
    };
    Ok(Survey { found, unseen })
}

async fn list<T: DeserializeOwned>(management: &Management, what: &'static str) -> Result<Vec<T>, Error> {
    let vhost = management.vhost();
    let found = management.get(&[what, vhost]).await?;
    found.ok_or_else(|| management.error(format!("it knows no virtual host `{vhost}`")))
}

async fn looked_for(link: &Link, wanted: &Topology) -> Result<Found, Error> {
    let live = link.live()?;
    let there = |result: Result<(), Error>| match result {
        Ok(()) => Ok(true),
        Err(Error::NoSuchQueue { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let (mut exchanges, mut queues) = (BTreeMap::new(), BTreeMap::new());
    for (name, exchange) in &wanted.exchanges {
        if there(declare::find_exchange(link, &live, name, exchange).await)? {
            exchanges.insert(name.clone(), Seen::Name);
        }
    }
    for name in wanted.queues.keys() {
        if there(declare::ready(link, name).await.map(drop))? {
            queues.insert(name.clone(), Seen::Name);
        }
    }
    Ok(Found { exchanges: Some(exchanges), queues, bindings: None, users: None, policies: None })
}
