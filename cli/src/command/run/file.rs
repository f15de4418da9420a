//! Reads polyaxonfiles from disk or the standard input into one operation. Checking it in full is the server's.

use std::io::Read as _;

use serde_json::{Map, Value, json};

use crate::arguments::Run;
use crate::failure::Failure;

/// The largest file that is read, in bytes: what the server takes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The operation that the files, `-P` and `-q` make together.
pub(super) fn operation(read: &dyn Fn(&str) -> std::io::Result<String>, run: &Run) -> Result<Value, Failure> {
    let Some((name, presets)) = run.file.split_first() else {
        return Err(Failure::usage("no file was given"));
    };
    let mut operation = parse(name, &text(read, name)?)?;
    if let Some(preset) = presets.first() {
        return Err(Failure::usage(format!("{preset}: presets can't be merged yet; give one file")));
    }
    let params = run.param.iter().map(|param| split(param)).collect::<Result<Vec<_>, _>>()?;
    if !params.is_empty() {
        let all = operation.entry("params").or_insert_with(|| Value::Object(Map::new()));
        let Some(all) = all.as_object_mut() else {
            return Err(Failure::usage(format!("{name}: `params` is no mapping")));
        };
        for (param, value) in params {
            all.insert(param.to_owned(), json!({"value": value}));
        }
    }
    if let Some(queue) = &run.queue {
        operation.insert("queue".to_owned(), json!(queue));
    }
    Ok(Value::Object(operation))
}

fn text(read: &dyn Fn(&str) -> std::io::Result<String>, name: &str) -> Result<String, Failure> {
    let result = if name == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(LARGEST + 1).read_to_string(&mut text).map(|_| text)
    } else {
        read(name)
    };
    let text = result.map_err(|error| Failure::usage(format!("can't read {name}: {error}")))?;
    if text.len() as u64 > LARGEST {
        return Err(Failure::usage(format!("{name} is larger than {} MiB", LARGEST / 1024 / 1024)));
    }
    Ok(text)
}

fn parse(name: &str, text: &str) -> Result<Map<String, Value>, Failure> {
    let value: Value =
        serde_saphyr::from_str(text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Failure::usage(format!("{name}: a polyaxonfile is a mapping"))),
    }
}

/// `name=value`; the value may be JSON, and is a text if it is not.
fn split(param: &str) -> Result<(&str, Value), Failure> {
    match param.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
        }
        _ => Err(Failure::usage(format!("`{param}` is not a parameter: use NAME=VALUE"))),
    }
}
