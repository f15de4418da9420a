//! The arguments of `berth run` and `berth ops`. What they do is `command`'s.

use clap::{Args, Subcommand};

use super::many::Runs;

/// `berth run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The polyaxonfile, `-` for the standard input; further ones are presets that are merged into it
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub file: Vec<String>,
    /// The queue: AGENT/QUEUE, or QUEUE on the default agent
    #[arg(short, long, value_name = "QUEUE")]
    pub queue: Option<String>,
    /// A parameter; repeatable
    #[arg(short = 'P', long = "param", value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// What the run is called
    #[arg(short, long)]
    pub name: Option<String>,
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
    /// Tags, by commas
    #[arg(long, value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Start it not before this time (ISO 8601 with an offset)
    #[arg(long, value_name = "TIME")]
    pub schedule_at: Option<String>,
    /// A key under which the same submission again gets the first answer again
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Print its log until it ends; the exit status is the run's
    #[arg(long, short = 'l', conflicts_with = "dry_run")]
    pub follow: bool,
    /// Wait until it ends; the exit status is the run's
    #[arg(long, short = 'w', conflicts_with = "dry_run")]
    pub wait: bool,
    /// Say what would be run, and store nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What `berth ops` can do.
#[derive(Debug, Subcommand)]
pub enum OpsAction {
    /// List runs, newest first
    Ls {
        /// Which: field:value, by commas, such as status:running|queued
        #[arg(short, long)]
        query: Option<String>,
        /// In which order: a field, with `-` in front for the largest first
        #[arg(short, long)]
        sort: Option<String>,
        /// How many
        #[arg(short, long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// After how many
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a run
    Get {
        /// Which
        #[command(flatten)]
        run: OneRun,
        /// Say where each field of its resolved operation comes from
        #[arg(long)]
        origins: bool,
    },
    /// Print a run's log
    Logs {
        /// Which
        #[command(flatten)]
        run: OneRun,
        /// Go on until the run ends
        #[arg(short, long)]
        follow: bool,
        /// What of it
        #[command(flatten)]
        part: LogPart,
    },
    /// Show a run's objects as its agent sees them: pods with their states, conditions and events
    Inspect(OneRun),
    /// Print a run's status history
    Statuses {
        /// Which
        #[command(flatten)]
        run: OneRun,
        /// Go on until the run ends
        #[arg(short, long)]
        watch: bool,
    },
    /// Say why a run waits
    Why(OneRun),
    /// Stop a run, or all that a query names
    Stop(Runs),
    /// Submit a run again, as a new one; of a query, those that ended, but for what succeeded unless it says so
    Restart(Runs),
    /// Go on with a run that ended; of a query, as `restart` does
    Resume(Runs),
    /// Let runs that wait, wait in another queue
    Move {
        /// Which
        #[command(flatten)]
        runs: Runs,
        /// AGENT/QUEUE, or QUEUE on the default agent
        #[arg(long, value_name = "QUEUE")]
        to: berth_domain::name::QueueRef,
    },
    /// Give runs that wait another priority
    Reprioritize {
        /// Which
        #[command(flatten)]
        runs: Runs,
        /// 0 to 9, larger first
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=9))]
        priority: u8,
    },
    /// Let a run start that waits for an approval
    Approve(OneRun),
    /// Delete a run, and stop it first if it is alive
    Delete(OneRun),
}

/// What of a log is printed.
#[derive(Debug, Default, Args)]
pub struct LogPart {
    /// A container by its name: an init container or a sidecar, say
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// One of a service's pods by its number, from 0
    #[arg(long, value_name = "NUMBER")]
    pub replica: Option<u32>,
    /// An attempt by its number, from 0
    #[arg(long, value_name = "NUMBER")]
    pub attempt: Option<u32>,
    /// What ran before: the instance of the container before its last restart, or else the attempt before
    #[arg(long, conflicts_with = "follow")]
    pub previous: bool,
    /// Only what was written since then: a time, or how long ago, as in 90s, 10m, 2h, 1d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// So many of the last lines
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
}

impl LogPart {
    /// The query parameters that say it.
    #[must_use]
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("container", self.container.clone()),
            ("replica", self.replica.map(|replica| replica.to_string())),
            ("attempt", self.attempt.map(|attempt| attempt.to_string())),
            ("previous", self.previous.then(|| "true".to_owned())),
            ("since", self.since.clone()),
            ("tail", self.tail.map(|lines| lines.to_string())),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// One run.
#[derive(Debug, Args)]
pub struct OneRun {
    /// The run's UUID
    #[arg(value_parser = uuid)]
    pub uuid: String,
}

/// Both spellings of a UUID, as the 32 digits that paths have.
pub(super) fn uuid(text: &str) -> Result<String, String> {
    text.parse::<berth_domain::id::RunId>().map(|id| id.to_string()).map_err(|error| error.to_string())
}
