//! Defaults of agents and queues: checked when they are set, laid under a run once its queue is chosen, and told
//! field by field.

use berth_domain::compile::{Compiled, Context, Layer, Origin, Origins, compile_over};
use berth_domain::redact::redact;
use berth_domain::spec::{Format, Limits, Operation, parse, parse_defaults};
use berth_store::{Agent, Queue};
use serde_json::{Value, json};

use crate::app::App;
use crate::presets;
use crate::problem::Problem;
use crate::submit::invalid_as;

/// The most that defaults may have, in bytes of JSON: they are read with every run of their queue.
pub(crate) const MAX_BYTES: usize = 64 << 10;

/// Checks defaults that somebody sets. None, null and an empty mapping say nothing.
///
/// # Errors
/// 400, with every mistake and its path.
pub(crate) fn check(given: Option<Value>, limits: &Limits) -> Result<Option<Value>, Problem> {
    let Some(given) = given.filter(|given| !given.is_null() && *given != json!({})) else { return Ok(None) };
    if !given.is_object() {
        return Err(Problem::field("defaults", "expected an operation patch (a mapping), or null"));
    }
    let text = given.to_string();
    if text.len() > MAX_BYTES {
        let message = format!("they have {} bytes; allowed are at most {MAX_BYTES}", text.len());
        return Err(Problem::field("defaults", message));
    }
    match parse_defaults(&text, Format::Json, limits) {
        Ok(_) => Ok(Some(given)),
        Err(mut errors) => {
            for error in &mut errors.0 {
                // They came as JSON on one line: a place in it helps nobody.
                (error.line, error.column) = (None, None);
                error.path = match error.path.as_str() {
                    "" => "defaults".to_owned(),
                    path => format!("defaults.{path}"),
                };
            }
            Err(invalid_as("The defaults are invalid", errors))
        }
    }
}

/// Defaults as answers show them: whatever may be secret is masked.
pub(crate) fn shown(defaults: Option<&Value>) -> Value {
    let mut shown = defaults.cloned().unwrap_or(Value::Null);
    redact(&mut shown);
    shown
}

/// What is laid under the runs of a queue, the agent's first.
///
/// # Errors
/// If what is stored can't be read.
fn layers(agent: &Agent, queue: &Queue, limits: &Limits) -> Result<Vec<Layer>, Problem> {
    let given = [(Origin::Agent, &agent.defaults), (Origin::Queue, &queue.defaults)];
    given
        .into_iter()
        .filter_map(|(origin, defaults)| Some((origin, defaults.as_ref()?)))
        .map(|(origin, defaults)| {
            let patch = parse_defaults(&defaults.to_string(), Format::Json, limits).map_err(|errors| {
                // They were checked when they were set, by a release that knew other fields.
                Problem::bad_request(format!(
                    "the defaults of the {origin}, for {}/{}, can't be read: {errors}",
                    queue.agent, queue.name
                ))
            })?;
            Ok(Layer { origin, patch })
        })
        .collect()
}

/// The operation with the defaults of its agent and queue under it, and the presets that any of the three name; none
/// if agent and queue have no defaults.
///
/// # Errors
/// 400 if the operation doesn't compile over them, or a preset doesn't exist.
pub(crate) async fn laid_under(
    app: &App,
    operation: &Operation,
    context: &Context,
    (agent, queue): (&Agent, &Queue),
) -> Result<Option<(Compiled, Origins)>, Problem> {
    let mut layers = layers(agent, queue, &app.spec_limits)?;
    if layers.is_empty() {
        return Ok(None);
    }
    let of_defaults: Vec<String> =
        layers.iter().filter_map(|layer| layer.patch.header.presets.clone()).flatten().collect();
    let mut presets = presets::layers(app, &queue.owner, of_defaults.iter()).await?;
    for layer in &mut presets {
        // The queue is chosen; it can't be by what it names itself.
        layer.patch.header.queue = None;
    }
    let own = presets::layers(app, &queue.owner, presets::named(operation)).await?;
    layers.extend(presets);
    layers.extend(own.into_iter().filter(|layer| match &layer.origin {
        Origin::Preset(name) => !of_defaults.contains(name),
        _ => true,
    }));
    let compiled = compile_over(&layers, operation, context, &app.spec_limits);
    compiled.map(Some).map_err(|errors| {
        let what =
            format!("With the defaults of {}/{} under it, the operation is invalid", queue.agent, queue.name);
        invalid_as(&what, errors)
    })
}

/// Where each field of a run's operation comes from. Where nothing was laid under it, it is found anew.
pub(crate) fn origins(app: &App, stored: Option<&Value>, raw: Option<&str>) -> Value {
    if let Some(stored) = stored {
        return stored.clone();
    }
    let operation = raw.and_then(|raw| parse(raw, Format::Auto, &app.spec_limits).ok());
    let compiled = operation.map(|op| compile_over(&[], &op, &Context::default(), &app.spec_limits));
    match compiled {
        Some(Ok((_, origins))) => json!(origins),
        _ => Value::Null,
    }
}
