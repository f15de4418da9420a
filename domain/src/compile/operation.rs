//! The compiled operation: Polyaxon's `compiled_operation` in JSON, typed.
//!
//! It has no params, no component and no templates any more. The agent reads it back from the offer with serde.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::run::Runtime;
use crate::spec::Io;

/// The `kind` of a compiled operation's document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompiledKind {
    /// `compiled_operation`.
    #[default]
    #[serde(rename = "compiled_operation")]
    CompiledOperation,
}

/// An operation with nothing left open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompiledOperation {
    /// Always `compiled_operation`.
    pub kind: CompiledKind,
    /// Name of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Names of the saved presets that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<String>,
    /// The queue, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The namespace, if it isn't the agent's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Caching of results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Retries, time-out, time to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination: Option<Termination>,
    /// What runs beside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Map<String, Value>>,
    /// `false`: it waits for an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_approved: Option<bool>,
    /// What it costs, in the organization's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Files that the client uploads first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<Value>,
    /// Whether undeclared params were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_params: Option<bool>,
    /// Inputs, with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Io>,
    /// Outputs, with the values that params gave them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Io>,
    /// Params that only templates knew, with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<Io>,
    /// What runs.
    pub run: Runtime,
}

/// Caching of results.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cache {
    /// Whether a run always runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    /// How long a result is good for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Inputs and outputs that count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub io: Vec<String>,
    /// Sections of the run that count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<String>,
}

/// When and how a run ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Termination {
    /// How often a failure is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// How long its objects stay after its end, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// How long it may run, in seconds; never 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Ending of what is idle; kept, and without effect on jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culling: Option<Culling>,
    /// How idleness is seen; kept, and without effect on jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Kubernetes' own policy for failed pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_failure_policy: Option<Value>,
}

/// How an agent sees whether a service is in use; what the answers mean is [`crate::lifecycle::culling`]'s.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    /// Ask it over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// Run a command in its main container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecProbe>,
}

/// A `GET` to a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpProbe {
    /// The path; `/`, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port; the first of the service's, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A command in the main container of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecProbe {
    /// The command with its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// Ending of what is idle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Culling {
    /// After how long, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}
