//! `make chaos`: breaks a whole installation at random for a long time, then proves that nothing was lost or doubled.
//!
//! From a seed that it prints, each broker in turn carries a steady load while processes are killed and paused, servers
//! killed and wiped, connections cut, stalled and slowed, and offers repeated. The proof at the end is made of the store,
//! the broker, the journal that the runs themselves wrote, and the processes that are left. Faults of a Kubernetes API
//! server will be a further [`plan::Fault`], and its orphaned pods a further row of [`proof`].

mod arguments;
mod harm;
mod load;
mod plan;
mod proof;
mod report;
mod round;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let mut rounds = Vec::new();
    for backing in arguments.backings() {
        rounds.push(round::run(backing, seed, &arguments).await?);
    }
    report::write(seed, &rounds, &arguments)?;
    let good = rounds.iter().all(|round| round.checks.iter().all(proof::Check::holds));
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
