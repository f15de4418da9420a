//! An operation as authored: checked for form, normalized, not resolved.
//!
//! Whichever form it was written in, what runs ends up in `component.run`: root shortcuts and Berth's sugar are
//! lowered onto it. It serializes to a polyaxonfile that parses to the same operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::SpecErrors;
use super::input::{Io, Param, check_inputs, read_params};
use super::lower;
use super::merge::PatchStrategy;
use super::node::{Kind, Node};
use super::schema::OPERATION;
use super::shape::{Checker, is_template, join};

/// The `kind` of an operation's document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationKind {
    /// `operation`.
    #[default]
    #[serde(rename = "operation")]
    Operation,
}

/// What operations and components both say. A field of another type than the documented one is a template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header {
    /// Name of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tags of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Names of saved presets, to be applied before it is compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presets: Option<Vec<String>>,
    /// `queue`, `agent/queue`, or a comma list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Namespace that takes the place of the agent's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Caching of results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Value>,
    /// Retries, time-out, time to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination: Option<Value>,
    /// What runs beside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Value>,
    /// `false` lets the run wait for an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_approved: Option<Value>,
    /// What the run costs, in the organization's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Value>,
    /// Files that the client uploads first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<Value>,
    /// Whether params that nothing declares are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_params: Option<bool>,
    /// Marks a file that is to be copied, not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Value>,
}

/// What runs, and what it needs to be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Component {
    /// What the component says of itself; the operation's own header is laid over it.
    #[serde(flatten)]
    pub header: Header,
    /// Declared inputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Io>,
    /// Declared outputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Io>,
    /// The runtime (`kind: job`), checked for form, with its templates.
    pub run: Map<String, Value>,
}

/// A polyaxonfile, normalized.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// Always `operation`.
    pub kind: OperationKind,
    /// Name, tags, queue and the like.
    #[serde(flatten)]
    pub header: Header,
    /// Values for the component's inputs, and for names that only templates know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Param>,
    /// Laid over the component's runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_patch: Option<Map<String, Value>>,
    /// How the operation is laid over its component and, for a preset, over an operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_strategy: Option<PatchStrategy>,
    /// Whether this is to be laid over other operations, and can't run itself.
    #[serde(skip_serializing_if = "is_false")]
    pub is_preset: bool,
    /// What runs; only presets have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
    /// Root shortcuts of a preset (`container`, `environment`, ...), that wait for a runtime to be lowered onto.
    #[serde(flatten)]
    pub shortcuts: Map<String, Value>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Operation {
    /// The name of the run: the operation's, or else its component's.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let component = self.component.as_ref().and_then(|component| component.header.name.as_deref());
        self.header.name.as_deref().or(component)
    }

    /// The same operation as a polyaxonfile in JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Maps with text keys and plain values always serialize.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Reads an operation from a tree.
pub(crate) fn from_node(node: &Node) -> Result<Operation, SpecErrors> {
    let mut checker = Checker::new(true);
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("expected an operation or a component (a mapping), found {}", node.describe());
        checker.report(node.at, "", message);
        return Err(SpecErrors(checker.errors));
    }
    let mut checked = checker.check(node, &OPERATION, "");
    let root_is_component = node.get("kind").and_then(Node::text) == Some("component");
    let is_preset = checked.get("isPreset") == Some(&Value::Bool(true));
    if checker.errors.is_empty() {
        check_structure(&mut checker, node, root_is_component, is_preset);
    }
    if let (Some(params), Some(map)) = (node.get("params"), checked.as_object_mut()) {
        let params = read_params(&mut checker, params);
        map.insert("params".to_owned(), params);
    }
    check_inputs(&mut checker, node, "");
    if let Some(component) = node.get("component") {
        check_inputs(&mut checker, component, "component");
    }
    if !checker.errors.is_empty() {
        return Err(SpecErrors(checker.errors));
    }
    let Value::Object(mut document) = checked else {
        return Err(SpecErrors::one("", "expected an operation or a component (a mapping)"));
    };
    lower::normalize(&mut document, root_is_component, is_preset)?;
    serde_json::from_value(Value::Object(document)).map_err(|error| SpecErrors::one("", error.to_string()))
}

/// What the tables can't say: which fields exclude or need each other.
fn check_structure(checker: &mut Checker, node: &Node, root_is_component: bool, is_preset: bool) {
    let component = node.get("component");
    if root_is_component {
        for name in ["component", "params", "runPatch", "patchStrategy"] {
            if let Some(value) = node.get(name) {
                checker.report(
                    value.at,
                    name,
                    format!("`{name}` belongs to an operation, not to a component"),
                );
            }
        }
    }
    if component.is_some() {
        for name in ["run", "inputs", "outputs"] {
            if let Some(value) = node.get(name) {
                let message = format!("give `{name}` either here or in `component`, not both");
                checker.report(value.at, name, message);
            }
        }
    }
    let (definition, path) = component.map_or((node, ""), |component| (component, "component"));
    let shortcuts = || super::schema::SHORTCUTS.iter().map(|(name, _)| *name);
    let says_what_runs = definition.get("run").is_some()
        || shortcuts().any(|name| definition.get(name).is_some() || node.get(name).is_some());
    if !says_what_runs && !is_preset {
        let message = if component.is_some() {
            "required, but not given; supported: `run: {kind: job, ...}`"
        } else {
            "nothing to run: give `component`, `run`, `container` or `cmd`"
        };
        let field = if component.is_some() { join(path, "run") } else { String::new() };
        checker.report(definition.at, &field, message.to_owned());
    }
    let sugar =
        || super::schema::SUGAR.iter().any(|(name, _)| node.get(name).or(definition.get(name)).is_some());
    let in_run = definition.get("run").and_then(|run| run.get("environment"));
    for (environment, field) in [(in_run, "run.environment"), (definition.get("environment"), "environment")]
    {
        let is_laid_over = sugar() || (component.is_some() && node.get("environment").is_some());
        if let Some(template) = environment.filter(|value| value.text().is_some_and(is_template))
            && is_laid_over
        {
            let message = "nothing can be laid over an environment that is a template; write its fields out";
            checker.report(template.at, &join(path, field), message.to_owned());
        }
    }
}
