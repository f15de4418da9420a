//! What the scheduler's loops look for: due runs, offers to publish (again), live attempts, counts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use berth_domain::feature::Features;
use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::lifecycle::{DispatchState, Status};
use berth_domain::scheduling::{Admissible, Paused, QueueProtocol};
use berth_domain::time::Time;
use berth_domain::trace::TraceContext;
use berth_domain::waiting::Waiting;

use super::model::trace;
use crate::db::{Row, args};
use crate::{Error, Store, queues, sql};

/// Counts of waiting runs stop here, for each lane or queue: counting on would cost more the longer they are.
pub const MAX_COUNTED: u64 = 100_000;

/// A run whose time has come: decide again what is due, under its lock ([`Store::transition`]).
#[derive(Debug, Clone, PartialEq)]
pub struct DueRun {
    /// Which.
    pub id: RunId,
    /// The organization.
    pub owner: String,
    /// Its agent.
    pub agent_id: Option<AgentId>,
    /// Its queue.
    pub queue_id: Option<QueueId>,
    /// When it was due.
    pub wake_at: Time,
    /// Where it stood.
    pub dispatch: DispatchState,
}

/// An admitted attempt, with all that its offer says.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferedRun {
    /// Which.
    pub id: RunId,
    /// The organization.
    pub owner: String,
    /// Its project's name.
    pub project: String,
    /// Its agent.
    pub agent_id: AgentId,
    /// Its agent's name.
    pub agent: String,
    /// Its queue.
    pub queue_id: QueueId,
    /// Its queue's name.
    pub queue: String,
    /// Its name.
    pub name: Option<String>,
    /// Polyaxon's run kind.
    pub kind: String,
    /// 0 to 9, larger first.
    pub priority: u8,
    /// The attempt.
    pub attempt: u32,
    /// Where it stands.
    pub dispatch: DispatchState,
    /// The compiled operation, JSON.
    pub content: Option<String>,
    /// The hash of that.
    pub spec_hash: Option<String>,
    /// How long its main process may run, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What its executor must be able to do.
    pub needs: Features,
    /// Who made it.
    pub username: Option<String>,
    /// When it was accepted.
    pub created_at: Time,
    /// Where it belongs in a trace, if it is in one.
    pub trace: Option<TraceContext>,
    /// By which protocol its queue is served.
    pub protocol: QueueProtocol,
    /// For how long the answer of Celery workers is waited for.
    pub answer_within: Duration,
}

/// An attempt that may be alive at its agent.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAttempt {
    /// Which run.
    pub id: RunId,
    /// Which attempt.
    pub attempt: u32,
    /// Its status.
    pub status: Status,
    /// Where it stands, with its claim and objects.
    pub dispatch: DispatchState,
}

impl LiveAttempt {
    /// Whether its objects were reported.
    #[must_use]
    pub fn has_object(&self) -> bool {
        self.dispatch.object.is_some()
    }
}

/// A queue's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueStats {
    /// Which.
    pub queue_id: QueueId,
    /// Its name.
    pub queue: String,
    /// Its agent.
    pub agent_id: AgentId,
    /// Its agent's name.
    pub agent: String,
    /// The organization.
    pub owner: String,
    /// Its limit.
    pub concurrency: Option<u32>,
    /// By which protocol it is served.
    pub protocol: QueueProtocol,
    /// That it starts nothing for now.
    pub paused: Option<Paused>,
    /// Waiting runs, at most [`MAX_COUNTED`], which means "or more".
    pub backlog: u64,
    /// The same by priority.
    pub priorities: BTreeMap<u8, u64>,
    /// Since when the longest waiting one waits, among those counted.
    pub oldest_queued_at: Option<Time>,
    /// Admitted and unclaimed attempts.
    pub offered: u64,
    /// Claimed attempts that have not ended.
    pub in_flight: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Runs that wait for nothing but the agent's hand-over, on offer or not yet: what another replica of it could help
    /// with. No limit, quota, rate, pause or cordon holds them back, the queue's own or any other.
    pub admissible: u64,
    /// Since when the longest waiting one of these waits, as far as is known.
    pub admissible_oldest: Option<Time>,
}

impl QueueStats {
    /// How much waits in it, for whoever scales by it.
    #[must_use]
    pub fn waiting(&self, now: Time) -> Waiting {
        let since = |oldest: Option<Time>| {
            let waited = oldest.map(|oldest| now.since(oldest)).unwrap_or_default();
            u64::try_from(waited.as_millis()).unwrap_or(u64::MAX)
        };
        Waiting {
            queue: self.queue.clone(),
            admissible: self.admissible,
            admissible_oldest_ms: since(self.admissible_oldest),
            backlog: self.backlog,
            oldest_ms: since(self.oldest_queued_at),
        }
    }
}

