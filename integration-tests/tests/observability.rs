//! Metrics, rules, alerts and dashboards: each query on a real Prometheus that scrapes a Berth under load.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

#[path = "observability/alerts.rs"]
mod alerts;
#[path = "observability/files.rs"]
mod files;
#[path = "observability/healthy.rs"]
mod healthy;
#[path = "observability/load.rs"]
mod load;
#[path = "observability/watcher.rs"]
mod watcher;
