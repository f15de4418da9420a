//! What a scheduler replica is told. What it does with it is the scheduler crate's.

use super::broker::BrokerSettings;
use super::celery::CelerySettings;
use super::database::DatabaseSettings;
use super::resolve::{Error, Resolved};
use super::retention::RetentionSettings;

/// The scheduler's settings.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// The store's database.
    pub database: DatabaseSettings,
    /// The broker.
    pub broker: BrokerSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// What Celery's tools may do and see.
    pub celery: CelerySettings,
}

impl SchedulerSettings {
    /// Reads them.
    ///
    /// # Errors
    /// If one is missing or can't be used.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        Ok(Self {
            database: DatabaseSettings::read(resolved, None)?,
            broker: BrokerSettings::read(resolved)?,
            retention: RetentionSettings::read(resolved)?,
            celery: CelerySettings::read(resolved)?,
        })
    }
}
