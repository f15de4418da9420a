//! Templates: Jinja in the strings of an operation, within bounds.
//!
//! Engine: minijinja. As in Polyaxon, undefined names render empty (and leave a warning here); values print as Python
//! prints them (`True`, `None`, `['a']`), since existing files expect that. A string that is one expression keeps the
//! type of its value. Bounds: steps (fuel) and output over all templates of an operation; statements that could grow
//! a value without bound (`set`, `macro`, ...) and filters that pad or include are not available.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value as Jinja};
use serde_json::{Map, Number, Value};

use super::globals::LATER;
use super::guard;
use crate::spec::{Limits, MAX_ERRORS, SpecError, SpecErrors, is_template, join, shown, shown_long};

/// Filters that make text longer than their arguments, in one step.
const UNBOUNDED_FILTERS: [&str; 9] =
    ["replace", "join", "indent", "format", "pprint", "batch", "slice", "chain", "zip"];
/// No text in a template gets longer than this.
const MAX_TEXT: usize = 1 << 20;

type Missed = Arc<Mutex<BTreeSet<String>>>;

/// Renders the templates of one operation.
pub(super) struct Renderer {
    env: Environment<'static>,
    names: Arc<BTreeMap<String, Jinja>>,
    missed: Missed,
    fuel: u64,
    /// Bytes that all templates together may still write.
    output: usize,
    max_output: usize,
    warnings: Vec<String>,
}

/// A mapping that notes the names that it was asked for and doesn't have.
#[derive(Debug)]
struct Watched {
    path: &'static str,
    entries: Arc<BTreeMap<String, Jinja>>,
    missed: Missed,
}

impl Object for Watched {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let key = key.as_str()?;
        let found = self.entries.get(key);
        // Functions of the engine are looked for here first.
        if found.is_none() && !(self.path.is_empty() && matches!(key, "range" | "dict")) {
            let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
            self.missed.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        }
        found.cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.entries.keys().map(|key| Jinja::from(key.as_str())).collect())
    }
}

/// Takes output until there is too much.
struct Bounded<'a> {
    text: &'a mut Vec<u8>,
    left: usize,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_recursion_limit(50);
    for filter in UNBOUNDED_FILTERS {
        env.remove_filter(filter);
    }
    env.add_filter("replace", replace);
    env.add_filter("join", join_texts);
    env.add_filter("map_format", map_format);
    for function in ["debug", "namespace"] {
        env.remove_global(function);
    }
    env.set_formatter(|out, _, value| out.write_str(&jinja_text(value)?).map_err(Error::from));
    env
}

fn bounded(length: Option<usize>) -> Result<(), Error> {
    match length {
        Some(length) if length <= MAX_TEXT => Ok(()),
        _ => Err(too_long()),
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "a text in a template gets too long")
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands its arguments over")]
fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let found = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from.as_str()).count() };
    bounded(found.checked_mul(to.len()).and_then(|added| added.checked_add(text.len())))?;
    Ok(text.replace(&from, &to))
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands its arguments over")]
fn join_texts(items: Jinja, between: Option<String>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let mut text = String::new();
    for (index, item) in items.try_iter()?.enumerate() {
        if index > 0 {
            text.push_str(&between);
        }
        text.push_str(&jinja_text(&item)?);
        bounded(Some(text.len()))?;
    }
    Ok(text)
}

/// Polyaxon's own filter: `"--x=%(name)s"` or `"--x=%s"` with the value put in.
#[expect(clippy::needless_pass_by_value, reason = "the engine hands its arguments over")]
fn map_format(value: Jinja, pattern: String, name: Option<String>) -> Result<String, Error> {
    let mark = name.map_or_else(|| "%s".to_owned(), |name| format!("%({name})s"));
    replace(pattern, mark, jinja_text(&value)?)
}

impl Renderer {
    pub(super) fn new(globals: Map<String, Value>, limits: &Limits) -> Self {
        let mut renderer = Self {
            env: environment(),
            names: Arc::default(),
            missed: Missed::default(),
            fuel: limits.template_fuel,
            output: limits.max_compiled_bytes,
            max_output: limits.max_compiled_bytes,
            warnings: Vec::new(),
        };
        renderer.define_watched("globals", globals);
        renderer.define_watched("connections", Map::new());
        renderer.define_watched("init", Map::new());
        renderer
    }

