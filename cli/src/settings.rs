//! What the program is told: flag, then `BERTH_*`, then the YAML file, then the default.
//!
//! [`table`] has every setting once, [`load`] decides which source holds, and one file per concern turns the
//! text into what a component takes. Nothing here reads the environment or the disk by itself: both come in as
//! functions, so that a test can say what they hold.

mod agent;
mod artifacts;
mod broker;
mod celery;
mod client;
mod connections;
mod database;
mod external_metrics;
mod file;
mod folders;
mod listen;
mod logs;
mod nearest;
mod resolve;
mod retention;
mod scheduler;
mod show;
mod table;
mod traces;

#[cfg(test)]
mod tests;

pub use agent::{AgentSettings, ExecutorKind};
pub use artifacts::artifacts_store;
pub use broker::{BrokerKind, BrokerSettings};
pub use celery::{CelerySettings, submitters};
pub use client::{ClientSettings, Format};
pub use connections::connections;
pub use database::{DatabaseKind, DatabaseSettings};
pub use external_metrics::ExternalMetricsSettings;
pub use folders::{config_folder, data_folder};
pub use listen::{ApiSettings, MetricsSettings, readiness};
pub use logs::LogSettings;
pub use nearest::nearest;
pub use resolve::{Error, Given, Origin, Resolved, Sources, Value, load};
pub use retention::RetentionSettings;
pub use scheduler::SchedulerSettings;
pub use show::{Shown, show};
pub use table::{DefaultValue, Part, SETTINGS, Setting};
pub use traces::TraceSettings;
