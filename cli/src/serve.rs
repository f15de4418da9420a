//! Wires the services: settings, connections, signals, and a graceful end. What they do is in their crates.

use std::path::Path;

use crate::arguments::{AdminGroup, BrokerGroup};
use crate::command::Surroundings;
use crate::failure::{Failure, Status};
use crate::settings::Given;

fn not_yet(what: &str) -> Result<(), Failure> {
    Err(Failure::new(Status::Failed, format!("`berth {what}` is not built yet")))
}

/// `berth shim`.
///
/// # Errors
/// Always, for now.
pub fn shim(_dir: &Path) -> Result<(), Failure> {
    not_yet("shim")
}

/// `berth up`.
///
/// # Errors
/// Always, for now.
pub fn up(_surroundings: &Surroundings<'_>, _given: &Given) -> Result<(), Failure> {
    not_yet("up")
}

/// `berth api`.
///
/// # Errors
/// Always, for now.
pub fn api(_surroundings: &Surroundings<'_>, _given: &Given) -> Result<(), Failure> {
    not_yet("api")
}

/// `berth scheduler`.
///
/// # Errors
/// Always, for now.
pub fn scheduler(_surroundings: &Surroundings<'_>, _given: &Given) -> Result<(), Failure> {
    not_yet("scheduler")
}

/// `berth agent`.
///
/// # Errors
/// Always, for now.
pub fn agent(_surroundings: &Surroundings<'_>, _given: &Given) -> Result<(), Failure> {
    not_yet("agent")
}

/// `berth admin`.
///
/// # Errors
/// Always, for now.
pub fn admin(_surroundings: &Surroundings<'_>, _group: &AdminGroup) -> Result<(), Failure> {
    not_yet("admin")
}

/// `berth broker`.
///
/// # Errors
/// Always, for now.
pub fn broker(_surroundings: &Surroundings<'_>, _group: &BrokerGroup) -> Result<(), Failure> {
    not_yet("broker")
}
