//! The command line of `make chaos`.

use std::path::PathBuf;
use std::time::Duration;

use berth_integration_tests::Backing;
use clap::{Parser, ValueEnum};

/// Breaks an installation at random, and proves that nothing was lost or doubled.
#[derive(Clone, Debug, Parser)]
#[command(name = "chaos")]
pub(crate) struct Arguments {
    /// How long faults go on at each broker, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(10..))]
    duration: u64,
    /// The seed of an earlier run, to do the same again; drawn if not given.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Only this broker.
    #[arg(long)]
    broker: Option<Broker>,
    /// Runs submitted per second.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) rate: u64,
    /// Where the JSON goes, and beside it the logs of what was violated.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Broker {
    Rabbitmq,
    Redis,
}

impl Arguments {
    /// What to break, in turn.
    pub(crate) fn backings(&self) -> Vec<Backing> {
        match self.broker {
            None => vec![Backing::RabbitMq, Backing::Redis],
            Some(Broker::Rabbitmq) => vec![Backing::RabbitMq],
            Some(Broker::Redis) => vec![Backing::Redis],
        }
    }

    /// How long faults go on at each.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.duration)
    }
}
