//! One broker's turn: start, load and faults side by side, then the proof.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use berth_integration_tests::{Backing, Installation};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::harm::Harm;
use crate::load::{self, Journals};
use crate::plan::Plan;
use crate::proof::{self, Check};
use crate::report::say;

/// What came of a broker's turn.
#[derive(Debug)]
pub(crate) struct Round {
    /// The broker.
    pub(crate) broker: &'static str,
    /// How long faults went on.
    pub(crate) duration: Duration,
    /// Runs that were accepted.
    pub(crate) accepted: usize,
    /// How often each fault was done.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// What was proved, and what was not.
    pub(crate) checks: Vec<Check>,
}

/// Breaks an installation on one broker, and proves what it can.
///
/// # Errors
/// If the store or the broker can't be asked at the end.
pub(crate) async fn run(backing: Backing, seed: u64, arguments: &Arguments) -> anyhow::Result<Round> {
    let broker = if backing == Backing::RabbitMq { "rabbitmq" } else { "redis" };
    say(&format!("{broker}: starting; to repeat it: --seed {seed}"));
    let mut installation = Installation::start_behind_proxies(backing).await;
    load::prepare(&installation).await;
    let journals = Journals::new(&installation.folder);
    let (began, roles) =
        (Instant::now(), installation.roles.iter().map(|role| role.name().to_owned()).collect());
    let end = began + arguments.duration();
    let mut submitting = JoinSet::new();
    submitting.spawn(load::submit(installation.client.clone(), journals.clone(), arguments.rate, seed, end));
    let faults = Harm::new(&mut installation)?.follow(Plan::new(seed, roles), end).await;
    let duration = began.elapsed();
    let last_fault = Instant::now();
    let accepted = submitting.join_next().await.context("the load was never there")??;
    say(&format!("{broker}: {} runs accepted; waiting for the last", accepted.len()));
    let checks = proof::prove(&installation, &journals, &accepted, last_fault).await?;
    if !checks.iter().all(Check::holds) {
        let kept = arguments.json.with_extension(format!("{broker}-logs"));
        keep_logs(&installation, &kept).with_context(|| format!("can't keep logs in {}", kept.display()))?;
        say(&format!("{broker}: logs and journals are kept in {}", kept.display()));
    }
    Ok(Round { broker, duration, accepted: accepted.len(), faults, checks })
}

/// Copies the logs of all processes and the journals of the runs.
fn keep_logs(installation: &Installation, to: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(&installation.folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
