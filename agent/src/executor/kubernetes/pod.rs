//! What a compiled operation means for Kubernetes: one pod, executed once, and what a service has beside it. And what
//! of it can't be honoured, by name.
//!
//! The pod is JSON, not typed: what people wrote reaches the API server as they wrote it, and the server says in its
//! own words what it doesn't know. Containers are `container`'s. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::compile::{CompiledOperation, Environment};
use berth_domain::name::{DEFAULT, Slug};
use berth_domain::time::Time;
use serde_json::{Map, Value, json};

use super::super::environment::own_environment;
use super::super::{Order, Refusal};
use super::connection;
use super::container::{self, Containers};
use super::{names, service, transfer};
use crate::connections::Connections;

/// How long what a run has left may take to be collected. Too short, and large outputs are lost; too long, and a pod
/// whose main container doesn't heed SIGTERM keeps its node from being drained.
const COLLECTING: Duration = Duration::from_secs(60);

/// What the executor adds to every operation.
pub(super) struct Defaults<'a> {
    /// The namespaces that the agent serves; the first holds where none is named.
    pub(super) namespaces: &'a [String],
    /// Between being asked to end and being killed.
    pub(super) grace: Duration,
    /// How long a pod stays after its end was taken in, where the operation doesn't say.
    pub(super) keep: Duration,
    /// The image of containers of our own, if there is one.
    pub(super) helper: Option<&'a str>,
    /// What runs may name.
    pub(super) connections: &'a Connections,
    /// The features that it has.
    pub(super) features: &'a [String],
}

/// A pod that is to be created.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// Where.
    pub(super) namespace: String,
    /// The pod, without what is only known when it is created: see [`Plan::until`].
    pub(super) pod: Value,
    /// What belongs to a service beside it.
    pub(super) set: Option<service::Set>,
}

impl Plan {
    /// The pod, with the moment until which a create of it can still come.
    pub(super) fn until(mut self, claim_over: Time) -> Self {
        self.pod["metadata"]["annotations"][names::CLAIM_OVER] = json!(claim_over);
        self
    }
}

/// Says that a field can't be honoured.
pub(super) fn unsupported(field: &str, why: &str) -> Refusal {
    Refusal { reason: "Unsupported", message: format!("`{field}` {why}") }
}

/// The pod of `order`.
///
/// # Errors
/// If the operation asks for what can't be honoured, by name.
pub(super) fn plan(order: &Order, defaults: &Defaults<'_>) -> Result<Plan, Refusal> {
    order.needs_no_more_than(defaults.features)?;
    let operation: CompiledOperation = serde_json::from_str(&order.operation).map_err(|error| Refusal {
        reason: "InvalidOperation",
        message: format!("the compiled operation can't be read: {error}"),
    })?;
    refuse_by_name(&operation)?;
    let namespace = namespace(&operation, defaults.namespaces)?;
    let environment = operation.run.environment.clone().unwrap_or_default();
    let uuid = order.attempt.run.to_string();
    let mut own = own_environment(order, operation.name.as_deref());
    own.push((transfer::OUTPUTS_VARIABLE, transfer::outputs(&uuid)));
    let mut containers = container::containers(
        &operation.run,
        &uuid,
        defaults.connections,
        defaults.helper,
        collects(&operation),
        &own,
        has_shm(&operation),
    )?;
    if let Some(service) = operation.run.service() {
        service::serve(&mut containers.main, service);
    }
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": names::pod_name(order.attempt),
            "namespace": namespace,
            "labels": labels(order, &operation, &environment)?,
            "annotations": annotations(order, &operation, &environment, &containers, defaults.keep),
            "finalizers": [names::FINALIZER],
        },
        "spec": null,
    });
    pod["spec"] = spec(&operation, &environment, defaults.grace, containers);
    let set = operation.run.service().map(|service| service::set(&operation, service, &mut pod));
    Ok(Plan { namespace, pod, set })
}

