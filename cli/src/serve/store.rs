//! Opens the store, and waits for a database that is down or not migrated yet. What is in it is the store's.

use std::time::Duration;

use berth_store::{Error, Options, Store};
use berth_telemetry::Health;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::with_causes;
use crate::failure::{Failure, Status};
use crate::settings::DatabaseSettings;

/// How often a database that isn't there is looked for.
const EVERY: Duration = Duration::from_millis(500);

/// Opens the store; PostgreSQL may be down.
pub(super) async fn open(settings: &DatabaseSettings) -> Result<Store, Failure> {
    Store::connect(settings.url.expose_secret(), Options::default()).await.map_err(|error| failure(&error))
}

/// A store's error with the right exit status.
pub(super) fn failure(error: &Error) -> Failure {
    let status = match error {
        Error::Unavailable { .. } => Status::Unreachable,
        Error::Invalid { .. } | Error::Conflict { .. } => Status::Usage,
        Error::NotFound { .. } => Status::NotFound,
        _ => Status::Failed,
    };
    Failure::new(status, with_causes(error))
}

/// Waits until the database answers and has this release's schema; says whether it came to that before the end.
///
/// A database that is away is no reason to end: it says so, once for each reason, and /readyz does.
pub(super) async fn ready(store: &Store, health: &Health, shutdown: &CancellationToken) -> bool {
    let mut said = String::new();
    loop {
        match store.check_schema().await {
            Ok(()) => {
                health.up("store");
                health.up("schema");
                if !said.is_empty() {
                    tracing::info!("the database is there");
                }
                return true;
            }
            Err(error) => {
                let reason = with_causes(&error);
                match &error {
                    Error::Unavailable { .. } => health.down("store", reason.as_str()),
                    _ => health.down("schema", reason.as_str()),
                };
                if reason != said {
                    tracing::warn!("waiting for the database: {reason}");
                    said = reason;
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return false,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
