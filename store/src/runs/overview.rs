//! What the scheduler's loops look at again and again, in one statement each, whatever there is of it: offers
//! on the broker, stops that have not ended, all queues.

use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::lifecycle::DispatchState;

use crate::db::args;
use crate::queues::queue;
use crate::{Error, Queue, Store, sql};

/// The admitted and unclaimed attempts of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingOffers {
    /// The queue.
    pub queue_id: QueueId,
    /// Its name.
    pub queue: String,
    /// Its agent.
    pub agent_id: AgentId,
    /// Its agent's name.
    pub agent: String,
    /// How many.
    pub offers: u64,
    /// How many of them the broker may not have, since publishing them failed.
    pub failing: u64,
}

/// An attempt whose run is to stop and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppingAttempt {
    /// The run.
    pub id: RunId,
    /// The attempt.
    pub attempt: u32,
    /// Where it is.
    pub agent_id: AgentId,
    /// Whether it is at Celery workers.
    pub is_handed: bool,
}

impl Store {
    /// Queues with admitted and unclaimed attempts, and how many.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn outstanding_offers(&self) -> Result<Vec<OutstandingOffers>, Error> {
        let rows = self.db.all(sql::overview::OUTSTANDING, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(OutstandingOffers {
                    queue_id: row.id("queue_id")?,
                    queue: row.text("queue_name")?,
                    agent_id: row.id("agent_id")?,
                    agent: row.text("agent_name")?,
                    offers: row.count("offers")?,
                    failing: row.count("failing")?,
                })
            })
            .collect()
    }

    /// Attempts of runs that were stopped and have not ended.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn stopping_attempts(&self) -> Result<Vec<StoppingAttempt>, Error> {
        let rows = self.db.all(sql::overview::STOPPING, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(StoppingAttempt {
                    id: row.id("id")?,
                    attempt: row.u32("attempt")?,
                    agent_id: row.id("agent_id")?,
                    is_handed: row.json::<DispatchState>("dispatch")?.is_handed(),
                })
            })
            .collect()
    }

    /// All queues of the installation.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn all_queues(&self) -> Result<Vec<Queue>, Error> {
        self.db.all(sql::queues::ALL_QUEUES, args![]).await?.iter().map(queue).collect()
    }
}
