//! The agent: consumes its queues, claims what is offered, has its executor create it, and reports what becomes of it.
//!
//! It holds no truth. What should live is the scheduler's to say, what does live is the executor's; kill -9 at any
//! moment loses nothing. Everything it learns and says passes through the broker.

pub mod archive;
pub mod artifacts;
mod claims;
pub mod connections;
mod control;
mod culling;
pub mod executor;
mod fence;
mod gather;
mod identity;
mod intake;
mod lease;
mod logs;
mod out;
mod reports;
mod service;
pub mod shim;
mod traces;
pub mod transfer;
pub mod uptime;
mod watch;

pub use executor::Executor;
pub use service::{Config, Error, WaitingSender, run};
