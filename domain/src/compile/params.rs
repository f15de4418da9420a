//! Params: which value each declared input gets, and what follows from it.
//!
//! Source: Polyaxon's `ops_params` and `ParamSpec`. A param beats a default; what nothing declares is for templates
//! only, and refused under `strictParams` unless it says `contextOnly: true`.

use serde_json::{Map, Value, json};

use super::render::{Renderer, python_text};
use crate::spec::{
    Component, Io, IoType, Operation, Param, SpecError, SpecErrors, is_template, join, nearest, shown,
};

/// An input, output or context with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) io_type: Option<IoType>,
    type_name: Option<String>,
    is_flag: bool,
    arg_format: Option<String>,
    connection: Option<String>,
    to_init: bool,
    to_env: Option<String>,
    pub(super) is_context: bool,
    /// Whether it stands in `params.as_args`: all but outputs that nobody set.
    is_argument: bool,
}

pub(super) fn resolve(
    op: &Operation,
    component: &Component,
    strict: Option<&Value>,
    renderer: &mut Renderer,
) -> Result<Vec<Resolved>, SpecErrors> {
    let mut resolved = Vec::new();
    let mut errors = Vec::new();
    let declared =
        component.inputs.iter().map(|io| (io, true)).chain(component.outputs.iter().map(|io| (io, false)));
    for (io, is_input) in declared {
        let param = op.params.get(&io.name);
        match declared_value(io, param, is_input, renderer) {
            Ok(param) => {
                renderer.define(&param.name, &param.shown_value());
                resolved.push(param);
            }
            Err(found) => errors.extend(found.0),
        }
    }
    let names: Vec<&str> =
        component.inputs.iter().chain(&component.outputs).map(|io| io.name.as_str()).collect();
    for (name, param) in op.params.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
        let refused = match param.context_only {
            Some(true) => None,
            Some(false) => Some("no input or output declares it, and it says `contextOnly: false`"),
            None if strict == Some(&Value::Bool(true)) => {
                Some("no input or output declares it; declare one, or set `contextOnly: true`")
            }
            None => None,
        };
        if let Some(why) = refused {
            let hint = match nearest(name, &names) {
                Some(near) => format!(" (did you mean `{near}`?)"),
                None if names.is_empty() => String::new(),
                None => format!(" (declared are {})", names.join(", ")),
            };
            errors.push(SpecError::new(
                join("params", name),
                format!("unknown param `{}`: {why}{hint}", shown(name)),
            ));
            continue;
        }
        match render_value(&param.value, name, renderer) {
            Ok(value) => {
                renderer.define(name, &value);
                resolved.push(Resolved::context(name, value, param));
            }
            Err(found) => errors.extend(found.0),
        }
    }
    if !errors.is_empty() {
        return Err(SpecErrors(errors));
    }
    define_params(&resolved, renderer)?;
    Ok(resolved)
}

fn render_value(value: &Value, name: &str, renderer: &mut Renderer) -> Result<Value, SpecErrors> {
    let mut value = value.clone();
    let mut errors = Vec::new();
    let path = join("params", name);
    if let Err(fatal) = renderer.render_tree(&mut value, &path, &mut errors) {
        errors.extend(fatal.0);
    }
    if errors.is_empty() { Ok(value) } else { Err(SpecErrors(errors)) }
}

fn declared_value(
    io: &Io,
    param: Option<&Param>,
    is_input: bool,
    renderer: &mut Renderer,
) -> Result<Resolved, SpecErrors> {
    let path = join("params", &io.name);
    let io_type = io.parsed_type().map_err(|message| SpecErrors::one(&path, message))?;
    let given = param.map(|param| &param.value).filter(|value| !value.is_null());
    let kind = if is_input { "input" } else { "output" };
    let value = match given.or(io.value.as_ref()) {
        Some(value) => {
            let is_text = matches!(io_type, IoType::Text(_));
            // Text that was declared as text and holds no template is not looked into.
            let rendered = if is_text && !value.as_str().is_some_and(is_template) {
                value.clone()
            } else {
                render_value(value, &io.name, renderer)?
            };
            let accepted = io_type.accept(&rendered).and_then(|value| {
                io_type.validate(&value, io)?;
                Ok(value)
            });
            accepted.map_err(|message| SpecErrors::one(&path, format!("{kind} `{}`: {message}", io.name)))?
        }
        None if io.can_be_left_out() || !is_input || matches!(io_type, IoType::Optional(_)) => Value::Null,
        None if io.is_flag == Some(true) => Value::Bool(false),
        None => {
            let message =
                format!("{kind} `{}` ({io_type}) is required, and no param gives it a value", io.name);
            return Err(SpecErrors::one(path, message));
        }
    };
    let or = |own: Option<&String>, declared: &Option<String>| own.cloned().or_else(|| declared.clone());
    Ok(Resolved {
        is_argument: is_input || given.is_some(),
        name: io.name.clone(),
        value,
        type_name: io.io_type.clone(),
        io_type: Some(io_type),
        is_flag: io.is_flag == Some(true),
        arg_format: io.arg_format.clone(),
        connection: or(param.and_then(|param| param.connection.as_ref()), &io.connection),
        to_init: param.and_then(|param| param.to_init).or(io.to_init) == Some(true),
        to_env: or(param.and_then(|param| param.to_env.as_ref()), &io.to_env),
        is_context: false,
    })
}

