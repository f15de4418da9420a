//! What runs: a job or a service with its containers, typed where Berth uses it; the rest is kept as Kubernetes has
//! it.
//!
//! Names are those of Polyaxon (`V1Job`, `V1Service`, `V1Environment`, `V1Init`) and of Kubernetes `core/v1`. Every
//! struct writes back what it has read: nothing is lost on the way to the agent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::quantity::Quantity;

/// Which runtime it is, with what only that one has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuntimeKind {
    /// Containers that run to their end.
    #[default]
    Job,
    /// Containers that serve until they are stopped, are idle for too long, or fail.
    Service(Service),
}

/// How a service is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// The ports that its main container listens on, without doubles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Whether a proxy takes its own prefix off the paths that it passes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite_path: Option<bool>,
    /// Whether a proxy leaves signing in to the service itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_external: Option<bool>,
    /// How many pods serve; 1, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
}

/// What runs: one of a closed set of runtimes, and the pod that all of them have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Runtime {
    /// Which runtime it is.
    #[serde(flatten)]
    pub kind: RuntimeKind,
    /// Where and as whom its pod runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Names of connections that it uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<String>,
    /// Volumes of its pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// What is fetched or done before it begins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<Init>,
    /// Containers beside the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<Container>,
    /// The main container.
    pub container: Container,
}

/// Where and as whom a pod runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Environment {
    /// Labels of the pod.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pod, `berth.dev/...` among them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Kubernetes affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Value>,
    /// Taints that it bears.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// The one node that it may run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// Whose rights the pod has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Entries for the hosts file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<Value>,
    /// The pod's security context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Value>,
    /// Names of secrets for registries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<String>,
    /// Whether it shares the node's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,
    /// Whether it sees the node's processes.
    #[serde(rename = "hostPID", skip_serializing_if = "Option::is_none")]
    pub host_pid: Option<bool>,
    /// How names are resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,
    /// Details of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<Value>,
    /// The Kubernetes scheduler that places it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// The Kubernetes runtime class that its containers run under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// Its Kubernetes priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Its Kubernetes priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Whether Kubernetes restarts its containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
}

/// A taint that a pod bears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// Key of the taint; all, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Value of the taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Effect of the taint; all, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// For how long, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// A volume of a pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its source, as Kubernetes has it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// When the image is pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// Takes the place of the image's entry point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Takes the place of the image's command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Its environment; of equal names the last holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Secrets and config maps that fill its environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFrom>,
    /// Ports that it serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ContainerPort>,
    /// What it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Where its volumes are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// What else Kubernetes knows of it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A variable of the environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where its value is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<EnvVarSource>,
}

/// Where the value of a variable is found; the value itself never leaves the agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVarSource {
    /// A key of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyRef>,
    /// A key of a config map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeyRef>,
    /// A field of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<Value>,
    /// A resource of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_field_ref: Option<Value>,
}

/// A key of a secret or a config map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyRef {
    /// Its name.
    pub name: String,
    /// The key.
    pub key: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// A secret or config map that fills an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvFrom {
    /// Put before every name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<NameRef>,
    /// A config map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<NameRef>,
}

/// A secret or a config map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NameRef {
    /// Its name.
    pub name: String,
    /// Whether it may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// A port that a container serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its number.
    pub container_port: u16,
    /// Its number on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// The address on the node.
    #[serde(rename = "hostIP", skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// TCP, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// What a container needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceRequirements {
    /// What it is promised.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
    /// What it may use at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
    /// Kubernetes resource claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Value>,
}

/// Where a volume is in a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount {
    /// The volume.
    pub name: String,
    /// Where it is.
    pub mount_path: String,
    /// Which part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    /// Whether it can only be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// What else Kubernetes knows of it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What is fetched or done before a run begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Init {
    /// Files and folders of an artifacts store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Value>,
    /// Paths of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Value>,
    /// A repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Value>,
    /// A Dockerfile that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<Value>,
    /// A file that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Value>,
    /// Logs for `TensorBoard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensorboard: Option<Value>,
    /// An artifact of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage_ref: Option<String>,
    /// A version of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_ref: Option<String>,
    /// A version of an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_ref: Option<String>,
    /// The connection that it is fetched over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Where it is put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The container that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

impl RuntimeKind {
    /// Its name: the run's kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Service(_) => "service",
        }
    }
}

impl Runtime {
    /// What makes it a service, if it is one.
    #[must_use]
    pub const fn service(&self) -> Option<&Service> {
        match &self.kind {
            RuntimeKind::Job => None,
            RuntimeKind::Service(service) => Some(service),
        }
    }

    /// The containers that run at the same time: the main one first.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        std::iter::once(&self.container).chain(&self.sidecars)
    }

    /// The connections that it names, each once.
    #[must_use]
    pub fn connection_names(&self) -> BTreeSet<&str> {
        let init = self.init.iter().filter_map(|init| init.connection.as_ref());
        self.connections.iter().chain(init).map(String::as_str).collect()
    }

    /// The annotations of its environment.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment
            .iter()
            .flat_map(|env| &env.annotations)
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The labels of its environment.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.environment.as_ref().map_or(&NONE, |environment| &environment.labels)
    }

    /// Every secret that it refers to.
    pub(super) fn secret_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let init = self.init.iter().filter_map(|init| init.container.as_ref());
        for container in self.containers().chain(init) {
            for var in &container.env {
                names.extend(
                    var.value_from
                        .as_ref()
                        .and_then(|from| from.secret_key_ref.as_ref())
                        .map(|key| key.name.clone()),
                );
            }
            names.extend(
                container.env_from.iter().filter_map(|from| Some(from.secret_ref.as_ref()?.name.clone())),
            );
        }
        for volume in &self.volumes {
            let named =
                |source: &str, field: &str| volume.rest.get(source)?.get(field)?.as_str().map(str::to_owned);
            names.extend(named("secret", "secretName"));
            let projected = volume.rest.get("projected").and_then(|source| source.get("sources"));
            names.extend(
                projected
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|source| source.get("secret")?.get("name")?.as_str().map(str::to_owned)),
            );
        }
        if let Some(environment) = &self.environment {
            names.extend(environment.image_pull_secrets.iter().cloned());
        }
        names
    }
}
