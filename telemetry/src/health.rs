//! Whether a process can do its work: named checks that its components set, read by `/readyz`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::{IntGauge, Registry};

use crate::metrics::gauge;

/// The state of a process's checks. Clones share it.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Default)]
struct Inner {
    checks: RwLock<BTreeMap<&'static str, Option<String>>>,
    gauges: BTreeMap<&'static str, IntGauge>,
}

/// A check that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// Its name: `store`, `broker`, ...
    pub name: &'static str,
    /// Why, for people; never holds a secret.
    pub reason: String,
}

/// What all checks together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The checks that pass.
    pub up: Vec<&'static str>,
    /// The checks that fail.
    pub down: Vec<Down>,
}

impl Readiness {
    /// Whether every check passes.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.down.is_empty()
    }
}

impl Health {
    /// No checks yet: ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and the checks `store` and `broker` are shown as `berth_store_connected` and
    /// `berth_broker_connected`.
    ///
    /// # Errors
    /// If these names are registered already.
    pub fn registered(registry: &Registry) -> Result<Self, prometheus::Error> {
        let mut gauges = BTreeMap::new();
        for (check, name, help) in [
            ("store", "berth_store_connected", "Whether the store answers (1) or not (0)"),
            ("broker", "berth_broker_connected", "Whether the broker is connected (1) or not (0)"),
        ] {
            gauges.insert(check, gauge(registry, name, help)?);
        }
        Ok(Self(Arc::new(Inner { checks: RwLock::default(), gauges })))
    }

    /// The check `name` passes. Says whether that is news.
    pub fn up(&self, name: &'static str) -> bool {
        self.set(name, None)
    }

    /// The check `name` fails, for `reason`. Says whether that is news (another reason alone is not).
    pub fn down(&self, name: &'static str, reason: impl Into<String>) -> bool {
        self.set(name, Some(reason.into()))
    }

    fn set(&self, name: &'static str, reason: Option<String>) -> bool {
        if let Some(gauge) = self.0.gauges.get(name) {
            gauge.set(i64::from(reason.is_none()));
        }
        let is_down = reason.is_some();
        let before = self.0.checks.write().unwrap_or_else(PoisonError::into_inner).insert(name, reason);
        before.is_none_or(|before| before.is_some() != is_down)
    }

    /// What all checks say now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let checks = self.0.checks.read().unwrap_or_else(PoisonError::into_inner);
        let mut readiness = Readiness { up: Vec::new(), down: Vec::new() };
        for (name, reason) in checks.iter() {
            match reason {
                None => readiness.up.push(name),
                Some(reason) => readiness.down.push(Down { name, reason: reason.clone() }),
            }
        }
        readiness
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.readiness().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_check_passes_and_names_those_that_fail() {
        let registry = Registry::new();
        let health = Health::registered(&registry).unwrap();
        assert!(health.readiness().is_ready());
        assert!(health.down("broker", "connection refused"));
        assert!(!health.down("broker", "connection reset"), "only the reason changed");
        assert!(health.up("store"));
        let readiness = health.readiness();
        assert_eq!(readiness.up, ["store"]);
        assert_eq!(readiness.down, [Down { name: "broker", reason: "connection reset".into() }]);
        assert!(health.up("broker"));
        assert!(health.readiness().is_ready());
        let text = crate::metrics::exposition(&registry).unwrap();
        assert!(text.contains("berth_broker_connected 1\n"), "{text}");
    }
}