impl Store {
    /// Runs whose time has come (`DispatchState::wake_at`), the longest due first.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn due_runs(&self, now: Time, limit: u32) -> Result<Vec<DueRun>, Error> {
        let rows = self.db.all(sql::runs::DUE, args![now, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(DueRun {
                    id: row.id("id")?,
                    owner: row.text("owner")?,
                    agent_id: row.opt_id("agent_id")?,
                    queue_id: row.opt_id("queue_id")?,
                    wake_at: row.time("wake_at")?,
                    dispatch: row.json("dispatch")?,
                })
            })
            .collect()
    }

    /// Admitted and unclaimed attempts of a queue that were last published at `older_than` or before, or not yet;
    /// the oldest first.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn offered_runs(
        &self,
        agent_id: AgentId,
        queue_id: QueueId,
        older_than: Time,
        limit: u32,
    ) -> Result<Vec<OfferedRun>, Error> {
        let rows = self.db.all(sql::runs::OFFERED, args![agent_id, queue_id, older_than, limit]).await?;
        rows.iter().map(offered).collect()
    }

    /// The attempts that may be alive at an agent: claimed, and not ended.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn live_attempts(&self, agent_id: AgentId) -> Result<Vec<LiveAttempt>, Error> {
        let rows = self.db.all(sql::runs::LIVE_ATTEMPTS, args![agent_id]).await?;
        rows.iter()
            .map(|row| {
                Ok(LiveAttempt {
                    id: row.id("id")?,
                    attempt: row.u32("attempt")?,
                    status: row.parse("status")?,
                    dispatch: row.json("dispatch")?,
                })
            })
            .collect()
    }

    /// Organizations with waiting runs.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn owners_with_work(&self) -> Result<Vec<String>, Error> {
        self.db.all(sql::lanes::OWNERS, args![]).await?.iter().map(|row| row.text("owner")).collect()
    }

    /// The numbers of the queues of an organization, or of all of them.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn queue_stats(&self, owner: Option<&str>, now: Time) -> Result<Vec<QueueStats>, Error> {
        let most = i64::try_from(MAX_COUNTED).unwrap_or(i64::MAX);
        let rows = self.db.all(sql::lanes::QUEUE_STATS, args![most, owner]).await?;
        let mut admissible: BTreeMap<String, BTreeMap<QueueId, Admissible>> = BTreeMap::new();
        for row in &rows {
            // Where nothing waits, nothing has to be looked at.
            if (row.opt_time("oldest")?.is_some() || row.count("offered")? > 0)
                && let Entry::Vacant(unknown) = admissible.entry(row.text("owner")?)
            {
                let found = self.admissible(unknown.key(), now).await?;
                unknown.insert(found);
            }
        }
        rows.iter()
            .map(|row| {
                let owner = row.text("owner")?;
                let of = admissible.get(&owner).and_then(|queues| queues.get(&row.id("id").ok()?));
                let of = of.copied().unwrap_or_default();
                let offered_oldest = row.opt_time("offered_oldest")?.filter(|_| of.offered > 0);
                let priorities: BTreeMap<u8, u64> = row.opt_json("priorities")?.unwrap_or_default();
                Ok(QueueStats {
                    queue_id: row.id("id")?,
                    queue: row.text("name")?,
                    agent_id: row.id("agent_id")?,
                    agent: row.text("agent_name")?,
                    owner,
                    concurrency: row.opt_u32("concurrency")?,
                    protocol: row.parse("protocol")?,
                    paused: queues::hold(row, "paused")?,
                    backlog: priorities.values().sum(),
                    priorities,
                    oldest_queued_at: row.opt_time("oldest")?,
                    offered: row.count("offered")?,
                    in_flight: row.count("in_flight")?,
                    dead_letters: row.count("dead")?,
                    admissible: of.waiting + of.offered,
                    admissible_oldest: of.oldest.into_iter().chain(offered_oldest).min(),
                })
            })
            .collect()
    }
}

/// An offer's row.
pub(crate) fn offered(row: &Row) -> Result<OfferedRun, Error> {
    Ok(OfferedRun {
        id: row.id("id")?,
        owner: row.text("owner")?,
        project: row.text("project_name")?,
        agent_id: row.id("agent_id")?,
        agent: row.text("agent_name")?,
        queue_id: row.id("queue_id")?,
        queue: row.text("queue_name")?,
        name: row.opt_text("name")?,
        kind: row.text("kind")?,
        priority: u8::try_from(row.int("priority")?).map_err(|_| Error::corrupt("column `priority`"))?,
        attempt: row.u32("attempt")?,
        dispatch: row.json("dispatch")?,
        content: row.opt_text("content")?,
        spec_hash: row.opt_text("spec_hash")?,
        timeout_ms: row.get::<Option<i64>>("timeout_ms")?.and_then(|millis| u64::try_from(millis).ok()),
        needs: Features::of_bits(row.int("needs")?),
        username: row.opt_text("username")?,
        created_at: row.time("created_at")?,
        trace: trace(row)?,
        protocol: row.parse("protocol")?,
        answer_within: Duration::from_secs(row.count("answer_within_seconds")?),
    })
}
