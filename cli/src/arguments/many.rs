//! The arguments of whatever acts on all that a query names, and of dead letters. What they do is `command`'s.

use clap::{Args, Subcommand};

/// How to act on many things.
#[derive(Debug, Default, Args)]
pub struct Manner {
    /// Say how many there are and show some, and change nothing
    #[arg(long)]
    pub preview: bool,
    /// Don't ask first
    #[arg(short, long)]
    pub yes: bool,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Why, and until when, something starts nothing.
#[derive(Debug, Args)]
pub struct Hold {
    /// Why; shown to whoever waits
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// When it ends by itself: a time (ISO 8601 with an offset), or how long it takes, as in 90s, 10m, 2h, 1d
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Runs: one, or all that a query names.
#[derive(Debug, Args)]
pub struct Runs {
    /// One, by its UUID
    #[arg(value_parser = super::runs::uuid, conflicts_with = "query", required_unless_present = "query")]
    pub uuid: Option<String>,
    /// Those of the project with field:value, by commas, as `berth ops ls` takes them
    #[arg(short, long)]
    pub query: Option<String>,
    /// How
    #[command(flatten)]
    pub manner: Manner,
}

/// Dead letters: one, or all that a query names.
#[derive(Debug, Args)]
pub struct Letters {
    /// One, by its UUID
    #[arg(conflicts_with_all = ["query", "all"], required_unless_present_any = ["query", "all"])]
    pub uuid: Option<String>,
    /// Those with: reason, agent, queue, run or `last_at`, as in reason:poison,queue:eu/gpu
    #[arg(short, long)]
    pub query: Option<String>,
    /// All of them
    #[arg(long, conflicts_with = "query")]
    pub all: bool,
    /// How
    #[command(flatten)]
    pub manner: Manner,
}

/// What `berth queues dead` can do.
#[derive(Debug, Subcommand)]
pub enum DeadAction {
    /// List dead letters, the latest first
    Ls {
        /// Those with: reason, agent, queue, run or `last_at`, as in reason:poison,queue:eu/gpu
        #[arg(short, long)]
        query: Option<String>,
        /// How many
        #[arg(short, long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Count them by reason instead
        #[arg(long)]
        reasons: bool,
    },
    /// Show a dead letter, with the message as it was
    Get {
        /// Its UUID
        uuid: String,
    },
    /// Let runs start again, and send messages where they were read
    Replay(Letters),
    /// Forget dead letters; a run stays as it ended
    Drop(Letters),
}
