//! Reads polyaxonfiles into one operation: presets merged and form checked as the server would, before anything is
//! sent. What the operation means (params, templates, limits) is the server's to check.

use std::io::Read as _;

use berth_domain::scheduling::routes::parse as parse_routes;
use berth_domain::spec::{self, Operation};
use serde_json::{Value, json};

use crate::arguments::Run;
use crate::failure::Failure;

/// The operation that the files, `-P` and `-q` make together.
pub(super) fn operation(read: &dyn Fn(&str) -> std::io::Result<String>, run: &Run) -> Result<Value, Failure> {
    let mut operation = None;
    for name in &run.file {
        let read = parse(name, &text(read, name)?)?;
        operation = Some(match operation {
            None => read,
            Some(operation) => spec::apply_preset(operation, &read)
                .map_err(|errors| Failure::usage(format!("{name}: {errors}")))?,
        });
    }
    let operation = operation.ok_or_else(|| Failure::usage("no file was given"))?;
    if operation.is_preset {
        let first = run.file.first().map_or("", String::as_str);
        return Err(Failure::usage(format!("{first} is a preset (`isPreset`), which can't run by itself"))
            .hint("give the operation first: -f operation.yaml -f preset.yaml"));
    }
    let mut operation = operation.to_value();
    for param in &run.param {
        let (name, value) = split(param)?;
        operation["params"][name] = json!({"value": value});
    }
    if let Some(queue) = &run.queue {
        operation["queue"] = json!(queue);
    }
    Ok(operation)
}

/// The defaults of an agent or a queue that a file has; `none` is none. Sugar is lowered and the form checked, so that
/// mistakes are told with their lines.
///
/// # Errors
/// If the file can't be read, or doesn't have defaults.
pub(in crate::command) fn defaults(
    read: &dyn Fn(&str) -> std::io::Result<String>,
    name: &str,
) -> Result<Value, Failure> {
    if name == "none" {
        return Ok(Value::Null);
    }
    let patch = spec::parse_defaults(&text(read, name)?, spec::Format::Auto, &spec::Limits::default());
    written(name, patch)
}

/// The preset to be saved that a file has.
///
/// # Errors
/// If the file can't be read, or doesn't have one.
pub(in crate::command) fn preset(
    read: &dyn Fn(&str) -> std::io::Result<String>,
    name: &str,
) -> Result<Value, Failure> {
    let patch = spec::parse_preset(&text(read, name)?, spec::Format::Auto, &spec::Limits::default());
    written(name, patch)
}

/// The routing rules that a file has; `none` is none.
///
/// # Errors
/// If the file can't be read, or doesn't have rules.
pub(in crate::command) fn routes(
    read: &dyn Fn(&str) -> std::io::Result<String>,
    name: &str,
) -> Result<Value, Failure> {
    if name == "none" {
        return Ok(Value::Null);
    }
    let rules =
        parse_routes(&text(read, name)?).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    Ok(json!(rules))
}

fn written(name: &str, patch: Result<Operation, spec::SpecErrors>) -> Result<Value, Failure> {
    let patch = patch.map_err(|errors| Failure::usage(format!("{name}: {errors}")))?;
    let mut patch = patch.to_value();
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("kind");
        fields.remove("isPreset");
    }
    Ok(patch)
}

fn text(read: &dyn Fn(&str) -> std::io::Result<String>, name: &str) -> Result<String, Failure> {
    let largest = spec::Limits::default().max_document_bytes;
    let result = if name == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(largest as u64 + 1).read_to_string(&mut text).map(|_| text)
    } else {
        read(name)
    };
    result.map_err(|error| Failure::usage(format!("can't read {name}: {error}")))
}

fn parse(name: &str, text: &str) -> Result<Operation, Failure> {
    spec::parse(text, spec::Format::Auto, &spec::Limits::default())
        .map_err(|errors| Failure::usage(format!("{name}: {errors}")))
}

/// `name=value`; the value stays a text, which the type of the input reads.
fn split(param: &str) -> Result<(&str, &str), Failure> {
    match param.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value)),
        _ => Err(Failure::usage(format!("`{param}` is not a parameter: use NAME=VALUE"))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    const JOB: &str = "kind: component\nname: train\ninputs:\n- {name: lr, type: float}\nrun: {kind: job, container: {image: x, command: [sh]}}\n";
    const PRESET: &str = "isPreset: true\ntermination: {maxRetries: 3}\n";

    fn made(line: &str) -> Result<Value, Failure> {
        let Command::Run(group) = Arguments::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line} is no run");
        };
        let read = |name: &str| match name {
            "job.yaml" => Ok(JOB.to_owned()),
            "preset.yaml" => Ok(PRESET.to_owned()),
            "bad.yaml" => Ok("kind: component\nrun: {kind: job, contaner: {image: x}}\n".to_owned()),
            _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        operation(&read, &group.own)
    }

    #[test]
    fn presets_params_and_the_queue_are_merged_before_anything_is_sent() {
        let operation = made("berth run -f job.yaml -f preset.yaml -P lr=0.1 -P tag=007 -q eu/gpu").unwrap();
        assert_eq!(operation["params"]["lr"]["value"], "0.1");
        assert_eq!(operation["params"]["tag"]["value"], "007");
        assert_eq!(operation["queue"], "eu/gpu");
        assert_eq!(operation["termination"]["maxRetries"], 3);
        assert_eq!(operation["component"]["run"]["container"]["image"], "x");
    }

    #[test]
    fn what_can_not_be_used_is_named_with_its_file() {
        let text = |line: &str| made(line).unwrap_err().message;
        assert_eq!(text("berth run -f gone.yaml"), "can't read gone.yaml: entity not found");
        assert_eq!(
            text("berth run -f preset.yaml"),
            "preset.yaml is a preset (`isPreset`), which can't run by itself"
        );
        assert_eq!(text("berth run -f job.yaml -P lr"), "`lr` is not a parameter: use NAME=VALUE");
        let bad = text("berth run -f bad.yaml");
        assert!(
            bad.starts_with("bad.yaml: ") && bad.contains("contaner") && bad.contains("container"),
            "{bad}"
        );
    }
}
