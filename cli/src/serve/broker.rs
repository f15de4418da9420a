//! `berth broker`: shows how a broker differs from what must exist there, and makes what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use berth_broker::Broker;
use berth_broker_config::plan::{Scope, plan};
use berth_broker_config::{Topology, build};
use berth_domain::name::Slug;
use serde_json::{Value, json};

use super::replica::{connect, names, queue_kind};
use super::{store, with_causes};
use crate::arguments::{BrokerAction, BrokerFor, BrokerGroup};
use crate::command::Surroundings;
use crate::failure::{Failure, Status};
use crate::output::{Column, Output, text};
use crate::settings::{BrokerSettings, DatabaseSettings, Format, Part};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

const COLUMNS: &[Column] = &[
    ("CHANGE", |item| text(item, "change")),
    ("KIND", |item| text(item, "kind")),
    ("NAME", |item| text(item, "name")),
    ("PROPERTY", |item| text(item, "property")),
    ("FOUND", |item| text(item, "found")),
    ("WANTED", |item| text(item, "wanted")),
];

/// Does what was asked.
///
/// # Errors
/// If a setting can't be used, or the broker or the database can't be reached or refuses.
pub async fn act(surroundings: &Surroundings<'_>, group: BrokerGroup) -> Result<(), Failure> {
    let resolved = surroundings.settings(Part::Broker, &group.settings.given)?;
    let settings = BrokerSettings::read(&resolved)?;
    let database = DatabaseSettings::read_if_given(&resolved)?;
    let (BrokerAction::Plan(wanted) | BrokerAction::Apply(wanted)) = &group.action;
    let (topology, scope) = topology(&settings, database.as_ref(), wanted).await?;
    let broker = connect(&settings, "broker")?;
    let done = match reach(&broker).await {
        Ok(()) => match group.action {
            BrokerAction::Plan(_) => show(&broker, &settings, &topology, &scope).await,
            BrokerAction::Apply(_) => apply(&broker, &topology).await,
        },
        Err(failure) => Err(failure),
    };
    broker.close().await;
    done
}

async fn reach(broker: &Broker) -> Result<(), Failure> {
    if broker.connected(PATIENCE).await {
        return Ok(());
    }
    let reason = broker.connection().borrow().last_error.clone();
    let reason = reason.unwrap_or_else(|| format!("no answer within {} s", PATIENCE.as_secs()));
    Err(Failure::new(Status::Unreachable, format!("can't reach the broker: {reason}")))
}

/// Prints the differences; nothing if there are none.
async fn show(
    broker: &Broker,
    settings: &BrokerSettings,
    topology: &Topology,
    scope: &Scope,
) -> Result<(), Failure> {
    let survey = broker.survey(topology).await.map_err(|error| failed(&error))?;
    if let Some(unseen) = &survey.unseen {
        // A note that nobody reads is no failure.
        writeln!(std::io::stderr().lock(), "note: {unseen}").ok();
    }
    let changes = plan(&names(settings), topology, &survey.found, scope);
    if changes.is_empty() {
        return Ok(());
    }
    let items: Vec<Value> = changes.iter().map(|change| json!(change)).collect();
    Output::standard(Format::Table).list(&items, COLUMNS, |item| text(item, "name"))
}

async fn apply(broker: &Broker, topology: &Topology) -> Result<(), Failure> {
    broker.apply(topology).await.map_err(|error| failed(&error))?;
    let count = topology.exchanges.len() + topology.queues.len() + topology.bindings.len();
    Output::standard(Format::Table).line(&format!("{count} exchanges, queues and bindings are there"))
}

fn failed(error: &berth_broker::Error) -> Failure {
    Failure::new(Status::Failed, with_causes(error))
}

/// The control plane's own part, and that of each agent that is in the database or was named; and whose things
/// nobody else can want.
async fn topology(
    settings: &BrokerSettings,
    database: Option<&DatabaseSettings>,
    wanted: &BrokerFor,
) -> Result<(Topology, Scope), Failure> {
    let mut agents = named(wanted)?;
    if let Some(database) = database {
        for (agent, queues) in stored(database).await? {
            agents.entry(agent).or_default().extend(queues);
        }
    }
    let scope = match database {
        Some(_) => Scope::Everything,
        None => Scope::Agents(agents.keys().cloned().collect()),
    };
    let names = names(settings);
    let topology = agents.iter().fold(build::control_plane(&names, []), |topology, (agent, queues)| {
        let queues = queues.iter().map(String::as_str);
        topology.with(build::agent(&names, agent, queues, queue_kind(settings)))
    });
    Ok((topology, scope))
}

/// Agents with their queues.
type Agents = BTreeMap<String, BTreeSet<String>>;

fn named(wanted: &BrokerFor) -> Result<Agents, Failure> {
    let mut agents = Agents::new();
    for text in &wanted.agents {
        let (agent, queues) = text.split_once('=').unwrap_or((text, "default"));
        let queues: Vec<&str> = queues.split(',').collect();
        for name in std::iter::once(&agent).chain(&queues) {
            name.parse::<Slug>().map_err(|error| Failure::usage(format!("--for {text}: {error}")))?;
        }
        agents.entry(agent.to_owned()).or_default().extend(queues.into_iter().map(str::to_owned));
    }
    Ok(agents)
}

async fn stored(database: &DatabaseSettings) -> Result<Agents, Failure> {
    let store = store::open(database).await?;
    let read = async { Ok((store.all_agents().await?, store.all_queues().await?)) };
    let read = read.await.map_err(|error| store::failure(&error));
    store.close().await;
    let (agents, queues) = read?;
    let queues_of = |agent| {
        queues
            .iter()
            .filter(move |queue| queue.agent_id == agent)
            .map(|queue| queue.name.to_string())
            .collect()
    };
    Ok(agents.into_iter().map(|agent| (agent.name.to_string(), queues_of(agent.id))).collect())
}
