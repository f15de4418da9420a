//! Layers: defaults of agents and queues, and presets, laid under an operation; component and operation over them.
//!
//! The order is agent, queue, preset, component, operation, and each is laid over what is below it: a layer by its own
//! `patchStrategy`, a component by `post_merge`, an operation by its own. So a default holds where nobody says
//! otherwise, and lists (tolerations, volumes, ...) are added up.

use serde_json::{Map, Value};

use super::origins::{Origin, Tree};
use crate::spec::{self, Component, Operation, PatchStrategy, SpecErrors};

/// Something that is laid under an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Whose it is.
    pub origin: Origin,
    /// What it says; see [`spec::parse_defaults`].
    pub patch: Operation,
}

/// A document that grows layer by layer; its origins are followed if somebody wants to know them.
pub(super) struct Merged {
    pub(super) document: Map<String, Value>,
    pub(super) origins: Option<Tree>,
}

impl Merged {
    fn lay(
        &mut self,
        origin: &Origin,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<(), SpecErrors>,
    ) -> Result<(), SpecErrors> {
        let before = self.origins.is_some().then(|| Value::Object(self.document.clone()));
        change(&mut self.document)?;
        if let (Some(tree), Some(before)) = (&mut self.origins, before) {
            *tree = tree.after(&before, &Value::Object(self.document.clone()), origin);
        }
        Ok(())
    }
}

/// The layers, the component, and the operation's own fields and `runPatch`, laid over each other.
pub(super) fn merge(
    layers: &[Layer],
    component: &Component,
    op: &Operation,
    traced: bool,
) -> Result<Merged, SpecErrors> {
    let mut merged = Merged { document: Map::new(), origins: traced.then(Tree::new) };
    for layer in layers {
        let strategy = layer.patch.patch_strategy.unwrap_or_default();
        let header = as_map(serde_json::to_value(&layer.patch.header))?;
        merged.lay(&layer.origin, |document| {
            spec::merge(document, &header, strategy);
            let run = run_of(document);
            if let Some(patch) = &layer.patch.run_patch {
                spec::merge(run, patch, strategy);
            }
            spec::apply_shortcuts(run, &layer.patch.shortcuts, strategy);
            Ok(())
        })?;
    }
    let header = as_map(serde_json::to_value(&component.header))?;
    merged.lay(&Origin::Component, |document| {
        spec::merge(document, &header, PatchStrategy::PostMerge);
        let run = run_of(document);
        spec::merge(run, &component.run, PatchStrategy::PostMerge);
        if !layers.is_empty() {
            drop_shadowed_env(run);
        }
        Ok(())
    })?;
    let strategy = op.patch_strategy.unwrap_or_default();
    let own = as_map(serde_json::to_value(&op.header))?;
    merged.lay(&Origin::Operation, |document| {
        spec::merge(document, &own, strategy);
        let Some(patch) = &op.run_patch else { return Ok(()) };
        let run = run_of(document);
        if let Some(kind) = patch.get("kind").filter(|kind| run.get("kind") != Some(kind)) {
            let is = run.get("kind").unwrap_or(&Value::Null);
            let message = format!("a run of the kind {is} can't be patched to be of the kind {kind}");
            return Err(SpecErrors::one("runPatch.kind", message));
        }
        spec::merge(run, patch, strategy);
        Ok(())
    })?;
    Ok(merged)
}

fn run_of(document: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let run = document.entry("run").or_insert_with(|| Value::Object(Map::new()));
    if !run.is_object() {
        *run = Value::Object(Map::new());
    }
    match run {
        Value::Object(run) => run,
        _ => unreachable!("made an object just above"),
    }
}

fn as_map(value: Result<Value, serde_json::Error>) -> Result<Map<String, Value>, SpecErrors> {
    match value {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(SpecErrors::one("", "expected a mapping")),
        Err(error) => Err(SpecErrors::one("", error.to_string())),
    }
}

/// Of variables of one name only the last is left: the component's over a default.
fn drop_shadowed_env(run: &mut Map<String, Value>) {
    let env = run.get_mut("container").and_then(|container| container.get_mut("env"));
    let Some(Value::Array(env)) = env else { return };
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<Value> = std::mem::take(env)
        .into_iter()
        .rev()
        .filter(|variable| match variable.get("name").and_then(Value::as_str) {
            Some(name) => seen.insert(name.to_owned()),
            None => true,
        })
        .collect();
    kept.reverse();
    *env = kept;
}
