//! Wires the services: settings, connections, signals, and a graceful end. What they do is in their crates.

use std::path::Path;
use std::process::ExitCode;

use crate::command::Surroundings;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Format;

pub mod admin;
pub mod agent;
pub mod api;
pub mod broker;
pub mod scheduler;
pub mod up;

mod export;
mod external_metrics;
mod process;
mod replica;
mod store;
mod traces;

/// `berth shim`: owns one process, and is started by the process executor only.
#[must_use]
pub fn shim(dir: &Path) -> ExitCode {
    berth_agent::shim::main(dir)
}

/// `berth transfer`: a container of our own in a run's pod, started by the Kubernetes executor only.
///
/// # Errors
/// If it can't do what it is there for, and why.
pub async fn transfer(surroundings: &Surroundings<'_>, task: &str) -> Result<(), Failure> {
    let told = berth_agent::transfer::main(task, surroundings.variable).await.map_err(failed)?;
    Output::standard(Format::Table).line(&told)
}

/// What a service could not begin with.
fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(crate::failure::Status::Failed, error.to_string())
}

/// An error with its causes, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
