//! Arguments about where runs go: of projects, and `berth organization`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Limits;

/// Where a project's runs go, and what they may use.
#[derive(Debug, Args)]
pub struct ProjectPlaces {
    /// The queue of runs that name none; `none` for the organization's
    #[arg(long, value_name = "QUEUE")]
    pub default_queue: Option<String>,
    /// The only queues that runs may use, by commas; `none` for all
    #[arg(long, value_name = "AGENT/QUEUE,...", value_delimiter = ',')]
    pub queues: Option<Vec<String>>,
    /// The only agents that runs may use, by commas; `none` for all
    #[arg(long, value_name = "AGENT,...", value_delimiter = ',')]
    pub agents: Option<Vec<String>>,
    /// The only namespaces that runs may use, by commas; each run must name one then; `none` for all
    #[arg(long, value_name = "NAMESPACE,...", value_delimiter = ',')]
    pub namespaces: Option<Vec<String>>,
}

impl ProjectPlaces {
    /// The fields of a request's body.
    pub fn fields(self) -> Map<String, Value> {
        let lists = [("queues", self.queues), ("agents", self.agents), ("namespaces", self.namespaces)];
        let mut body = Map::new();
        body.extend(self.default_queue.map(|queue| ("default_queue".to_owned(), or_null(queue))));
        for (field, list) in lists {
            body.extend(list.map(|list| (field.to_owned(), json!(or_empty(list)))));
        }
        body
    }
}

/// `none` is none.
fn or_null(text: String) -> Value {
    if text == "none" { Value::Null } else { Value::String(text) }
}

fn or_empty(list: Vec<String>) -> Vec<String> {
    if list == ["none"] { Vec::new() } else { list }
}

/// What `berth organization` can do.
#[derive(Debug, Subcommand)]
pub enum OrganizationAction {
    /// Show where runs go that name no queue, and what of all runs is limited
    Get,
    /// Change where runs go that name no queue, and what of all runs is limited
    Update {
        /// Where they go
        #[command(flatten)]
        places: OrganizationPlaces,
        /// What is limited
        #[command(flatten)]
        limits: Limits,
    },
}

/// Where an organization's runs go that name no queue.
#[derive(Debug, Args)]
pub struct OrganizationPlaces {
    /// The queue of runs that nothing else is said of; `none` for the default agent's
    #[arg(long, value_name = "QUEUE")]
    pub default_queue: Option<String>,
    /// A file with routing rules, `-` for the standard input, that replaces all that were set; `none` for none
    #[arg(long, value_name = "FILE")]
    pub routes: Option<String>,
}

impl OrganizationPlaces {
    /// The default queue, as a field of a request's body.
    pub fn default_field(&self) -> Option<(String, Value)> {
        self.default_queue.clone().map(|queue| ("default_queue".to_owned(), or_null(queue)))
    }
}