impl Resolved {
    fn context(name: &str, value: Value, param: &Param) -> Self {
        Self {
            name: name.to_owned(),
            value,
            io_type: None,
            type_name: None,
            is_flag: false,
            arg_format: None,
            connection: param.connection.clone(),
            to_init: param.to_init == Some(true),
            to_env: param.to_env.clone(),
            is_context: true,
            is_argument: false,
        }
    }

    /// What `{{ name }}` stands for.
    fn shown_value(&self) -> Value {
        if self.is_flag { Value::String(self.flag()) } else { self.value.clone() }
    }

    fn flag(&self) -> String {
        if self.value == Value::Bool(true) { format!("--{}", self.name) } else { String::new() }
    }

    /// The value as text: lists and mappings as JSON.
    fn as_text(&self) -> String {
        match &self.value {
            Value::Null => String::new(),
            _ if self.is_flag => self.flag(),
            Value::Array(_) | Value::Object(_) => self.value.to_string(),
            other => python_text(other),
        }
    }

    /// The value as an argument.
    fn as_argument(&self, renderer: &mut Renderer) -> Result<String, SpecErrors> {
        if self.value.is_null() {
            return Ok(String::new());
        }
        match &self.arg_format {
            Some(format) => renderer
                .render_alone(format, &self.name, &self.value)
                .map_err(|message| SpecErrors::one(format!("inputs.{}.argFormat", self.name), message)),
            None if self.is_flag => Ok(self.flag()),
            None => Ok(format!("--{}={}", self.name, self.as_text())),
        }
    }
}

/// Defines `params.NAME.*` and `params.as_args`.
fn define_params(resolved: &[Resolved], renderer: &mut Renderer) -> Result<(), SpecErrors> {
    let mut params = Map::new();
    let mut arguments = Vec::new();
    for param in resolved {
        let argument = param.as_argument(renderer)?;
        if param.is_argument && !argument.is_empty() {
            arguments.push(json!(argument));
        }
        params.insert(
            param.name.clone(),
            json!({
                "value": param.value,
                "type": param.type_name,
                "connection": param.connection,
                "as_str": param.as_text(),
                "as_arg": argument,
            }),
        );
    }
    params.insert("as_args".to_owned(), Value::Array(arguments));
    renderer.define_watched("params", params);
    Ok(())
}

/// Adds what `toEnv` and `toInit` ask for to a rendered run.
pub(super) fn lay_into_run(run: &mut Map<String, Value>, resolved: &[Resolved]) {
    for param in resolved {
        if let Some(name) = &param.to_env
            && !param.value.is_null()
        {
            lay_env(run, name, &param.as_text());
        }
        if param.to_init
            && let Some(step) = init_step(param)
            && let Value::Array(steps) = run.entry("init").or_insert_with(|| json!([]))
        {
            steps.push(step);
        }
    }
}

fn lay_env(run: &mut Map<String, Value>, name: &str, text: &str) {
    let Some(container) = run.get_mut("container").and_then(Value::as_object_mut) else { return };
    if let Value::Array(env) = container.entry("env").or_insert_with(|| json!([])) {
        env.retain(|var| var.get("name").and_then(Value::as_str) != Some(name));
        env.push(json!({"name": name, "value": text}));
    }
}

fn init_step(param: &Resolved) -> Option<Value> {
    let mut step = Map::new();
    if let Some(connection) = &param.connection {
        step.insert("connection".to_owned(), json!(connection));
    }
    let source = match &param.io_type {
        Some(IoType::Parts(kind @ ("git" | "dockerfile" | "artifacts"))) => Some(*kind),
        Some(IoType::Text("path")) => Some("paths"),
        _ => None,
    };
    match source {
        Some("git") if param.value.is_string() => {
            step.insert("git".to_owned(), json!({"url": param.value}));
        }
        Some("paths") => {
            step.insert("paths".to_owned(), json!([param.value]));
        }
        Some(kind) => {
            step.insert(kind.to_owned(), param.value.clone());
        }
        None => {}
    }
    (!step.is_empty()).then_some(Value::Object(step))
}
