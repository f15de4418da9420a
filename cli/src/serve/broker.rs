//! `berth broker`: prints, and makes, what must exist on a broker.

use std::time::Duration;

use berth_broker_config::{Topology, build};
use berth_domain::name::Slug;
use serde_json::{Value, json};

use super::replica::{connect, names, queue_kind};
use super::with_causes;
use crate::arguments::{BrokerAction, BrokerFor, BrokerGroup};
use crate::command::Surroundings;
use crate::failure::{Failure, Status};
use crate::output::{Column, Output, text};
use crate::settings::{BrokerSettings, Format, Part};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

const COLUMNS: &[Column] = &[
    ("KIND", |item| text(item, "kind")),
    ("NAME", |item| text(item, "name")),
    ("TYPE", |item| text(item, "type")),
];

/// Does what was asked.
///
/// # Errors
/// If a setting can't be used, or the broker can't be reached or refuses.
pub async fn act(surroundings: &Surroundings<'_>, group: BrokerGroup) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Broker, &group.settings.given)?;
    let settings = BrokerSettings::read(&resolved)?;
    let mut output = Output::standard(Format::Table);
    match group.action {
        BrokerAction::Plan(wanted) => {
            output.list(&items(&topology(&settings, &wanted)?), COLUMNS, |item| text(item, "name"))
        }
        BrokerAction::Apply(wanted) => {
            let topology = topology(&settings, &wanted)?;
            let broker = connect(&settings, "broker apply")?;
            let connection = broker.connection();
            if !broker.connected(PATIENCE).await {
                let reason = connection.borrow().last_error.clone();
                let reason = reason.unwrap_or_else(|| format!("no answer within {} s", PATIENCE.as_secs()));
                return Err(Failure::new(Status::Unreachable, format!("can't reach the broker: {reason}")));
            }
            let applied = broker.apply(&topology).await;
            broker.close().await;
            applied.map_err(|error| Failure::new(Status::Failed, with_causes(&error)))?;
            let items = items(&topology);
            output.line(&format!("{} exchanges and queues are there", items.len()))
        }
    }
}

/// The control plane's own part, and that of each agent that was named.
fn topology(settings: &BrokerSettings, wanted: &BrokerFor) -> Result<Topology, Failure> {
    let names = names(settings);
    let mut topology = build::control_plane(&names, []);
    for text in &wanted.agents {
        let (agent, queues) = text.split_once('=').unwrap_or((text, "default"));
        let queues: Vec<&str> = queues.split(',').collect();
        for name in std::iter::once(&agent).chain(&queues) {
            name.parse::<Slug>().map_err(|error| Failure::usage(format!("--for {text}: {error}")))?;
        }
        topology = topology.with(build::agent(&names, agent, queues, queue_kind(settings)));
    }
    Ok(topology)
}

fn items(topology: &Topology) -> Vec<Value> {
    let exchanges = topology
        .exchanges
        .iter()
        .map(|(name, exchange)| json!({"kind": "exchange", "name": name, "type": exchange.kind.as_str()}));
    let queues = topology
        .queues
        .iter()
        .map(|(name, queue)| json!({"kind": "queue", "name": name, "type": queue.kind}));
    let bindings = topology.bindings.iter().map(|binding| {
        json!({"kind": "binding", "name": format!("{} -> {}", binding.exchange, binding.queue), "type": binding.routing_key})
    });
    exchanges.chain(queues).chain(bindings).collect()
}
