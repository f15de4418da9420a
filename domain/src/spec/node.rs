//! A document as a tree that remembers where each value stood in the source.
//!
//! Every check works on this tree, whatever the document was written in; it knows nothing of operations.

use serde_json::{Map, Number, Value};

/// Line and column in a source, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A value, and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) at: Option<Place>,
}

/// A field of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stood.
    pub(crate) at: Option<Place>,
    pub(crate) value: Node,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl Node {
    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_value())).collect())
            }
        }
    }

    /// A value that came without a source.
    pub(crate) fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(flag) => Kind::Bool(*flag),
            Value::Number(number) => Kind::Number(number.clone()),
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(items) => Kind::List(items.iter().map(Self::from_value).collect()),
            Value::Object(map) => Self::from_map(map).kind,
        };
        Self { kind, at: None }
    }

    /// A mapping that came without a source.
    pub(crate) fn from_map(map: &Map<String, Value>) -> Self {
        let entries = map
            .iter()
            .map(|(key, value)| Entry { key: key.clone(), at: None, value: Self::from_value(value) })
            .collect();
        Self { kind: Kind::Map(entries), at: None }
    }

    /// The field of a mapping, unless it is absent or null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
            .filter(|value| value.kind != Kind::Null)
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// Whether it says nothing: null, no items, no fields, no text.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Null => true,
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Bool(_) | Kind::Number(_) => false,
        }
    }

    /// What it is, in words for an error: `the text "abc"`, `a list`.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing (null)".to_owned(),
            Kind::Bool(flag) => format!("the boolean {flag}"),
            Kind::Number(number) => format!("the number {number}"),
            Kind::Text(text) => format!("the text \"{}\"", shown(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// A text as an error may show it: short, on one line, without passwords.
pub(crate) fn shown(text: &str) -> String {
    shortened(text, 60)
}

/// The same for texts of libraries, which explain themselves at more length.
pub(crate) fn shown_long(text: &str) -> String {
    shortened(text, 300)
}

fn shortened(text: &str, length: usize) -> String {
    let masked = crate::redact::mask_value(text);
    let mut short = String::new();
    for c in masked.chars().take(length) {
        if c.is_control() { short.extend(c.escape_debug()) } else { short.push(c) }
    }
    if masked.chars().nth(length).is_some() {
        short.push_str("...");
    }
    short
}
