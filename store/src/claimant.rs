//! What the scheduler needs to know of an agent to judge its claims, in one read: it is made for each batch of them.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::compile::OnAgentLoss;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::protocol::FENCING;
use berth_domain::scheduling::{Claimant, PausedQueue};
use berth_domain::time::Time;

use crate::db::{Row, args};
use crate::tags::Tags;
use crate::{Error, Store, epoch, queues, sql};

impl Store {
    /// The agent as its claims are judged, at `now`.
    ///
    /// # Errors
    /// `NotFound` if there is no such agent.
    pub async fn claimant(&self, id: AgentId, now: Time) -> Result<Claimant, Error> {
        let rows = self.db.all(sql::agents::CLAIMANT, args![id, epoch::RESTORED]).await?;
        let agent = rows.first().ok_or_else(|| Error::not_found("agent", id))?;
        Ok(Claimant {
            id: agent.id("id")?,
            name: agent.text("name")?,
            is_live: agent.opt_time("lease_until")?.is_some_and(|until| until > now),
            is_cordoned: agent.bool("cordoned")? || agent.bool("draining")?,
            hold: queues::hold(agent, "hold")?,
            create_grace: Duration::from_millis(agent.count("create_grace_ms")?),
            fences: agent.json::<Tags>("features")?.into_list().iter().any(|feature| feature == FENCING),
            on_agent_loss: rows
                .iter()
                .filter_map(|row| on_agent_loss(row).transpose())
                .collect::<Result<BTreeMap<_, _>, _>>()?,
            paused: rows
                .iter()
                .filter_map(|row| paused(row).transpose())
                .collect::<Result<BTreeMap<_, _>, _>>()?,
            restored: epoch::read(agent.opt_text("restored")?)?,
        })
    }
}

fn on_agent_loss(row: &Row) -> Result<Option<(QueueId, OnAgentLoss)>, Error> {
    let Some(id) = row.opt_id("queue_id")? else { return Ok(None) };
    Ok(Some((id, row.parse("on_agent_loss")?)))
}

fn paused(row: &Row) -> Result<Option<(QueueId, PausedQueue)>, Error> {
    let (Some(id), Some(paused)) = (row.opt_id("queue_id")?, queues::paused(row)?) else { return Ok(None) };
    Ok(Some((id, PausedQueue { name: row.text("queue_name")?, paused })))
}