    /// Gives a name a value, for all templates from now on.
    pub(super) fn define(&mut self, name: &str, value: &Value) {
        Arc::make_mut(&mut self.names).insert(name.to_owned(), Jinja::from(Serde(value)));
    }

    /// The same, for a mapping whose undefined fields are to be warned of.
    pub(super) fn define_watched(&mut self, name: &'static str, fields: Map<String, Value>) {
        let entries = fields.into_iter().map(|(key, value)| (key, Jinja::from(Serde(value)))).collect();
        let watched = Watched { path: name, entries: Arc::new(entries), missed: Arc::clone(&self.missed) };
        Arc::make_mut(&mut self.names).insert(name.to_owned(), Jinja::from_object(watched));
    }

    /// What a condition should say about undefined names.
    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    /// Renders every string of a tree. A template that can't be rendered is noted in `errors`.
    ///
    /// # Errors
    /// If a bound is exceeded; then nothing more is tried.
    pub(super) fn render_tree(
        &mut self,
        value: &mut Value,
        path: &str,
        errors: &mut Vec<SpecError>,
    ) -> Result<(), SpecErrors> {
        match value {
            Value::String(text) if is_template(text) => match self.render(text, path) {
                Ok(rendered) => *value = rendered,
                Err(Failure::Bound(message)) => return Err(SpecErrors::one(path, message)),
                Err(Failure::Template(message)) => {
                    if errors.len() < MAX_ERRORS {
                        errors.push(SpecError::new(path, message));
                    }
                }
            },
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.render_tree(item, &format!("{path}[{index}]"), errors)?;
                }
                if path.ends_with(".args") || path.ends_with(".command") {
                    // `{{ params.as_args }}` is several arguments, and an input without a value none.
                    let flat = std::mem::take(items).into_iter().flat_map(|item| match item {
                        Value::Array(inner) => inner,
                        Value::Null => Vec::new(),
                        other => vec![other],
                    });
                    *items = flat.collect();
                }
            }
            Value::Object(map) => {
                for (key, item) in map.iter_mut() {
                    self.render_tree(item, &join(path, key), errors)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Renders a template that knows a single name.
    pub(super) fn render_alone(
        &mut self,
        template: &str,
        name: &str,
        value: &Value,
    ) -> Result<String, String> {
        let alone = BTreeMap::from([(name.to_owned(), Jinja::from(Serde(value)))]);
        let names = std::mem::replace(&mut self.names, Arc::new(alone));
        let rendered = self.render_text(template);
        self.names = names;
        match rendered {
            Ok(text) => Ok(text),
            Err(Failure::Bound(message) | Failure::Template(message)) => Err(message),
        }
    }

    fn render(&mut self, template: &str, path: &str) -> Result<Value, Failure> {
        let rendered = match single_expression(template) {
            Some(expression) => self.evaluate(expression),
            None => self.render_text(template).map(Value::String),
        };
        self.warn(template, path);
        rendered
    }

    fn context(&self) -> Jinja {
        Jinja::from_object(Watched {
            path: "",
            entries: Arc::clone(&self.names),
            missed: Arc::clone(&self.missed),
        })
    }

    /// Evaluates an expression, keeping the type of its value.
    fn evaluate(&mut self, expression: &str) -> Result<Value, Failure> {
        guard::check(&format!("{{{{ {expression} }}}}")).map_err(Failure::Template)?;
        // As a template that keeps the value, since the engine tells the steps taken of templates only.
        let source = format!("{{% set value = ({expression}) %}}");
        self.env.set_fuel(Some(self.fuel));
        let context = self.context();
        let compiled = self.env.template_from_str(&source).map_err(Failure::from)?;
        let captured = compiled.render_captured(context).map_err(Failure::from)?;
        let left = captured.state().fuel_levels().map_or(0, |(_, left)| left);
        let value = captured.state().lookup("value").map_or(Ok(Value::Null), |value| to_value(&value))?;
        drop(captured);
        self.fuel = left;
        let bytes = match &value {
            Value::String(text) => text.len(),
            other => other.to_string().len(),
        };
        self.spend(bytes)?;
        Ok(value)
    }

    fn render_text(&mut self, template: &str) -> Result<String, Failure> {
        guard::check(template).map_err(Failure::Template)?;
        self.env.set_fuel(Some(self.fuel));
        let context = self.context();
        let mut text = Vec::new();
        let sink = Bounded { text: &mut text, left: self.output };
        let compiled = self.env.template_from_str(template).map_err(Failure::from)?;
        let captured = compiled.render_captured_to(context, sink).map_err(|error| {
            if error.kind() == ErrorKind::WriteFailure { self.too_much() } else { Failure::from(error) }
        })?;
        let left = captured.state().fuel_levels().map_or(0, |(_, left)| left);
        drop(captured);
        self.fuel = left;
        self.spend(text.len())?;
        // The output is made of pieces of UTF-8.
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Failure> {
        self.output = self.output.checked_sub(bytes).ok_or_else(|| self.too_much())?;
        Ok(())
    }

    fn too_much(&self) -> Failure {
        Failure::Bound(format!("the templates render to more than the {} bytes allowed", self.max_output))
    }

    /// Turns the names that a template missed into warnings, unless it asks whether they are there.
    fn warn(&mut self, template: &str, path: &str) {
        let missed = std::mem::take(&mut *self.missed.lock().unwrap_or_else(PoisonError::into_inner));
        if template.contains("default") || template.contains("defined") {
            return;
        }
        for name in missed {
            if self.warnings.len() >= MAX_ERRORS {
                return;
            }
            let global = name.strip_prefix("globals.");
            let later = global.is_some_and(|name| LATER.contains(&name))
                || name.starts_with("connections.")
                || name.starts_with("init.");
            let why = if later { "is not known before the run is at its agent" } else { "is undefined" };
            self.warnings.push(format!("{path}: `{}` {why} and renders empty", shown(&name)));
        }
    }
}

/// Why a template wasn't rendered.
enum Failure {
    /// Its own fault; others may be tried.
    Template(String),
    /// A bound of the whole operation.
    Bound(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::OutOfFuel {
            return Self::Bound("the templates take more steps than are allowed".to_owned());
        }
        let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
        Self::Template(format!("the template can't be rendered: {}", shown_long(&detail)))
    }
}

/// The expression, if a template is `{{ one }}` and nothing else.
fn single_expression(template: &str) -> Option<&str> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    let plain = !["{{", "}}", "{%", "%}", "{#"].iter().any(|mark| inner.contains(mark));
    (plain && !inner.trim().is_empty()).then(|| inner.trim())
}

/// A value of the engine's as JSON, if it is of bounded size: lists can be lazy, and larger than memory.
fn to_value(value: &Jinja) -> Result<Value, Error> {
    let mut left = MAX_TEXT;
    convert(value, &mut left, 0)
}

fn convert(value: &Jinja, left: &mut usize, depth: usize) -> Result<Value, Error> {
    let bytes = value.as_str().map_or(8, str::len);
    *left = left.checked_sub(bytes).filter(|_| depth < 64).ok_or_else(too_long)?;
    Ok(match value.kind() {
        ValueKind::Undefined => Value::String(String::new()),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in value.try_iter()? {
                items.push(convert(&item, left, depth + 1)?);
            }
            Value::Array(items)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter()? {
                let item = convert(&value.get_item(&key)?, left, depth + 1)?;
                map.insert(jinja_text(&key)?, item);
            }
            Value::Object(map)
        }
        _ => serde_json::to_value(value).unwrap_or_else(|_| Value::String(value.to_string())),
    })
}

fn jinja_text(value: &Jinja) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Ok(python_text(&to_value(value)?)),
    }
}

/// A value as Python's `str()` prints it.
pub(super) fn python_text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::String(plain) => text.push_str(plain),
        other => python_repr(other, &mut text),
    }
    text
}

fn python_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&python_number(number)),
        Value::String(text) => {
            let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
            out.push(quote);
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    c if c == quote => {
                        out.push('\\');
                        out.push(c);
                    }
                    c => out.push(c),
                }
            }
            out.push(quote);
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                python_repr(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                python_repr(&Value::String(key.clone()), out);
                out.push_str(": ");
                python_repr(item, out);
            }
            out.push('}');
        }
    }
}

/// Python prints a float shortest, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn python_number(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 {
        return if float.is_sign_negative() { "-0.0".to_owned() } else { "0.0".to_owned() };
    }
    if (1e-4..1e16).contains(&float.abs()) {
        return format!("{float:?}");
    }
    let text = format!("{float:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