fn refuse_by_name(operation: &CompiledOperation) -> Result<(), Refusal> {
    const LATER: &str = "is not supported by this release of the kubernetes executor; remove it";
    const REFERENCE: &str = "is not supported: there is neither lineage nor a registry of models; `artifacts` fetches \
                             what a run left, by the run's id";
    let run = &operation.run;
    for (index, init) in run.init.iter().enumerate() {
        transfer::asks_for_one_thing(init, index)?;
        let fields = [
            ("tensorboard", init.tensorboard.is_some()),
            ("lineageRef", init.lineage_ref.is_some()),
            ("modelRef", init.model_ref.is_some()),
            ("artifactRef", init.artifact_ref.is_some()),
        ];
        if let Some((field, _)) = fields.iter().find(|(_, given)| *given) {
            return Err(unsupported(&format!("run.init[{index}].{field}"), REFERENCE));
        }
    }
    let policy = run.environment.as_ref().and_then(|environment| environment.restart_policy.as_deref());
    if let Some(policy) = policy.filter(|policy| *policy != "Never") {
        let why = format!(
            "is `{policy}`; an attempt's pod is executed once, so that it may only be Never: \
             `termination.maxRetries` says how often a failure is tried again"
        );
        return Err(unsupported("run.environment.restartPolicy", &why));
    }
    for plugin in ["docker", "tmux", "sandbox", "ssh"] {
        if plugin_of(operation, plugin) == Some(true) {
            return Err(unsupported(&format!("plugins.{plugin}"), LATER));
        }
    }
    Ok(())
}

fn plugin_of(operation: &CompiledOperation, name: &str) -> Option<bool> {
    operation.plugins.as_ref()?.get(name)?.as_bool()
}

/// Whether what it leaves is collected: as in Polyaxon, unless one says no. Not what several pods leave, which would
/// write over each other's.
fn collects(operation: &CompiledOperation) -> bool {
    let pods = operation.run.service().and_then(|service| service.replicas).unwrap_or(1);
    pods == 1 && plugin_of(operation, "collectArtifacts").unwrap_or(true)
}

/// Whether `/dev/shm` is as large as the memory, as it is in Polyaxon unless one says no.
fn has_shm(operation: &CompiledOperation) -> bool {
    plugin_of(operation, "shm").unwrap_or(true)
}

fn namespace(operation: &CompiledOperation, served: &[String]) -> Result<String, Refusal> {
    // `default` is what is said where nothing is said: the agent's own, unless it serves one of that name.
    let is_own = |name: &&str| name.is_empty() || *name == DEFAULT && !served.iter().any(|one| one == name);
    let wanted = operation.namespace.as_deref().filter(|name| !is_own(name));
    match wanted.or_else(|| served.first().map(String::as_str)) {
        Some(name) if served.iter().any(|one| one == name) => Ok(name.to_owned()),
        Some(name) => Err(Refusal {
            reason: "NamespaceNotServed",
            message: format!("`namespace` is `{name}`; this agent serves: {}", served.join(", ")),
        }),
        None => Err(unsupported("namespace", "is not given, and this agent serves none")),
    }
}

fn labels(
    order: &Order,
    operation: &CompiledOperation,
    environment: &Environment,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut labels = environment.labels.clone();
    if let Some(taken) = labels.keys().find(|key| key.starts_with(names::PREFIX)) {
        let why =
            format!("is one of Berth's own; allowed are labels that don't begin with `{}`", names::PREFIX);
        return Err(unsupported(&format!("run.environment.labels.{taken}"), &why));
    }
    let slug = |text: &str| Slug::standing_for(text).to_string();
    let run = order.attempt.run.to_string();
    let name = operation.name.as_deref().filter(|name| !name.is_empty());
    let own = [
        ("app.kubernetes.io/name", slug(name.unwrap_or("run"))),
        ("app.kubernetes.io/instance", run.clone()),
        ("app.kubernetes.io/part-of", slug(&order.project)),
        (names::COMPONENT, operation.run.kind.as_str().to_owned()),
        (names::MANAGED_BY, names::BERTH.to_owned()),
        (names::RUN, run),
        (names::ATTEMPT, order.attempt.attempt.to_string()),
        (names::AGENT, order.agent.clone()),
        (names::QUEUE, slug(&order.queue)),
        (names::PROJECT, slug(&order.project)),
    ];
    let replace = order.replace.then(|| (names::REPLACE, "true".to_owned()));
    labels.extend(own.into_iter().chain(replace).map(|(key, value)| (key.to_owned(), value)));
    Ok(labels)
}

