//! `berth broker`: shows how a broker differs from what must exist there, makes what is missing, and exports it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use berth_broker::Broker;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::plan::{Change, Kind, Scope, plan};
use berth_broker_config::rights::{AgentUser, Slot};
use berth_broker_config::{Topology, build, policies};
use berth_domain::name::Slug;
use berth_domain::scheduling::QueueProtocol;
use berth_store::{Agent, Credentials, Queue};
use serde_json::{Value, json};

use super::replica::{connect, names, queue_kind};
use super::{export, store, with_causes};
use crate::arguments::{BrokerAction, BrokerFor, BrokerGroup, Export};
use crate::command::Surroundings;
use crate::failure::{Failure, Status};
use crate::output::{Column, Output, text};
use crate::settings::{BrokerKind, BrokerSettings, DatabaseSettings, Format, Part, submitters};

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
    let (BrokerAction::Plan(wanted)
    | BrokerAction::Apply(wanted)
    | BrokerAction::Export(Export { whose: wanted, .. })) = &group.action;
    let accounts = submitters(&resolved)?;
    let part = part(&settings, database.as_ref(), &accounts, wanted).await?;
    let done = async |broker: &Broker, does_apply| {
        reach(broker).await?;
        if does_apply { apply(broker, &settings, &part).await } else { show(broker, &settings, &part).await }
    };
    let does_apply = match group.action {
        BrokerAction::Export(wanted) => return export::print(&settings, &part, &wanted),
        BrokerAction::Plan(_) => false,
        BrokerAction::Apply(_) => true,
    };
    let broker = connect(&settings, "broker")?;
    let done = done(&broker, does_apply).await;
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
async fn show(broker: &Broker, settings: &BrokerSettings, part: &Whole) -> Result<(), Failure> {
    let survey = broker.survey(&part.topology).await.map_err(|error| failed(&error))?;
    if let Some(unseen) = &survey.unseen {
        // A note that nobody reads is no failure.
        writeln!(std::io::stderr().lock(), "note: {unseen}").ok();
    }
    let changes = plan(&names(settings), &part.topology, &survey.found, &part.scope);
    if changes.is_empty() {
        return Ok(());
    }
    let items: Vec<Value> = changes.iter().map(|change| json!(change)).collect();
    Output::standard(Format::Table).list(&items, COLUMNS, |item| text(item, "name"))
}

async fn apply(broker: &Broker, settings: &BrokerSettings, part: &Whole) -> Result<(), Failure> {
    let topology = &part.topology;
    broker.apply(topology).await.map_err(|error| failed(&error))?;
    let survey = broker.survey(topology).await.map_err(|error| failed(&error))?;
    let mut removed = 0;
    for change in plan(&names(settings), topology, &survey.found, &part.scope) {
        match change {
            Change::Remove { kind: Kind::User, name } => {
                let was_there = broker.remove_user(&name, None).await.map_err(|error| failed(&error))?;
                removed += usize::from(was_there);
            }
            // A note that nobody reads is no failure.
            Change::Alters { name, property, .. } => {
                writeln!(std::io::stderr().lock(), "note: policy {name} sets {property}; it is not Berth's")
                    .ok();
            }
            _ => {}
        }
    }
    let policies = topology.policies.len();
    let count = topology.exchanges.len() + topology.queues.len() + topology.bindings.len();
    let mut text = format!("{count} exchanges, queues and bindings are there");
    let users = topology.users.len();
    if users + removed > 0 {
        text.push_str(&format!(", and {users} users; {removed} were taken away"));
    }
    if policies > 0 {
        text.push_str(&format!("; {policies} policy is set"));
    }
    Output::standard(Format::Table).line(&text)
}

fn failed(error: &berth_broker::Error) -> Failure {
    Failure::new(Status::Failed, with_causes(error))
}

/// What must exist, and whose things nobody else can want.
pub(super) struct Whole {
    pub(super) topology: Topology,
    pub(super) agents: Agents,
    scope: Scope,
}

/// Agents with their queues.
pub(super) type Agents = BTreeMap<String, BTreeSet<String>>;

/// The control plane's own part, and that of each agent that is in the database or was named.
async fn part(
    settings: &BrokerSettings,
    database: Option<&DatabaseSettings>,
    accounts: &BTreeMap<String, String>,
    wanted: &BrokerFor,
) -> Result<Whole, Failure> {
    let mut agents = named(wanted)?;
    let (mut scope, mut users, mut of_workers) = (Scope::Everything, Vec::new(), Agents::new());
    match database {
        Some(database) => {
            let stored = stored(database).await?;
            for (agent, queues) in stored.agents {
                agents.entry(agent).or_default().extend(queues);
            }
            (users, of_workers) = (stored.credentials, stored.of_workers);
        }
        None => scope = Scope::Agents(agents.keys().cloned().collect()),
    }
    let names = names(settings);
    let own = build::control_plane(&names, accounts.keys().map(String::as_str));
    let topology = agents.iter().fold(own, |topology, (agent, queues)| {
        let queues = queues.iter().map(String::as_str);
        topology.with(build::agent(&names, agent, queues, queue_kind(settings)))
    });
    let topology = of_workers.iter().fold(topology, |topology, (agent, queues)| {
        topology.with(build::workers(&names, agent, queues.iter().map(String::as_str)))
    });
    let users = users.into_iter().filter_map(user);
    let topology = users.fold(topology, |topology, user| topology.with_user(&names, user));
    let limit = settings.queue_limit_bytes.filter(|_| settings.kind == BrokerKind::Amqp);
    let topology = match limit {
        Some(bytes) => topology.with_policy(policies::limit(&names, bytes)),
        None => topology,
    };
    Ok(Whole { topology, agents, scope })
}

/// The user that credentials are of.
fn user(credentials: Credentials) -> Option<AgentUser> {
    let slot = Slot::of_number(credentials.slot)?;
    let password = PasswordHashes { rabbitmq: credentials.rabbitmq_hash, redis: credentials.redis_hash };
    Some(AgentUser { agent: credentials.agent, slot, password })
}

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

/// What the database says.
struct Stored {
    agents: Agents,
    /// Of their queues those that Celery workers serve.
    of_workers: Agents,
    credentials: Vec<Credentials>,
}

async fn stored(database: &DatabaseSettings) -> Result<Stored, Failure> {
    let store = store::open(database).await?;
    let read =
        async { Ok((store.all_agents().await?, store.all_queues().await?, store.all_credentials().await?)) };
    let read = read.await.map_err(|error| store::failure(&error));
    store.close().await;
    let (agents, queues, credentials) = read?;
    let with_queues = |is_wanted: fn(&Queue) -> bool| -> Agents {
        let queues_of = |agent: &Agent| {
            let of_agent = queues.iter().filter(|queue| queue.agent_id == agent.id && is_wanted(queue));
            of_agent.map(|queue| queue.name.to_string()).collect()
        };
        agents.iter().map(|agent| (agent.name.to_string(), queues_of(agent))).collect()
    };
    Ok(Stored {
        agents: with_queues(|_| true),
        of_workers: with_queues(|queue| queue.protocol == QueueProtocol::Celery),
        credentials,
    })
}
