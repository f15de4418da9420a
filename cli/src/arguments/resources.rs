//! The arguments of `berth queues`, `agents`, `projects` and `tokens`. What they do is `command`'s.

use std::collections::BTreeMap;

use berth_domain::quantity::Quantity;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::routing::ProjectPlaces;

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
        /// Why, and for how long
        #[command(flatten)]
        hold: super::Hold,
    },
    /// Start nothing more of a queue, and let no new run in either, until it is resumed
    Drain {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// Why, and for how long
        #[command(flatten)]
        hold: super::Hold,
    },
    /// Start runs of a paused or drained queue again
    Resume(OneQueue),
    /// Delete a queue that has no runs left to start
    Delete(OneQueue),
    /// Stop what waits in a queue
    Purge {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// Only those with field:value, by commas, as `berth ops ls` takes them
        #[arg(short, long)]
        query: Option<String>,
        /// How
        #[command(flatten)]
        manner: super::Manner,
    },
    /// Let what waits in a queue, wait in another
    Move {
        /// Which
        #[command(flatten)]
        queue: OneQueue,
        /// The other: AGENT/QUEUE, or QUEUE on the default agent
        #[arg(value_parser = queue)]
        to: berth_domain::name::QueueRef,
        /// Only those with field:value, by commas, as `berth ops ls` takes them
        #[arg(short, long)]
        query: Option<String>,
        /// How
        #[command(flatten)]
        manner: super::Manner,
    },
    /// Look at what was set aside: runs that never start, and messages that nobody can read
    Dead {
        /// What to do
        #[command(subcommand)]
        action: super::DeadAction,
    },
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
    /// What of its runs is limited
    #[command(flatten)]
    pub limits: Limits,
    /// Between whom its starts are shared: none, project, user or label:KEY
    #[arg(long, value_name = "WHOM")]
    pub fairness: Option<String>,
    /// How much more than others a project, user or label's value gets of it; repeatable, replaces all that were set
    #[arg(long = "weight", value_name = "NAME=1..1000", value_parser = weight)]
    pub weights: Vec<(String, u32)>,
    /// Seconds that a run waits for a quota before what it needs is kept for it; 0 keeps nothing
    #[arg(long, value_name = "SECONDS")]
    pub reserve_after: Option<u32>,
    /// How many runs may wait; `none` for any number
    #[arg(long, value_name = "COUNT", value_parser = concurrency)]
    pub max_backlog: Option<Concurrency>,
    /// Seconds that a run with other queues waits in this one before it goes to one that has room; 0 for ever
    #[arg(long, value_name = "SECONDS")]
    pub overflow_after: Option<u32>,
    /// Whether its waiting runs may have running ones of lower priority end, which then wait again
    #[arg(long, value_parser = ["never", "lower_priority"])]
    pub preemption: Option<String>,
    /// What happens to its runs when its agent is lost, if they don't say
    #[arg(long, value_parser = ["wait", "replace"])]
    pub on_agent_loss: Option<String>,
    /// Who serves it: its agent, or stock Celery workers, which start runs at least once
    #[arg(long, value_parser = ["berth", "celery"])]
    pub protocol: Option<String>,
    /// Seconds that the answer of Celery workers is waited for
    #[arg(long, value_name = "SECONDS")]
    pub answer_within: Option<u64>,
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

/// What can be limited of a queue, an agent or a project.
#[derive(Debug, Args)]
pub struct Limits {
    /// How many runs are alive at a time at most; `none` for no limit
    #[arg(long, value_name = "COUNT", value_parser = concurrency)]
    pub concurrency: Option<Concurrency>,
    /// How much of a resource they have at a time at most, such as gpu=8; repeatable, replaces all that were set; `none`
    /// for no quota
    #[arg(long = "quota", value_name = "RESOURCE=AMOUNT", value_parser = quota)]
    pub quotas: Vec<Option<(String, String)>>,
    /// How many start per period at most, such as 30/m; `none` for no limit
    #[arg(long, value_name = "STARTS/PERIOD")]
    pub rate: Option<String>,
}

impl Limits {
    /// The fields of a request's body.
    pub fn fields(self) -> Map<String, Value> {
        let mut body = Map::new();
        body.extend(self.concurrency.map(|limit| ("concurrency".to_owned(), json!(limit.0))));
        if !self.quotas.is_empty() {
            let quotas: BTreeMap<String, String> = self.quotas.into_iter().flatten().collect();
            body.insert("quotas".to_owned(), json!(quotas));
        }
        let rate = self.rate.map(|rate| if rate == "none" { Value::Null } else { json!(rate) });
        body.extend(rate.map(|rate| ("rate".to_owned(), rate)));
        body
    }
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
    /// Make an agent, with a queue `default`, and credentials, which are printed once
    Create {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// What of its runs is limited
        #[command(flatten)]
        limits: Limits,
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
        /// What of its runs is limited
        #[command(flatten)]
        limits: Limits,
        /// A label, for agent selectors; repeatable, replaces all that were set; `none`
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label_or_none)]
        labels: Vec<Option<(String, String)>>,
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
        /// Start again; ends a drain, too
        #[arg(long, conflicts_with_all = ["reason", "until"])]
        off: bool,
        /// Why, and for how long
        #[command(flatten)]
        hold: super::Hold,
    },
    /// Start nothing more at an agent, and let no new run into its queues either, until `cordon --off`
    Drain {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// Why, and for how long
        #[command(flatten)]
        hold: super::Hold,
    },
    /// Make new credentials for an agent to come to the broker with, and print them, once; those before stay good
    Credentials {
        /// Which
        #[command(flatten)]
        agent: OneName,
        /// Take all but the newest away instead, with their connections
        #[arg(long)]
        retire: bool,
        /// List which are good instead
        #[arg(long, conflicts_with = "retire")]
        list: bool,
    },
    /// Delete an agent, its queues and its credentials
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
        /// What of its runs is limited
        #[command(flatten)]
        limits: Limits,
        /// Where its runs go
        #[command(flatten)]
        places: ProjectPlaces,
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
        /// What of its runs is limited
        #[command(flatten)]
        limits: Limits,
        /// Where its runs go
        #[command(flatten)]
        places: ProjectPlaces,
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

/// The same; nothing, of `none`.
fn label_or_none(text: &str) -> Result<Option<(String, String)>, String> {
    if text == "none" { Ok(None) } else { label(text).map(Some) }
}

/// `RESOURCE=AMOUNT`; nothing, of `none`.
fn quota(text: &str) -> Result<Option<(String, String)>, String> {
    if text == "none" {
        return Ok(None);
    }
    let pair = text.split_once('=').filter(|(resource, _)| !resource.is_empty());
    let (resource, amount) = pair.ok_or("use RESOURCE=AMOUNT, such as gpu=8, or none")?;
    let amount: Quantity = amount.parse().map_err(|error| format!("{error}"))?;
    Ok(Some((resource.to_owned(), amount.to_string())))
}

fn weight(text: &str) -> Result<(String, u32), String> {
    let (name, weight) = text.rsplit_once('=').ok_or("use NAME=WEIGHT, such as vision=3")?;
    let weight = weight.parse().ok().filter(|weight| (1..=1_000).contains(weight));
    Ok((name.to_owned(), weight.ok_or("a weight is a whole number from 1 to 1000")?))
}

fn concurrency(text: &str) -> Result<Concurrency, String> {
    if text == "none" {
        return Ok(Concurrency(None));
    }
    let count = text.parse().map_err(|_| "use a whole number, or none".to_owned())?;
    Ok(Concurrency(Some(count)))
}