/// The operation's annotations, without those that spoke to Berth, and Berth's own.
fn annotations(
    order: &Order,
    operation: &CompiledOperation,
    environment: &Environment,
    containers: &Containers,
    keep: Duration,
) -> BTreeMap<String, String> {
    let mut annotations = containers.annotations.clone();
    annotations.extend(environment.annotations.clone());
    annotations.retain(|key, _| !key.starts_with(names::PREFIX));
    let ttl = operation.termination.as_ref().and_then(|termination| termination.ttl);
    let own = [
        (names::REPLICA, order.replica.clone()),
        (names::SPEC_HASH, order.spec_hash.clone()),
        (names::KEEP, ttl.unwrap_or(keep.as_secs()).to_string()),
    ];
    let trace = order.trace.as_ref().map(|trace| (names::TRACE, trace.kept.to_string()));
    annotations.extend(own.into_iter().chain(trace).map(|(key, value)| (key.to_owned(), value)));
    annotations
}

fn spec(
    operation: &CompiledOperation,
    environment: &Environment,
    grace: Duration,
    containers: Containers,
) -> Value {
    let grace = end_grace(&containers, grace);
    let mut volumes: Vec<Value> = operation.run.volumes.iter().map(|volume| json!(volume)).collect();
    if has_shm(operation) {
        volumes.push(container::shm_volume());
    }
    connection::add_volumes(&mut volumes, &containers.volumes);
    let own = &environment.image_pull_secrets;
    let more = containers.pull_secrets.iter().filter(|name| !own.contains(name));
    let pull_secrets: Vec<Value> = own.iter().chain(more).map(|name| json!({ "name": name })).collect();
    let timeout = operation.termination.as_ref().and_then(|termination| termination.timeout);
    let fields = [
        ("containers", Value::Array(vec![containers.main])),
        ("initContainers", Value::Array(containers.init)),
        ("volumes", Value::Array(volumes)),
        ("restartPolicy", json!("Never")),
        ("terminationGracePeriodSeconds", json!(grace.as_secs())),
        ("activeDeadlineSeconds", json!(timeout)),
        ("enableServiceLinks", json!(false)),
        // Who needs rights on the cluster names the account that has them.
        ("automountServiceAccountToken", json!(environment.service_account_name.is_none().then_some(false))),
        ("serviceAccountName", json!(environment.service_account_name)),
        ("nodeSelector", json!(environment.node_selector)),
        ("affinity", json!(environment.affinity)),
        ("tolerations", json!(environment.tolerations)),
        ("nodeName", json!(environment.node_name)),
        ("hostAliases", json!(environment.host_aliases)),
        ("securityContext", json!(environment.security_context)),
        ("imagePullSecrets", Value::Array(pull_secrets)),
        ("hostNetwork", json!(environment.host_network)),
        ("hostPID", json!(environment.host_pid)),
        ("dnsPolicy", json!(environment.dns_policy)),
        ("dnsConfig", json!(environment.dns_config)),
        ("schedulerName", json!(environment.scheduler_name)),
        ("runtimeClassName", json!(environment.runtime_class_name)),
        ("priorityClassName", json!(environment.priority_class_name)),
        ("priority", json!(environment.priority)),
    ];
    let given = fields.into_iter().filter(|(_, value)| !is_empty(value));
    Value::Object(given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// How long Kubernetes waits for what is left when the main container is over, where nobody says otherwise.
fn end_grace(containers: &Containers, grace: Duration) -> Duration {
    let collects = containers.init.iter().any(|container| container["name"] == transfer::COLLECTOR);
    if collects { grace.max(COLLECTING) } else { grace }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
