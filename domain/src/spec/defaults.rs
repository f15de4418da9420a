//! What is laid under operations: defaults of agents and queues, and saved presets.
//!
//! All are written like a file preset. What says what runs, or what it is called, is refused: they are about how and
//! where. A saved preset may also choose a queue, which defaults can't, since they hold for the queue that was chosen.

use serde_json::{Map, Value};

use super::error::{SpecError, SpecErrors};
use super::lower::ANNOTATION_PREFIX;
use super::node::{Entry, Kind, Node};
use super::operation::{self, Operation};
use super::schema::SERVICE_FIELDS;
use super::shape::join;
use super::{Format, Limits, source};

const WHAT: &str = "defaults and saved presets say how and where runs run, not what they are: remove it";
const WHERE: &str =
    "defaults are laid under a run once its queue is chosen, so they can't choose it: remove it";
const NESTED: &str = "a saved preset can't name others: name them where it is named";

/// Reads the defaults of an agent or a queue. `isPreset` may be left out.
///
/// # Errors
/// Every mistake that was found, with its path and, where the source has lines, its place.
pub fn parse_defaults(text: &str, format: Format, limits: &Limits) -> Result<Operation, SpecErrors> {
    let patch = read(text, format, limits)?;
    let mut errors = Errors::of(&patch);
    errors.refuse(patch.header.name.is_some(), "name", WHAT);
    errors.refuse(patch.header.description.is_some(), "description", WHAT);
    errors.refuse(patch.header.queue.is_some(), "queue", WHERE);
    for (run, path) in runs(&patch) {
        for name in ["queues", "agent-selector"] {
            let key = format!("{ANNOTATION_PREFIX}{name}");
            let annotations = run.get("environment").and_then(|environment| environment.get("annotations"));
            let is_there = annotations.is_some_and(|annotations| annotations.get(&key).is_some());
            errors.refuse(is_there, &join(path, &format!("environment.annotations.{key}")), WHERE);
        }
    }
    errors.or(patch)
}

/// Reads a saved preset. `isPreset` may be left out; its own name and description are its file's, not its runs'.
///
/// # Errors
/// Every mistake that was found, with its path and, where the source has lines, its place.
pub fn parse_preset(text: &str, format: Format, limits: &Limits) -> Result<Operation, SpecErrors> {
    let mut patch = read(text, format, limits)?;
    patch.header.name = None;
    patch.header.description = None;
    let mut errors = Errors::of(&patch);
    errors.refuse(patch.header.presets.is_some(), "presets", NESTED);
    errors.or(patch)
}

fn read(text: &str, format: Format, limits: &Limits) -> Result<Operation, SpecErrors> {
    let mut node = source::read(text, format, limits)?;
    if let Kind::Map(entries) = &mut node.kind
        && !entries.iter().any(|entry| entry.key == "isPreset")
    {
        let value = Node { kind: Kind::Bool(true), at: None };
        entries.push(Entry { key: "isPreset".to_owned(), at: None, value });
    }
    operation::from_node(&node)
}

/// The parts of a patch that are laid under a runtime, and where they stand.
fn runs(patch: &Operation) -> impl Iterator<Item = (&Map<String, Value>, &'static str)> {
    patch.run_patch.iter().map(|run| (run, "runPatch")).chain([(&patch.shortcuts, "")])
}

struct Errors(Vec<SpecError>);

impl Errors {
    /// What neither defaults nor saved presets can say.
    fn of(patch: &Operation) -> Self {
        let mut errors = Self(Vec::new());
        let header = &patch.header;
        errors.refuse(!patch.is_preset, "isPreset", "write `isPreset: true`, or leave it out");
        errors.refuse(patch.component.is_some(), "component", WHAT);
        errors.refuse(!patch.params.is_empty(), "params", WHAT);
        errors.refuse(header.template.is_some(), "template", WHAT);
        errors.refuse(header.mount.is_some(), "mount", WHAT);
        errors.refuse(header.strict_params.is_some(), "strictParams", WHAT);
        errors.refuse(patch.shortcuts.contains_key("cmd"), "cmd", WHAT);
        for (run, path) in runs(patch) {
            errors.refuse(run.contains_key("kind"), &join(path, "kind"), WHAT);
            for (name, _) in SERVICE_FIELDS {
                errors.refuse(run.contains_key(*name), &join(path, name), WHAT);
            }
            let container = run.get("container").and_then(Value::as_object);
            for name in ["name", "command", "args"] {
                let is_there = container.is_some_and(|container| container.contains_key(name));
                errors.refuse(is_there, &join(path, &format!("container.{name}")), WHAT);
            }
        }
        errors
    }

    fn refuse(&mut self, is_there: bool, path: &str, why: &str) {
        if is_there {
            self.0.push(SpecError::new(path, why));
        }
    }

    fn or(self, patch: Operation) -> Result<Operation, SpecErrors> {
        if self.0.is_empty() { Ok(patch) } else { Err(SpecErrors(self.0)) }
    }
}
