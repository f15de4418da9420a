//! Logs, metrics, traces and readiness: set up once, used everywhere. What is measured and what is checked belongs to the
//! components; nothing here is global but the one log subscriber of a process.

pub mod health;
pub mod listener;
pub mod logs;
pub mod metrics;
pub mod traces;

pub use health::{Down, Health, Readiness};
pub use listener::{probes, serve};
pub use prometheus::Registry;
pub use traces::Tracer;
