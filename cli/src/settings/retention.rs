//! How long things are kept. Deleting them is the store's.

use std::time::Duration;

use super::resolve::{Error, Resolved};

/// How long each kind is kept after its end or making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Finished runs with their conditions.
    pub runs: Duration,
    /// The event stream.
    pub events: Duration,
    /// Audit entries.
    pub audit: Duration,
    /// Answers to idempotency keys.
    pub idempotency: Duration,
    /// Dead letters.
    pub dead_letters: Duration,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

impl RetentionSettings {
    /// Reads the `retention_*` settings.
    ///
    /// # Errors
    /// If one is no whole number in its range.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let of = |key: &str, unit: u64| {
            resolved.number(key, 1, 36_500).map(|count| Duration::from_secs(count * unit))
        };
        Ok(Self {
            runs: of("retention_runs_days", DAY)?,
            events: of("retention_events_hours", HOUR)?,
            audit: of("retention_audit_days", DAY)?,
            idempotency: of("retention_idempotency_hours", HOUR)?,
            dead_letters: of("retention_dead_letters_days", DAY)?,
        })
    }
}
