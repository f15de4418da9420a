//! What an agent's runs may reach, by name: Polyaxon's connections, read from the agent's own file.
//!
//! They never leave the agent: the control plane is told names and kinds. What a connection means for a pod is the
//! Kubernetes executor's.

mod written;

pub(crate) use written::octal;

use std::collections::BTreeMap;

use berth_domain::reported::{ConnectionName, listed};
use serde::Serialize;
use serde_json::Value;

/// What operations may name, and where artifacts go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connections {
    artifacts_store: Option<String>,
    by_name: BTreeMap<String, Connection>,
}

/// Something outside of a run that it may reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The name by which operations ask for it.
    pub name: String,
    /// What it leads to, in Polyaxon's words.
    pub kind: String,
    /// What it leads to, as far as that means something here.
    pub reach: Reach,
    /// The secret that opens it.
    pub secret: Option<Resource>,
    /// The config map that tells of it.
    pub config_map: Option<Resource>,
    /// Variables that come with it.
    pub env: Vec<(String, String)>,
    /// Annotations of the pods that use it.
    pub annotations: BTreeMap<String, String>,
    /// It, as Polyaxon's client finds it among the variables of a container.
    pub catalog_entry: Value,
}

/// What a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// A bucket, or a folder in it, by URL.
    Bucket(String),
    /// A volume that a container mounts.
    Volume(Volume),
    /// A repository.
    Git {
        /// Where it is, if the connection says so.
        url: Option<String>,
        /// A branch, a tag or a commit.
        revision: Option<String>,
        /// Flags of git for its clone.
        flags: Vec<String>,
    },
    /// Where images are pulled from.
    Registry,
    /// Whatever the run itself does with it.
    Other,
}

/// A volume, and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What it is.
    pub source: VolumeSource,
    /// Where containers find it.
    pub mount_path: String,
    /// Whether it can only be read.
    pub read_only: bool,
}

/// What a volume is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeSource {
    /// A persistent volume claim, by name.
    Claim(String),
    /// A folder of the node.
    HostPath(String),
}

/// A secret or a config map of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// Its name in the namespace of the run.
    pub name: String,
    /// Where it is mounted; if not given, it becomes variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// The keys that are taken of it; all, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// The mode of mounted files, in octal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<String>,
}

/// The file with connections can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It isn't YAML of the form that it should have, in the parser's words with line and column.
    #[error("{0}")]
    Form(String),
    /// A connection can't be used.
    #[error("connection `{name}`: {problem}")]
    Connection {
        /// Its name.
        name: String,
        /// The field, what was found, and what is allowed.
        problem: String,
    },
    /// Two of one name.
    #[error("connection `{0}`: the name is taken by another one in the file")]
    Twice(String),
    /// More than the control plane takes.
    #[error("{0} connections; allowed are {max} at most", max = berth_domain::reported::MAX_CONNECTIONS)]
    TooMany(usize),
}

impl Connections {
    /// Reads the YAML of Polyaxon's agents: `artifactsStore`, a connection, and `connections`, a list of them.
    ///
    /// # Errors
    /// If it is not of that form, or a connection lacks what its kind needs.
    pub fn read(text: &str) -> Result<Self, Invalid> {
        written::read(text)
    }

    /// The connection of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Connection> {
        self.by_name.get(name)
    }

    /// Where the artifacts of runs are collected.
    #[must_use]
    pub fn artifacts_store(&self) -> Option<&Connection> {
        self.artifacts_store.as_deref().and_then(|name| self.get(name))
    }

    /// What the control plane is told.
    #[must_use]
    pub fn told(&self) -> Vec<ConnectionName> {
        let told = |one: &Connection| ConnectionName { name: one.name.clone(), kind: one.kind.clone() };
        self.by_name.values().map(told).collect()
    }

    /// Their names, as a sentence has them.
    #[must_use]
    pub fn names(&self) -> String {
        listed(self.by_name.keys().map(String::as_str))
    }
}
