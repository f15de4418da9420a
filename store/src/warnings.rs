//! The facts that warnings are made of, as far as they are stored.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use berth_domain::id::{AgentId, QueueId};
use berth_domain::scheduling::{Hold, QueueProtocol};
use berth_domain::time::Time;
use berth_domain::warning::{
    AgentFacts, Facts, LONGEST_STARVATION, LONGEST_TRANSITION, LOST_CLAIMS, QueueFacts, Starved, Stuck,
};

use crate::agents::Agent;
use crate::db::args;
use crate::leases::Replica;
use crate::runs::QueueStats;
use crate::{Error, Store, sql};

/// Dead letters of this time are counted.
const LATELY: Duration = Duration::from_secs(3_600);
/// Spells of lanes that are looked at: more lanes than these are not held back for an hour by anything else.
const MOST_HELD: i64 = 10_000;
/// For how long schedulers may be silent after the end of their turn.
const SCHEDULER_SILENCE: Duration = Duration::from_secs(30);

/// What is known of the broker by who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerFacts {
    /// Why it can't be reached, if so.
    pub down: Option<String>,
    /// Why it takes nothing, if so.
    pub alarm: Option<String>,
}

impl Store {
    /// The facts of these agents, with their queues; `release` is the control plane's.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn warning_facts(
        &self,
        agents: &[Agent],
        queues: &[QueueStats],
        broker: BrokerFacts,
        release: &str,
        now: Time,
    ) -> Result<Facts, Error> {
        let agents: HashMap<AgentId, &Agent> = agents.iter().map(|agent| (agent.id, agent)).collect();
        let mut replicas: HashMap<AgentId, Vec<Replica>> = HashMap::new();
        for (agent, replica) in self.live_replicas(now).await? {
            replicas.entry(agent).or_default().push(replica);
        }
        let mut runs: HashMap<AgentId, u64> = HashMap::new();
        for queue in queues {
            *runs.entry(queue.agent_id).or_default() += queue.backlog + queue.offered + queue.in_flight;
        }
        let mut queues: BTreeMap<QueueId, QueueFacts> = queues
            .iter()
            .filter_map(|queue| {
                Some((queue.queue_id, of_queue(queue, agents.get(&queue.agent_id)?, &replicas, now)))
            })
            .collect();
        self.add_troubles(&mut queues, now).await?;
        self.add_held(&mut queues, now).await?;
        Ok(Facts {
            now,
            release: release.to_owned(),
            agents: agents.values().map(|agent| of_agent(agent, &runs, &replicas)).collect(),
            queues: queues.into_values().collect(),
            broker_down: broker.down,
            broker_alarm: broker.alarm,
            scheduler_seen: self.history_turn().await?.map(|turn| turn.until.min(now)),
            scheduler_silence: SCHEDULER_SILENCE,
        })
    }

    async fn add_troubles(&self, queues: &mut BTreeMap<QueueId, QueueFacts>, now: Time) -> Result<(), Error> {
        for row in self.db.all(sql::warnings::TROUBLES, args![LOST_CLAIMS, now.minus(LATELY)]).await? {
            let Some(queue) = queues.get_mut(&row.id("queue_id")?) else { continue };
            let unpublished = row.opt_text("unpublished_since")?.map(|since| Time::parse(&since)).transpose();
            queue.unpublished_since =
                unpublished.map_err(|_| Error::corrupt("`failing_since` of an offer"))?;
            queue.lost_claims = row.count("lost_claims")?;
            queue.dead_letters_lately = row.count("dead")?;
        }
        for row in self.db.all(sql::warnings::STUCK, args![now.minus(LONGEST_TRANSITION)]).await? {
            let Some(queue) = queues.get_mut(&row.id("queue_id")?) else { continue };
            queue.stuck = Some(Stuck { since: row.time("since")?, count: row.count("stuck")? });
        }
        Ok(())
    }

    async fn add_held(&self, queues: &mut BTreeMap<QueueId, QueueFacts>, now: Time) -> Result<(), Error> {
        let since = now.minus(LONGEST_STARVATION);
        for row in self.db.all(sql::warnings::HELD, args![since, MOST_HELD]).await? {
            let Some(queue) = queues.get_mut(&row.id("queue_id")?) else { continue };
            if queue.starved.is_none() {
                let hold: Hold = row.json("hold")?;
                queue.starved = Starved::by(&hold, row.time("since")?);
            }
        }
        Ok(())
    }
}

fn of_queue(
    queue: &QueueStats,
    agent: &Agent,
    replicas: &HashMap<AgentId, Vec<Replica>>,
    now: Time,
) -> QueueFacts {
    let is_paused = queue.paused.as_ref().is_some_and(|paused| paused.holds(now));
    let consumers = replicas.get(&queue.agent_id).map_or(0, |replicas| replicas.len() as u64);
    QueueFacts {
        agent: queue.agent.clone(),
        queue: queue.queue.clone(),
        backlog: queue.backlog,
        oldest_queued_at: queue.oldest_queued_at,
        is_open: !is_paused && !agent.is_closed(),
        consumers: (queue.protocol == QueueProtocol::Berth).then_some(consumers),
        ..QueueFacts::default()
    }
}

fn of_agent(
    agent: &Agent,
    runs: &HashMap<AgentId, u64>,
    replicas: &HashMap<AgentId, Vec<Replica>>,
) -> AgentFacts {
    let clocks = replicas.get(&agent.id).into_iter().flatten().filter_map(|replica| replica.clock_ahead_ms);
    AgentFacts {
        agent: agent.name.to_string(),
        lease_until: agent.lease_until,
        runs: runs.get(&agent.id).copied().unwrap_or_default(),
        release: agent.release.clone(),
        clock_ahead_ms: clocks.max_by_key(|ahead| ahead.unsigned_abs()),
    }
}
