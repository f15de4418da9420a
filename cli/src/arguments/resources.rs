//! The arguments of `berth queues`, `agents`, `projects` and `tokens`. What they do is `command`'s.

use clap::{Args, Subcommand};

/// What `berth queues` can do. A queue is written AGENT/QUEUE, or QUEUE on the default agent.
#[derive(Debug, Subcommand)]
pub enum QueuesAction {
    /// List queues
    Ls {
        /// Of this agent only
        #[arg(long)]
        agent: Option<String>,
    },
    /// Show a queue
    Get(OneQueue),
    /// Make a queue
    Create {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// What it is like
        #[command(flatten)]
        limits: QueueLimits,
    },
    /// Change a queue
    Update {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// What is to be different
        #[command(flatten)]
        limits: QueueLimits,
    },
    /// Start nothing more of a queue, until it is resumed
    Pause {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// Why; shown to whoever waits
        #[arg(long)]
        reason: Option<String>,
    },
    /// Start runs of a paused queue again
    Resume(OneQueue),
    /// Delete a queue that has no runs left to start
    Delete(OneQueue),
}

/// One queue.
#[derive(Debug, Args)]
pub struct OneQueue {
    /// AGENT/QUEUE, or QUEUE on the default agent
    #[arg(value_parser = queue)]
    pub queue: berth_domain::name::QueueRef,
}

/// What can be said of a queue.
#[derive(Debug, Args)]
pub struct QueueLimits {
    /// Which queue of an agent goes first: larger first
    #[arg(long, allow_negative_numbers = true)]
    pub priority: Option<i32>,
    /// How many runs are alive at a time at most; `none` for no limit
    #[arg(long, value_name = "COUNT", value_parser = concurrency)]
    pub concurrency: Option<Concurrency>,
    /// What happens to its runs when its agent is lost, if they don't say
    #[arg(long, value_parser = ["wait", "replace"])]
    pub on_agent_loss: Option<String>,
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
    /// Tags, by commas
    #[arg(long, value_delimiter = ',')]
    pub tags: Option<Vec<String>>,
    /// A file with a patch that is laid under the operation of every run, `-` for the standard input; `none` for none
    #[arg(long, value_name = "FILE")]
    pub defaults: Option<String>,
}

/// A limit that may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency(pub Option<u32>);

/// What `berth agents` can do.
#[derive(Debug, Subcommand)]
pub enum AgentsAction {
    /// List agents
    Ls,
    /// Show an agent
    Get(OneName),
    /// Make an agent, with a queue `default`
    Create {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// How many runs are alive at a time at most; `none` for no limit
        #[arg(long, value_name = "COUNT", value_parser = concurrency)]
        concurrency: Option<Concurrency>,
        /// A label, for agent selectors; repeatable
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
        /// Queues that name no agent are this one's from now on
        #[arg(long)]
        default: bool,
        /// A file with a patch that is laid under the operation of every run, `-` for the standard input
        #[arg(long, value_name = "FILE")]
        defaults: Option<String>,
    },
    /// Change an agent
    Update {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// How many runs are alive at a time at most; `none` for no limit
        #[arg(long, value_name = "COUNT", value_parser = concurrency)]
        concurrency: Option<Concurrency>,
        /// A file with a patch that is laid under the operation of every run, `-` for the standard input; `none` for
        /// none
        #[arg(long, value_name = "FILE")]
        defaults: Option<String>,
    },
    /// Start nothing more at an agent; with --off, start again
    Cordon {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// Start again
        #[arg(long)]
        off: bool,
    },
    /// Delete an agent and its queues
    Delete(OneName),
}

/// What `berth presets` can do.
#[derive(Debug, Subcommand)]
pub enum PresetsAction {
    /// List saved presets
    Ls,
    /// Show a preset
    Get(OnePreset),
    /// Save a preset
    Create {
        /// Which
        #[command(flatten)]
        preset: OnePreset,
        /// The file with the preset, `-` for the standard input
        #[arg(short, long, value_name = "FILE")]
        file: String,
        /// What can be said of it
        #[command(flatten)]
        about: AboutProject,
    },
    /// Change a preset; runs that were submitted keep what it said
    Update {
        /// Which
        #[command(flatten)]
        preset: OnePreset,
        /// The file with the preset, `-` for the standard input
        #[arg(short, long, value_name = "FILE")]
        file: Option<String>,
        /// What is to be different
        #[command(flatten)]
        about: AboutProject,
    },
    /// Delete a preset; runs that were submitted keep what it said
    Delete(OnePreset),
}

/// One preset.
#[derive(Debug, Args)]
pub struct OnePreset {
    /// Its name: letters, digits, `-` and `_`
    pub name: String,
}

/// A name in `[a-z0-9]([-a-z0-9]*[a-z0-9])?`.
#[derive(Debug, Args)]
pub struct OneName {
    /// Its name
    #[arg(value_parser = slug)]
    pub name: String,
}

/// What `berth projects` can do.
#[derive(Debug, Subcommand)]
pub enum ProjectsAction {
    /// List projects
    Ls {
        /// How many
        #[arg(short, long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// After how many
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show a project
    Get(OneProject),
    /// Make a project
    Create {
        /// Which
        #[command(flatten)]
        project: OneProject,
        /// What can be said of it
        #[command(flatten)]
        about: AboutProject,
    },
    /// Change a project
    Update {
        /// Which
        #[command(flatten)]
        project: OneProject,
        /// Another name
        #[arg(long = "name", value_name = "NAME", id = "new_name")]
        new_name: Option<String>,
        /// What is to be different
        #[command(flatten)]
        about: AboutProject,
    },
    /// Delete a project and its runs
    Delete(OneProject),
}

/// One project; its name may have any letters but `/`, `?` and `#`.
#[derive(Debug, Args)]
pub struct OneProject {
    /// Its name
    pub name: String,
}

/// What can be said of a project.
#[derive(Debug, Args)]
pub struct AboutProject {
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
    /// Tags, by commas
    #[arg(long, value_delimiter = ',')]
    pub tags: Option<Vec<String>>,
}

/// What `berth tokens` can do.
#[derive(Debug, Subcommand)]
pub enum TokensAction {
    /// List access tokens; their keys are not kept
    Ls,
    /// Make an access token and print its key, this once
    Create {
        /// What it is called
        name: String,
        /// What it may do, by commas; all that you may, if not given
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// After how many days it expires; never, if not given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_days: Option<u32>,
    },
    /// Make an access token void
    Revoke {
        /// Its UUID
        uuid: String,
    },
}

fn queue(text: &str) -> Result<berth_domain::name::QueueRef, String> {
    text.parse().map_err(|error: berth_domain::name::InvalidName| error.to_string())
}

fn slug(text: &str) -> Result<String, String> {
    text.parse::<berth_domain::name::Slug>().map(|slug| slug.to_string()).map_err(|error| error.to_string())
}

fn label(text: &str) -> Result<(String, String), String> {
    berth_domain::labels::parse(text).map_err(|error| error.to_string())
}

fn concurrency(text: &str) -> Result<Concurrency, String> {
    if text == "none" {
        return Ok(Concurrency(None));
    }
    let count = text.parse().map_err(|_| "use a whole number, or none".to_owned())?;
    Ok(Concurrency(Some(count)))
}
