//! Agents that are lost, as schedulers see and note it, and the runs of theirs that can go elsewhere.

use std::collections::BTreeSet;

use berth_domain::id::{AgentId, RunId};
use berth_domain::time::Time;
use uuid::Uuid;

use crate::changes::{self, ChangeKind, NewChange};
use crate::db::args;
use crate::{Error, Store, agents, sql};

/// When an agent was granted its last lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseGrant {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Its organization.
    pub owner: String,
    /// When, by the clock of whoever granted it.
    pub granted_at: Time,
}

impl Store {
    /// The last grant of each agent that ever had one.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn lease_grants(&self) -> Result<Vec<LeaseGrant>, Error> {
        let rows = self.db.all(sql::losses::GRANTS, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(LeaseGrant {
                    agent: row.id("id")?,
                    name: row.text("name")?,
                    owner: row.text("owner")?,
                    granted_at: row.time("lease_granted_at")?,
                })
            })
            .collect()
    }

    /// Agents with attempts that were claimed as ones that may be replaced, and have not ended.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn agents_with_replaceable(&self) -> Result<BTreeSet<AgentId>, Error> {
        let rows = self.db.all(sql::losses::HAVE_REPLACEABLE, args![]).await?;
        rows.iter().map(|row| row.id("agent_id")).collect()
    }

    /// Notes that an agent is lost, and what becomes of its runs. False if that is no news, or the agent has been
    /// granted another lease than the one of `granted_at`.
    ///
    /// # Errors
    /// `NotFound` if there is no such agent.
    pub async fn note_loss(
        &self,
        id: AgentId,
        granted_at: Time,
        loss: &str,
        now: Time,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let agent = agents::by_id(&mut tx, id, true).await?;
        if tx.run(sql::losses::NOTE, args![id, now, loss, granted_at]).await? == 0 {
            return Ok(false);
        }
        changes::write(&mut tx, &[NewChange::thing(ChangeKind::Agent, id, &agent.owner, now)]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Runs of an agent that have a choice of where to go and, by `on_agent_loss`, don't wait for the agent: the first
    /// `limit` of them after `after`, by id. Decide about each under its lock ([`Store::transition`]).
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn runs_to_fail_over(
        &self,
        agent: AgentId,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunId>, Error> {
        let after = after.unwrap_or_else(|| RunId::from_uuid(Uuid::nil()));
        let rows = self.db.all(sql::losses::TO_FAIL_OVER, args![agent, after, limit]).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
