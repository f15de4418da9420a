//! Lowering: the flat form, the root shortcuts and Berth's sugar become one `component.run`.
//!
//! Source of the shortcuts' order and meaning: `V1Polyaxonfile.apply_shortcuts` of Polyaxon 2.18. Documents come here
//! checked; what is malformed was refused before.

use serde_json::{Map, Value, json};

use super::error::SpecErrors;
use super::merge::{PatchStrategy, merge};
use super::schema::{SHORTCUTS, SUGAR};

/// The prefix of the annotations that carry Berth's own fields.
pub(crate) const ANNOTATION_PREFIX: &str = "berth.dev/";

/// Brings a checked document into the form of `Operation`.
pub(crate) fn normalize(
    document: &mut Map<String, Value>,
    root_is_component: bool,
    is_preset: bool,
) -> Result<(), SpecErrors> {
    document.remove("version");
    document.insert("kind".to_owned(), json!("operation"));
    if root_is_component {
        let mut component = std::mem::take(document);
        component.remove("isPreset");
        document.insert("kind".to_owned(), json!("operation"));
        if is_preset {
            document.insert("isPreset".to_owned(), json!(true));
        }
        document.insert("component".to_owned(), Value::Object(component));
    }
    let sugar = take_sugar(document);
    let mut shortcuts = take(document, SHORTCUTS.iter().map(|(name, _)| *name));
    lay_annotations(&mut shortcuts, sugar)?;

    let mut component = match document.remove("component") {
        Some(Value::Object(component)) => component,
        _ => take(document, ["inputs", "outputs", "run"].into_iter()),
    };
    component.remove("kind");
    component.remove("version");
    let own_sugar = take_sugar(&mut component);
    let mut own_shortcuts = take(&mut component, SHORTCUTS.iter().map(|(name, _)| *name));
    lay_annotations(&mut own_shortcuts, own_sugar)?;

    if is_preset && component.is_empty() && own_shortcuts.is_empty() {
        document.append(&mut shortcuts);
        return Ok(());
    }
    let mut run = match component.remove("run") {
        Some(Value::Object(run)) => run,
        // Ports alone make a service of what would be a job.
        _ if shortcuts.contains_key("ports") || own_shortcuts.contains_key("ports") => {
            Map::from_iter([("kind".to_owned(), json!("service"))])
        }
        _ => Map::from_iter([("kind".to_owned(), json!("job"))]),
    };
    apply_shortcuts(&mut run, &own_shortcuts, PatchStrategy::PostMerge);
    apply_shortcuts(&mut run, &shortcuts, strategy(document));
    component.insert("run".to_owned(), Value::Object(run));
    document.insert("component".to_owned(), Value::Object(component));
    Ok(())
}

fn strategy(document: &Map<String, Value>) -> PatchStrategy {
    document
        .get("patchStrategy")
        .and_then(|name| serde_json::from_value(name.clone()).ok())
        .unwrap_or_default()
}

fn take(document: &mut Map<String, Value>, names: impl Iterator<Item = &'static str>) -> Map<String, Value> {
    names.filter_map(|name| document.remove(name).map(|value| (name.to_owned(), value))).collect()
}

/// Takes the sugar out of a document, as annotations.
fn take_sugar(document: &mut Map<String, Value>) -> Map<String, Value> {
    let mut annotations = Map::new();
    for (name, _) in SUGAR {
        let Some(value) = document.remove(*name) else { continue };
        let key = match *name {
            "agentSelector" => "agent-selector",
            "onAgentLoss" => "on-agent-loss",
            same => same,
        };
        let text = match value {
            Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
            Value::Object(pairs) => {
                let mut pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={}", plain(v))).collect();
                pairs.sort();
                pairs.join(",")
            }
            other => plain(&other),
        };
        annotations.insert(format!("{ANNOTATION_PREFIX}{key}"), Value::String(text));
    }
    annotations
}

