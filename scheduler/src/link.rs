//! The replica's links: to store and broker (health, what to do when the broker is back), to the other
//! replicas (wake-ups), and to each agent (one intake per agent, begun and ended as agents come and go).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use berth_broker_config::build;
use berth_domain::id::AgentId;
use berth_domain::scheduling::QueueProtocol;
use tokio_util::sync::CancellationToken;

use crate::context::{Context, Pace};
use crate::intake;
use crate::outbox::Error;
use crate::users::Users;

/// How often the store is tried: how late `/readyz` may be. The loops notice a store that is away by themselves.
const PING: Duration = Duration::from_secs(5);

/// Says in the replica's health whether the broker and the store can be reached, and wakes everything when
/// one of them is back.
pub(crate) async fn watch_connections(context: Context) {
    let mut connection = context.broker.connection();
    let mut pings = tokio::time::interval(PING);
    loop {
        {
            let state = connection.borrow_and_update().clone();
            let news = if state.up {
                context.health.up("broker")
            } else {
                let why = state.last_error.unwrap_or_else(|| "not connected yet".to_owned());
                context.health.down("broker", why)
            };
            if news && state.up {
                context.wake_all();
            }
        }
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            changed = connection.changed() => if changed.is_err() { return },
            _ = pings.tick() => match context.store.ping().await {
                Ok(()) => if context.health.up("store") { context.wake_all() },
                Err(error) => {
                    context.health.down("store", error.to_string());
                }
            },
        }
    }
}

/// Passes wake-ups of other replicas on to the loops. They carry no data: each loop reads what there is.
pub(crate) async fn listen_for_wake_ups(context: Context) {
    let mut wake_ups = context.broker.subscribe(&context.names.wake()).await;
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            message = wake_ups.next() => match message {
                Some(_) => {
                    context.dispatch.notify_one();
                    context.nudge.notify_one();
                    context.agents.notify_one();
                    context.timers.notify_one();
                }
                None => return,
            },
        }
    }
}

/// Keeps the broker's topology as the store wants it, and one intake per agent.
pub(crate) async fn serve_agents(context: Context) {
    let mut served = Served::default();
    let mut pace = Pace::new("serving agents", &context, &context.agents, Duration::from_secs(5))
        .at_most_every(Duration::from_millis(500));
    while pace.next().await {
        pace.round(served.converge(&context)).await;
    }
}

/// What is applied and who is listened to.
#[derive(Default)]
struct Served {
    /// The broker's connection for which the topology holds, and how often it had been wiped by then.
    applied_for: Option<(u64, u64)>,
    queues: BTreeMap<AgentId, BTreeMap<String, QueueProtocol>>,
    users: Users,
    intakes: BTreeMap<AgentId, CancellationToken>,
}

impl Served {
    async fn converge(&mut self, context: &Context) -> Result<(), Error> {
        let connection = context.broker.connection().borrow().clone();
        if !connection.up {
            return Ok(());
        }
        let state = (connection.generation, context.wipes.load(Ordering::SeqCst));
        if self.applied_for != Some(state) {
            context
                .broker
                .apply(&build::control_plane(
                    &context.names,
                    context.celery.submitters.keys().map(String::as_str),
                ))
                .await?;
            self.queues.clear();
            self.users.doubt();
            self.applied_for = Some(state);
        }
        let agents = context.store.all_agents().await?;
        let mut queues_of: BTreeMap<AgentId, BTreeMap<String, QueueProtocol>> = BTreeMap::new();
        for queue in context.store.all_queues().await? {
            queues_of.entry(queue.agent_id).or_default().insert(queue.name.to_string(), queue.protocol);
        }
        context.name_agents(agents.iter().map(|agent| (agent.id, agent.name.to_string())).collect());
        let wanted: BTreeSet<AgentId> = agents.iter().map(|agent| agent.id).collect();
        for agent in &agents {
            let queues = queues_of.remove(&agent.id).unwrap_or_default();
            if self.queues.get(&agent.id) != Some(&queues) {
                let name = agent.name.as_str();
                let of_workers = queues.iter().filter(|(_, protocol)| **protocol == QueueProtocol::Celery);
                let of_workers = of_workers.map(|(queue, _)| queue.as_str());
                let topology =
                    build::agent(&context.names, name, queues.keys().map(String::as_str), context.offers)
                        .with(build::workers(&context.names, name, of_workers));
                context.broker.apply(&topology).await?;
                self.queues.insert(agent.id, queues);
                context.dispatch.notify_one();
            }
            self.intakes.entry(agent.id).or_insert_with(|| {
                let stop = context.shutdown.child_token();
                context.tracker.spawn(intake::take_in_forever(context.clone(), agent.clone(), stop.clone()));
                stop
            });
        }
        self.intakes.retain(|id, stop| {
            let stays = wanted.contains(id);
            if !stays {
                stop.cancel();
            }
            stays
        });
        self.queues.retain(|id, _| wanted.contains(id));
        // Last: users in trouble keep nothing else up.
        self.users.converge(context).await
    }
}
