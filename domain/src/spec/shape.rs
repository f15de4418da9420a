//! Shapes: what a value may look like, as data, and the one checker that holds a document against them.
//!
//! The checker collects every mistake instead of stopping at the first, names the nearest allowed field for an
//! unknown one, and returns the document normalized: nulls dropped, numbers that stand where text belongs turned
//! into text. What the fields are is in `schema`; what they mean is decided by whoever reads the result.

use serde_json::{Map, Number, Value};

use super::error::{MAX_ERRORS, SpecError};
use super::node::{Entry, Kind, Node, Place, shown};
use crate::quantity::Quantity;

/// What a value may look like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Anything; kept as it is.
    Any,
    /// Text.
    Text,
    /// Text; numbers and booleans are turned into it.
    Coerced,
    /// A name of `[-a-zA-Z0-9_]`, of at most this length.
    Slug(usize),
    /// A whole number from `min` to `max`.
    Int { min: i64, max: i64 },
    /// A number that isn't negative.
    Positive,
    /// True or false.
    Bool,
    /// Text that this function accepts.
    Checked(fn(&str) -> Result<(), String>),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A Kubernetes quantity.
    Quantity,
    /// A quantity, or two with `..` between them: request and limit.
    Range,
    /// A list.
    List(&'static Shape),
    /// A list of texts, or one text that stands for a list of one.
    Texts,
    /// A mapping with names of one's own.
    Dict(&'static Shape),
    /// A mapping with these fields.
    Object(&'static Object),
    /// One of these; the first that fits in kind.
    Either(&'static Shape, &'static Shape),
    /// The same, but not a template as a whole; what it holds may have some.
    Written(&'static Shape),
    /// The same, and no template in what it holds.
    Plain(&'static Shape),
    /// A runtime: an object whose `kind` says which.
    Run,
    /// Known, and not supported yet, unless it is empty.
    Later,
}

/// A mapping with known fields.
#[derive(Debug)]
pub(crate) struct Object {
    /// The fields, in groups that several objects share.
    pub(crate) fields: &'static [&'static [(&'static str, Shape)]],
    /// Those that must be given.
    pub(crate) required: &'static [&'static str],
    /// Whether other fields are kept instead of refused.
    pub(crate) open: bool,
}

impl Object {
    fn field(&self, name: &str) -> Option<&'static Shape> {
        self.fields
            .iter()
            .flat_map(|group| group.iter())
            .find(|(known, _)| *known == name)
            .map(|(_, shape)| shape)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields
            .iter()
            .flat_map(|group| group.iter())
            .filter(|(_, shape)| !matches!(shape, Shape::Later))
            .map(|(name, _)| *name)
    }
}

/// Holds documents against shapes.
#[derive(Debug)]
pub(crate) struct Checker {
    /// What was found wrong so far.
    pub(crate) errors: Vec<SpecError>,
    /// Whether a template may stand for a value of any kind: before they are rendered, but not after.
    templates: bool,
    /// Whether templates were rendered, so that values in the place of text print as they do inside of one.
    rendered: bool,
}

/// Whether a text has to be rendered.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The path of a field.
pub(crate) fn join(path: &str, field: &str) -> String {
    let field = shown(field);
    if path.is_empty() { field } else { format!("{path}.{field}") }
}

impl Checker {
    pub(crate) fn new(templates: bool) -> Self {
        Self { errors: Vec::new(), templates, rendered: !templates }
    }

    /// Notes a mistake.
    pub(crate) fn report(&mut self, at: Option<Place>, path: &str, message: String) {
        self.push(SpecError {
            line: at.map(|place| place.line),
            column: at.map(|place| place.column),
            ..SpecError::new(path, message)
        });
    }

    fn push(&mut self, error: SpecError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    fn unexpected(&mut self, node: &Node, path: &str, expected: &str, allowed: &[&str]) -> Value {
        let found = node.describe();
        self.push(SpecError {
            line: node.at.map(|place| place.line),
            column: node.at.map(|place| place.column),
            allowed: allowed.iter().map(|&word| word.to_owned()).collect(),
            found: Some(found.clone()),
            ..SpecError::new(path, format!("expected {expected}, found {found}"))
        });
        Value::Null
    }

    /// Checks a value, and returns it normalized.
    pub(crate) fn check(&mut self, node: &Node, shape: &'static Shape, path: &str) -> Value {
        if self.templates
            && !matches!(
                shape,
                Shape::Written(_) | Shape::Plain(_) | Shape::Run | Shape::Later | Shape::Any | Shape::Texts
            )
            && let Some(text) = node.text()
            && is_template(text)
        {
            return Value::String(text.to_owned());
        }
        self.check_written(node, shape, path)
    }

    /// The same, for a value that isn't a template.
    fn check_written(&mut self, node: &Node, shape: &'static Shape, path: &str) -> Value {
        match shape {
            Shape::Any => node.to_value(),
            Shape::Text | Shape::Coerced => {
                let text = match (&node.kind, shape) {
                    (Kind::Text(text), _) => Some(text.clone()),
                    // Before templates are rendered numbers were written as such; after, they are values of one.
                    (kind, _) if self.rendered => rendered_text(kind),
                    (kind, Shape::Coerced) => scalar_text(kind),
                    _ => None,
                };
                match text {
                    Some(text) => Value::String(text),
                    None => self.unexpected(node, path, "text", &[]),
                }
            }
            Shape::Checked(accept) => match scalar_text(&node.kind) {
                Some(text) => {
                    if let Err(message) = accept(&text) {
                        self.report(node.at, path, message);
                    }
                    Value::String(text)
                }
                None => self.unexpected(node, path, "text", &[]),
            },
            Shape::Slug(max) => self.slug(node, *max, path),
            Shape::Int { min, max } => self.int(node, *min, *max, path),
            Shape::Positive => match as_number(&node.kind) {
                Some(number) if number.as_f64().is_some_and(|n| n >= 0.0) => Value::Number(number),
                _ => self.unexpected(node, path, "a number that is not negative", &[]),
            },
            Shape::Bool => match as_bool(&node.kind) {
                Some(flag) => Value::Bool(flag),
                None => self.unexpected(node, path, "true or false", &["true", "false"]),
            },
            Shape::Choice(words) => match node.text() {
                Some(text) if words.contains(&text) => Value::String(text.to_owned()),
                _ => self.unexpected(node, path, &one_of(words), words),
            },
            Shape::Quantity => self.quantity(node, path),
            Shape::Range => {
                let text = scalar_text(&node.kind).unwrap_or_default();
                let mut parts = text.splitn(2, "..").map(|part| part.trim().parse::<Quantity>());
                if !text.contains("...")
                    && parts.all(|part| part.is_ok_and(|quantity| !quantity.is_negative()))
                {
                    Value::String(text)
                } else {
                    self.unexpected(node, path, "a quantity, or request..limit (as 500m..1)", &[])
                }
            }
            Shape::List(item) => match &node.kind {
                Kind::List(items) => Value::Array(
                    items
                        .iter()
                        .enumerate()
                        .map(|(index, value)| self.check(value, item, &format!("{path}[{index}]")))
                        .collect(),
                ),
                _ => self.unexpected(node, path, "a list", &[]),
            },
            Shape::Texts => match &node.kind {
                Kind::List(_) => self.check(node, &Shape::List(&Shape::Coerced), path),
                other => match scalar_text(other) {
                    Some(_) if self.rendered => Value::Array(vec![self.check(node, &Shape::Coerced, path)]),
                    Some(text) => Value::Array(vec![Value::String(text)]),
                    None => self.unexpected(node, path, "text or a list of texts", &[]),
                },
            },
            Shape::Dict(value) => match &node.kind {
                Kind::Map(entries) => self.dict(entries, value, path),
                _ => self.unexpected(node, path, "a mapping", &[]),
            },
            Shape::Object(object) => match &node.kind {
                Kind::Map(entries) => self.object(node, entries, object, path),
                _ => self.unexpected(node, path, "a mapping", &[]),
            },
            Shape::Either(one, other) => {
                let chosen = if same_kind(&node.kind, one) { one } else { other };
                self.check(node, chosen, path)
            }
            Shape::Written(inner) => self.check_written(node, inner, path),
            Shape::Plain(inner) => {
                let templates = std::mem::replace(&mut self.templates, false);
                let value = self.check(node, inner, path);
                self.templates = templates;
                value
            }
            Shape::Run => super::schema::check_run(self, node, path),
            // Reported with the field's own place, by `object`.
            Shape::Later => Value::Null,
        }
    }

    fn slug(&mut self, node: &Node, max: usize, path: &str) -> Value {
        match scalar_text(&node.kind) {
            Some(text)
                if !text.is_empty()
                    && text.chars().count() <= max
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
            {
                Value::String(text)
            }
            _ => self.unexpected(node, path, &format!("1 to {max} of a-z, A-Z, 0-9, `-`, `_`"), &[]),
        }
    }

    fn int(&mut self, node: &Node, min: i64, max: i64, path: &str) -> Value {
        match as_number(&node.kind).as_ref().and_then(whole) {
            Some(number) if (min..=max).contains(&number) => Value::from(number),
            _ => {
                let expected = match (min, max) {
                    (i64::MIN, i64::MAX) => "a whole number".to_owned(),
                    (min, i64::MAX) => format!("a whole number from {min}"),
                    (min, max) => format!("a whole number from {min} to {max}"),
                };
                self.unexpected(node, path, &expected, &[])
            }
        }
    }

    fn quantity(&mut self, node: &Node, path: &str) -> Value {
        match scalar_text(&node.kind).map(|text| text.parse::<Quantity>()) {
            Some(Ok(quantity)) if !quantity.is_negative() => node.to_value(),
            Some(Err(error @ crate::quantity::ParseQuantityError::TooLarge(_))) => {
                self.report(node.at, path, error.to_string());
                Value::Null
            }
            _ => self.unexpected(node, path, "a quantity (as 500m, 2, 1.5Gi)", &[]),
        }
    }

    fn dict(&mut self, entries: &[Entry], shape: &'static Shape, path: &str) -> Value {
        let mut map = Map::new();
        for entry in entries {
            if entry.value.kind == Kind::Null && !matches!(shape, Shape::Any) {
                continue;
            }
            let value = self.check(&entry.value, shape, &join(path, &entry.key));
            map.insert(entry.key.clone(), value);
        }
        Value::Object(map)
    }

    /// Checks the fields of an object.
    pub(crate) fn object(
        &mut self,
        node: &Node,
        entries: &[Entry],
        object: &'static Object,
        path: &str,
    ) -> Value {
        let mut map = Map::new();
        for entry in entries {
            let field = join(path, &entry.key);
            let Some(shape) = object.field(&entry.key) else {
                if object.open {
                    map.insert(entry.key.clone(), entry.value.to_value());
                } else {
                    self.unknown(entry, object, &field);
                }
                continue;
            };
            if entry.value.kind == Kind::Null {
                continue;
            }
            if matches!(shape, Shape::Later) {
                if !entry.value.is_empty() {
                    let name = &entry.key;
                    self.report(
                        entry.at.or(entry.value.at),
                        &field,
                        format!("`{name}` is not supported yet"),
                    );
                }
                continue;
            }
            let value = self.check(&entry.value, shape, &field);
            if !value.is_null() {
                map.insert(entry.key.clone(), value);
            }
        }
        for &name in object.required {
            if node.get(name).is_none() {
                self.report(node.at, &join(path, name), "required, but not given".to_owned());
            }
        }
        Value::Object(map)
    }

    fn unknown(&mut self, entry: &Entry, object: &'static Object, path: &str) {
        let names: Vec<&'static str> = object.names().collect();
        let nearest = nearest(&entry.key, &names);
        let found = shown(&entry.key);
        let hint = match nearest {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("allowed are {}", names.join(", ")),
        };
        self.push(SpecError {
            line: entry.at.map(|place| place.line),
            column: entry.at.map(|place| place.column),
            message: format!("unknown field `{found}`; {hint}"),
            found: Some(found),
            allowed: names.iter().map(|&name| name.to_owned()).collect(),
            ..SpecError::new(path, "")
        });
    }
}

/// Whether a value is of the kind that a shape wants, for choosing between two.
fn same_kind(kind: &Kind, shape: &Shape) -> bool {
    match shape {
        Shape::List(_) | Shape::Texts => matches!(kind, Kind::List(_)),
        Shape::Dict(_) | Shape::Object(_) | Shape::Run => matches!(kind, Kind::Map(_)),
        Shape::Text | Shape::Choice(_) | Shape::Slug(_) => matches!(kind, Kind::Text(_)),
        _ => !matches!(kind, Kind::List(_) | Kind::Map(_)),
    }
}

/// A scalar as text, as a shell or a label wants it.
pub(crate) fn scalar_text(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Number(number) => Some(number.to_string()),
        Kind::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A scalar as a template prints it.
fn rendered_text(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Number(number) => Some(crate::compile::python_number(number)),
        Kind::Bool(true) => Some("True".to_owned()),
        Kind::Bool(false) => Some("False".to_owned()),
        _ => None,
    }
}

/// A number, also one that is written as text.
fn as_number(kind: &Kind) -> Option<Number> {
    match kind {
        Kind::Number(number) => Some(number.clone()),
        Kind::Text(text) if text.len() <= 40 => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Some(whole.into());
            }
            if !text.bytes().all(|b| b.is_ascii_digit() || b".+-eE".contains(&b)) {
                return None;
            }
            text.parse::<f64>().ok().and_then(Number::from_f64)
        }
        _ => None,
    }
}

/// The whole number that a number is, if it is one.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and within 2^53, where floats are exact"
    )]
    (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
}

/// A boolean, also one of the words that Polyaxon's own client reads as one.
fn as_bool(kind: &Kind) -> Option<bool> {
    match kind {
        Kind::Bool(flag) => Some(*flag),
        Kind::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// `a`, `a or b`, `one of a, b, c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [only] => format!("`{only}`"),
        [one, other] => format!("`{one}` or `{other}`"),
        many => format!("one of {}", many.join(", ")),
    }
}

/// The allowed name that a mistyped one most probably means.
pub(crate) fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    if found.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    let wanted = plain(found);
    let budget = 1 + wanted.len() / 4;
    if wanted.len() >= 3
        && let Some(name) = allowed.iter().find(|name| plain(name).starts_with(&wanted))
    {
        return Some(name);
    }
    allowed
        .iter()
        .map(|&name| (distance(&wanted, &plain(name)), name))
        .filter(|(far, _)| *far <= budget && *far < wanted.len())
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// Levenshtein's edit distance (Soviet Physics Doklady 10, 1966), row by row.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