/// Adds annotations to the `environment` of shortcuts. Written out both ways, the root spelling wins.
fn lay_annotations(shortcuts: &mut Map<String, Value>, sugar: Map<String, Value>) -> Result<(), SpecErrors> {
    if sugar.is_empty() {
        return Ok(());
    }
    let patch = Map::from_iter([("annotations".to_owned(), Value::Object(sugar))]);
    match shortcuts.entry("environment").or_insert_with(|| json!({})) {
        Value::Object(environment) => {
            merge(environment, &patch, PatchStrategy::PostMerge);
            Ok(())
        }
        _ => Err(SpecErrors::one(
            "environment",
            "nothing can be laid over an environment that is a template; write its fields out",
        )),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Lays root shortcuts over a runtime.
pub(crate) fn apply_shortcuts(
    run: &mut Map<String, Value>,
    shortcuts: &Map<String, Value>,
    strategy: PatchStrategy,
) {
    let lay = |run: &mut Map<String, Value>, field: &str, value: Value| {
        merge(run, &Map::from_iter([(field.to_owned(), value)]), strategy);
    };
    if let Some(ports) = shortcuts.get("ports") {
        lay(run, "ports", ports.clone());
    }
    if let Some(container) = shortcuts.get("container") {
        lay(run, "container", container.clone());
    }
    if let Some(Value::Array(lines)) = shortcuts.get("cmd") {
        lay_command(run, lines, strategy);
    }
    if let Some(Value::Object(env)) = shortcuts.get("env") {
        lay_env(run, env, strategy);
    }
    if let Some(Value::Object(resources)) = shortcuts.get("resources") {
        lay(run, "container", json!({"resources": lower_resources(resources)}));
    }
    for field in ["environment", "init", "connections", "sidecars", "volumes"] {
        if let Some(value) = shortcuts.get(field) {
            lay(run, field, value.clone());
        }
    }
}

fn main_container(run: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    run.entry("container").or_insert_with(|| json!({})).as_object_mut()
}

/// One script that stops at the first command that fails. It takes the place of command and args together, so that
/// it never mixes with another argv.
fn lay_command(run: &mut Map<String, Value>, lines: &[Value], strategy: PatchStrategy) {
    let Some(container) = main_container(run) else { return };
    let weak = matches!(strategy, PatchStrategy::PreMerge | PatchStrategy::IsNull);
    if weak && (container.contains_key("command") || container.contains_key("args")) {
        return;
    }
    let script =
        std::iter::once("set -e".to_owned()).chain(lines.iter().map(plain)).collect::<Vec<_>>().join("\n");
    container.insert("command".to_owned(), json!(["/bin/sh", "-c"]));
    container.insert("args".to_owned(), json!([script]));
}

fn lay_env(run: &mut Map<String, Value>, env: &Map<String, Value>, strategy: PatchStrategy) {
    let Some(container) = main_container(run) else { return };
    let new: Vec<Value> = env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let old = match container.get("env") {
        Some(Value::Array(old)) => old.clone(),
        None => Vec::new(),
        // A template stays what it is.
        Some(_) => return,
    };
    let without = |list: &[Value], other: &[Value]| -> Vec<Value> {
        let taken = |entry: &Value| other.iter().any(|o| o.get("name") == entry.get("name"));
        list.iter().filter(|entry| !taken(entry)).cloned().collect()
    };
    let merged = match strategy {
        PatchStrategy::IsNull if !old.is_empty() => old,
        PatchStrategy::IsNull | PatchStrategy::Replace => new,
        PatchStrategy::PostMerge => [without(&old, &new), new].concat(),
        PatchStrategy::PreMerge => [without(&new, &old), old].concat(),
    };
    container.insert("env".to_owned(), Value::Array(merged));
}

/// `500m..1` is a request and a limit; a single value is a request for cpu and memory, and both for what is counted.
fn lower_resources(resources: &Map<String, Value>) -> Value {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for (name, value) in resources {
        let text = plain(value);
        let counted = !matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
        let name = if name == "gpu" { "nvidia.com/gpu" } else { name };
        let (request, limit) = match text.split_once("..") {
            Some((request, limit)) => (request.trim().to_owned(), Some(limit.trim().to_owned())),
            None if counted => (text.clone(), Some(text)),
            None => (text, None),
        };
        requests.insert(name.to_owned(), Value::String(request));
        if let Some(limit) = limit {
            limits.insert(name.to_owned(), Value::String(limit));
        }
    }
    let mut lowered = Map::from_iter([("requests".to_owned(), Value::Object(requests))]);
    if !limits.is_empty() {
        lowered.insert("limits".to_owned(), Value::Object(limits));
    }
    Value::Object(lowered)
}
