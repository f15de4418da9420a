//! Agents' broker credentials: hashes only, two generations at most, so that one can come in while the other goes.

use berth_domain::time::Time;

use crate::agents;
use crate::audit::Audit;
use crate::db::{Row, args};
use crate::{Error, Store, sql};

/// How many generations are kept: an agent has so many user names.
const KEPT: usize = 2;

/// One generation of an agent's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The agent's name.
    pub agent: String,
    /// Which of the agent's user names: 1 or 2.
    pub slot: i64,
    /// Counts an agent's credentials from 1, those that are gone among them.
    pub generation: i64,
    /// The password's hash in RabbitMQ's form.
    pub rabbitmq_hash: String,
    /// The password's hash in Redis' form.
    pub redis_hash: String,
    /// When they were made.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
}

/// A password's hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredentials {
    /// In RabbitMQ's form.
    pub rabbitmq_hash: String,
    /// In Redis' form.
    pub redis_hash: String,
}

impl Store {
    /// Makes a new generation of an agent's credentials. The one before stays; what is older gives its place up.
    ///
    /// # Errors
    /// `NotFound` if the organization has no agent of that name.
    pub async fn create_credentials(
        &self,
        owner: &str,
        name: &str,
        new: NewCredentials,
        audit: &Audit,
    ) -> Result<Credentials, Error> {
        let mut tx = self.db.begin().await?;
        let agent = agents::by_name_locked(&mut tx, owner, name).await?;
        let row = tx.one(sql::credentials::NEXT_GENERATION, args![agent.id]).await?;
        let generation = row.ok_or_else(|| Error::not_found("agent", name))?.int("credentials_made")?;
        let rows = tx.all(sql::credentials::OF_AGENT, args![agent.id]).await?;
        let there = rows.iter().map(credentials).collect::<Result<Vec<_>, _>>()?;
        let made = Credentials {
            agent: agent.name.to_string(),
            slot: free_slot(&there),
            generation,
            rabbitmq_hash: new.rabbitmq_hash,
            redis_hash: new.redis_hash,
            created_at: audit.at,
            created_by: audit.actor.clone(),
        };
        tx.run(
            sql::credentials::UPSERT,
            args![
                agent.id,
                made.slot,
                made.generation,
                &made.rabbitmq_hash,
                &made.redis_hash,
                made.created_at,
                &made.created_by,
            ],
        )
        .await?;
        agents::record(&mut tx, &agent, audit).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The generations of an agent's credentials, oldest first.
    ///
    /// # Errors
    /// `NotFound` if the organization has no agent of that name.
    pub async fn credentials(&self, owner: &str, name: &str) -> Result<Vec<Credentials>, Error> {
        let agent = self.agent(owner, name).await?;
        self.db.all(sql::credentials::OF_AGENT, args![agent.id]).await?.iter().map(credentials).collect()
    }

    /// The credentials of all agents of the installation.
    ///
    /// # Errors
    /// If the database can't be used.
    pub async fn all_credentials(&self) -> Result<Vec<Credentials>, Error> {
        self.db.all(sql::credentials::ALL_CREDENTIALS, args![]).await?.iter().map(credentials).collect()
    }

    /// Takes one generation of an agent's credentials away.
    ///
    /// # Errors
    /// `NotFound` if there is no such agent, or it has no such generation any more.
    pub async fn delete_credentials(
        &self,
        owner: &str,
        name: &str,
        generation: i64,
        audit: &Audit,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let agent = agents::by_name_locked(&mut tx, owner, name).await?;
        if tx.run(sql::credentials::DELETE, args![agent.id, generation]).await? == 0 {
            return Err(Error::not_found("generation", generation));
        }
        agents::record(&mut tx, &agent, audit).await?;
        tx.commit().await
    }
}

/// The slot of the next generation: one that is free, or else that of the oldest.
fn free_slot(there: &[Credentials]) -> i64 {
    let is_free = |slot: &i64| there.iter().all(|credentials| credentials.slot != *slot);
    let oldest = || there.iter().min_by_key(|credentials| credentials.generation).map(|oldest| oldest.slot);
    let mut slots = (1_i64..).take(KEPT);
    slots.find(is_free).or_else(oldest).unwrap_or(1)
}

fn credentials(row: &Row) -> Result<Credentials, Error> {
    Ok(Credentials {
        agent: row.text("agent")?,
        slot: row.int("slot")?,
        generation: row.int("generation")?,
        rabbitmq_hash: row.text("rabbitmq_hash")?,
        redis_hash: row.text("redis_hash")?,
        created_at: row.time("created_at")?,
        created_by: row.text("created_by")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(slot: i64, generation: i64) -> Credentials {
        Credentials {
            agent: "a".to_owned(),
            slot,
            generation,
            rabbitmq_hash: String::new(),
            redis_hash: String::new(),
            created_at: Time::from_micros(0),
            created_by: String::new(),
        }
    }

    #[test]
    fn the_generation_before_always_keeps_its_slot() {
        assert_eq!(free_slot(&[]), 1);
        assert_eq!(free_slot(&[of(1, 1)]), 2);
        assert_eq!(free_slot(&[of(1, 1), of(2, 2)]), 1);
        assert_eq!(free_slot(&[of(1, 3), of(2, 2)]), 2);
        assert_eq!(free_slot(&[of(2, 2)]), 1);
        assert_eq!(free_slot(&[of(1, 1)]), 2, "of 1 and 2, the second was retired");
    }
}
