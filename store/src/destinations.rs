//! The organization's queues as places where runs may go, and how much room they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_domain::id::{AgentId, ProjectId, QueueId, RunId};
use berth_domain::scheduling::{Confinement, Destination, Host, Limit, room};
use berth_domain::time::Time;
use uuid::Uuid;

use crate::agents::Agent;
use crate::db::args;
use crate::queues::Queue;
use crate::runs::RunHead;
use crate::runs::create::id_rows;
use crate::runs::model::head;
use crate::{Error, Store, agents, queues, sql};

/// A queue in which runs wait that have a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoosingQueue {
    /// Which.
    pub queue: QueueId,
    /// The organization.
    pub owner: String,
}

/// The queues of an organization, as places; its agents and queues must be all that it has.
#[must_use]
pub fn destinations(agents: &[Agent], queues: &[Queue]) -> Vec<Destination> {
    let hosts: BTreeMap<AgentId, Arc<Host>> =
        agents.iter().map(|agent| (agent.id, Arc::new(agent.host(agents.len() == 1)))).collect();
    let place = |queue: &Queue| {
        Some(Destination {
            queue: queue.id,
            name: queue.name.to_string(),
            host: hosts.get(&queue.agent_id)?.clone(),
            protocol: queue.protocol,
            paused: queue.paused.clone(),
            overflow_after: queue.sharing.overflow_after(),
        })
    };
    queues.iter().filter_map(place).collect()
}

impl Agent {
    /// The agent, as far as it matters for where runs go; the default one if `is_only` it is there.
    #[must_use]
    pub fn host(&self, is_only: bool) -> Host {
        Host {
            id: self.id,
            name: self.name.to_string(),
            is_default: self.is_default || is_only,
            labels: self.effective_labels(),
            lease_until: self.lease_until,
            is_away: self.lost_at.is_some() || self.lease_granted_at.is_none(),
            is_closed: self.is_closed(),
            can: self.can,
            reported: self.reported.clone(),
        }
    }
}

impl Store {
    /// All places of an organization.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn destinations(&self, owner: &str) -> Result<Vec<Destination>, Error> {
        let agents = self.db.all(sql::agents::OF_OWNER, args![owner]).await?;
        let agents = agents.iter().map(agents::agent).collect::<Result<Vec<_>, _>>()?;
        let queues = self.db.all(sql::queues::OF_OWNER, args![owner]).await?;
        let queues = queues.iter().map(queues::queue).collect::<Result<Vec<_>, _>>()?;
        Ok(destinations(&agents, &queues))
    }

    /// How many more runs could start in each of these queues at `now`, by the concurrency of the queue and its agent,
    /// when those that wait have started: none where one has waited for longer than choosing takes.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn rooms(&self, queues: &[QueueId], now: Time) -> Result<BTreeMap<QueueId, u32>, Error> {
        let ids: Vec<Uuid> = queues.iter().map(|id| id.uuid()).collect();
        let rows = self.db.all(sql::places::ROOMS, args![id_rows(ids)?]).await?;
        rows.iter()
            .map(|row| {
                let slots = |limit: &str, used: &str| -> Result<Limit, Error> {
                    Ok(Limit { limit: row.opt_u32(limit)?, used: row.opt_u32(used)?.unwrap_or(0) })
                };
                let (queue, agent) =
                    (slots("concurrency", "used")?, slots("agent_concurrency", "agent_used")?);
                let room = room(queue, agent, row.u32("waiting")?, row.opt_time("oldest")?, now);
                Ok((row.id("id")?, room))
            })
            .collect()
    }

    /// To what the projects of an organization are confined, as far as they are.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn confinements(&self, owner: &str) -> Result<BTreeMap<ProjectId, Confinement>, Error> {
        let rows = self.db.all(sql::places::CONFINEMENTS, args![owner]).await?;
        rows.iter().map(|row| Ok((row.id("id")?, row.json("confinement")?))).collect()
    }

    /// Where a run waits and what it may go to, without its lock: for explanations.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub async fn run_head(&self, id: RunId) -> Result<RunHead, Error> {
        let row = self.db.one(sql::runs::HEAD, args![id]).await?;
        head(&row.ok_or_else(|| Error::not_found("run", id))?)
    }

    /// The queues in which runs wait that have a choice, and those of agents that are lost in which such runs are
    /// offered.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn choosing_queues(&self) -> Result<Vec<ChoosingQueue>, Error> {
        let rows = self.db.all(sql::places::CHOOSING_QUEUES, args![]).await?;
        rows.iter().map(|row| Ok(ChoosingQueue { queue: row.id("id")?, owner: row.text("owner")? })).collect()
    }

    /// Runs of a queue that have a choice and wait there since `since` or before, with that time: the longest first,
    /// `limit` of them after `after`. Decide about each under its lock ([`Store::transition`]).
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn choosing_runs(
        &self,
        queue: QueueId,
        since: Time,
        after: Option<(Time, RunId)>,
        limit: u32,
    ) -> Result<Vec<(Time, RunId)>, Error> {
        let (at, run) = after.unwrap_or((Time::from_micros(i64::MIN), RunId::from_uuid(Uuid::nil())));
        let rows = self.db.all(sql::places::CHOOSING, args![queue, since, at, run, limit]).await?;
        rows.iter().map(|row| Ok((row.time("since")?, row.id("id")?))).collect()
    }

    /// Runs of an agent's queue that are offered, not claimed, and have a choice: `limit` of them.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn offered_with_choice(
        &self,
        agent: AgentId,
        queue: QueueId,
        limit: u32,
    ) -> Result<Vec<RunId>, Error> {
        let rows = self.db.all(sql::places::OFFERED_WITH_CHOICE, args![agent, queue, limit]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
