//! File presets: a partial operation that is laid over a whole one (`berth run -f job.yaml -f preset.yaml`).
//!
//! Source: `V1Polyaxonfile.patch_obj` of Polyaxon 2.18. The preset's own `patchStrategy` says how; params of the
//! preset are merged by name like everything else, its `runPatch` joins the operation's, its root shortcuts go
//! straight onto the runtime.

use serde_json::{Map, Value};

use super::error::SpecErrors;
use super::lower::apply_shortcuts;
use super::merge::merge;
use super::operation::Operation;

/// Lays a preset over an operation.
///
/// # Errors
/// If the preset isn't marked `isPreset: true`, or brings a component of its own.
pub fn apply_preset(op: Operation, preset: &Operation) -> Result<Operation, SpecErrors> {
    if !preset.is_preset {
        return Err(SpecErrors::one("isPreset", "required to be true in a file that is laid over another"));
    }
    if preset.component.is_some() {
        return Err(SpecErrors::one(
            "component",
            "a preset says how to run, not what: it can't have a component",
        ));
    }
    let strategy = preset.patch_strategy.unwrap_or_default();
    let mut patch = as_map(preset)?;
    for own in ["kind", "isPreset", "patchStrategy", "name", "description"] {
        patch.remove(own);
    }
    for shortcut in preset.shortcuts.keys() {
        patch.remove(shortcut);
    }
    let component = op.component.clone();
    let mut document = as_map(&Operation { component: None, ..op })?;
    merge(&mut document, &patch, strategy);
    let mut merged: Operation = serde_json::from_value(Value::Object(document))
        .map_err(|error| SpecErrors::one("", format!("the preset does not fit the operation: {error}")))?;
    merged.component = component;
    match &mut merged.component {
        Some(component) => apply_shortcuts(&mut component.run, &preset.shortcuts, strategy),
        None => merge(&mut merged.shortcuts, &preset.shortcuts, strategy),
    }
    Ok(merged)
}

fn as_map(op: &Operation) -> Result<Map<String, Value>, SpecErrors> {
    match op.to_value() {
        Value::Object(map) => Ok(map),
        _ => Err(SpecErrors::one("", "expected an operation (a mapping)")),
    }
}
