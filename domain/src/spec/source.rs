//! From bytes to a tree: YAML and JSON, within budgets.
//!
//! Aliases, depth, size, duplicate keys and character encoding are dealt with here, before anything looks at the
//! meaning. YAML is read by the rules of YAML 1.2 (`yes` and `on` are text); merge keys (`<<`) work.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Spanned, with_deserializer_from_str_with_options};

use super::error::{SpecError, SpecErrors};
use super::node::{Entry, Kind, Node, Place};
use super::{Format, Limits};
use crate::json;

/// Reads a document.
pub(crate) fn read(text: &str, format: Format, limits: &Limits) -> Result<Node, SpecErrors> {
    if text.len() > limits.max_document_bytes {
        return Err(too_large(text.len(), limits));
    }
    let node = match format {
        Format::Json => json(text, limits)?,
        Format::Yaml => yaml(text, limits)?,
        Format::Auto if text.trim_start().starts_with('{') => match json(text, limits) {
            Ok(node) => node,
            // A YAML flow mapping begins like JSON; a quoted first key means that JSON was meant.
            Err(error) if text.trim_start()[1..].trim_start().starts_with('"') => return Err(error),
            Err(_) => yaml(text, limits)?,
        },
        Format::Auto => yaml(text, limits)?,
    };
    if node.kind == Kind::Null {
        return Err(SpecErrors::one("", "the document is empty; expected an operation or a component"));
    }
    Ok(node)
}

pub(crate) fn too_large(bytes: usize, limits: &Limits) -> SpecErrors {
    let most = limits.max_document_bytes;
    SpecErrors::one("", format!("the document has {bytes} bytes; allowed are at most {most}"))
}

fn json(text: &str, limits: &Limits) -> Result<Node, SpecErrors> {
    // A value takes two bytes of text, and some hundred of memory: count before keeping.
    if text.len() / 2 > limits.max_nodes {
        let left = Cell::new(limits.max_nodes);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let counted = Weigh { left: &left, by: Measure::Values }.deserialize(&mut deserializer);
        if counted.is_err() && left.get() == 0 {
            return Err(SpecErrors::one("", too_many(limits)));
        }
        counted.map_err(|error| json_error(&error, limits))?;
    }
    let Located::<false>(node) = serde_json::from_str(text).map_err(|error| json_error(&error, limits))?;
    if depth(&node) > limits.max_depth {
        return Err(too_deep(limits, None));
    }
    Ok(node)
}

fn json_error(error: &serde_json::Error, limits: &Limits) -> SpecErrors {
    let at = Some(Place { line: error.line() as u64, column: error.column() as u64 });
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    if message.contains("recursion limit") {
        return too_deep(limits, at);
    }
    place(at, format!("the document is not valid JSON: {message}"))
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
        _ => 0,
    }
}

fn too_deep(limits: &Limits, at: Option<Place>) -> SpecErrors {
    let message =
        format!("the document is nested too deeply; allowed are at most {} levels", limits.max_depth);
    place(at, message)
}

fn options(limits: &Limits) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits.max_depth,
            flow_nesting_limit: limits.max_depth,
            max_documents: 1,
            max_nodes: limits.max_nodes,
            max_events: limits.max_nodes * 2,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits.max_nodes,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// Stack for reading YAML, in bytes: the reader recurses, and a level takes some 40 KiB of it in a build without
/// optimizations, more than the threads of callers have for the depth that is allowed.
const YAML_STACK: usize = 16 << 20;

fn yaml(text: &str, limits: &Limits) -> Result<Node, SpecErrors> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("yaml".to_owned())
            .stack_size(YAML_STACK)
            .spawn_scoped(scope, || yaml_here(text, limits))
            .map_err(|error| SpecErrors::one("", format!("the document can't be read now: {error}")))?;
        reader.join().unwrap_or_else(|_| Err(SpecErrors::one("", "the document is not valid YAML")))
    })
}

fn yaml_here(text: &str, limits: &Limits) -> Result<Node, SpecErrors> {
    if text.contains('&') && text.contains('*') {
        // Aliases multiply text, not only nodes: weigh the expanded document before anything of it is kept.
        let left = Cell::new(limits.max_document_bytes);
        with_deserializer_from_str_with_options(text, options(limits), |deserializer| {
            Weigh { left: &left, by: Measure::Bytes }.deserialize(deserializer)
        })
        .map_err(|error| yaml_error(&error, limits))?;
    }
    let Located::<true>(node) = serde_saphyr::from_str_with_options(text, options(limits))
        .map_err(|error| yaml_error(&error, limits))?;
    Ok(node)
}

const TOO_MANY_ALIASES: &str = "the document expands its aliases too often";

fn place(at: Option<Place>, message: String) -> SpecErrors {
    SpecError { line: at.map(|p| p.line), column: at.map(|p| p.column), ..SpecError::new("", message) }.into()
}

fn too_many(limits: &Limits) -> String {
    format!("the document has too many values; allowed are at most {}", limits.max_nodes)
}

fn yaml_error(error: &serde_saphyr::Error, limits: &Limits) -> SpecErrors {
    use serde_saphyr::Error as E;
    use serde_saphyr::budget::BudgetBreach as Breach;

    let error = error.without_snippet();
    let at =
        error.location().filter(|at| at.line() > 0).map(|at| Place { line: at.line(), column: at.column() });
    let message = match error {
        E::Budget { breach: Breach::Depth { .. }, .. } => return too_deep(limits, at),
        E::Budget { breach: Breach::Nodes { .. } | Breach::Events { .. }, .. } => too_many(limits),
        E::Budget { breach: Breach::Documents { .. }, .. } | E::MultipleDocuments { .. } => {
            "the file holds several documents; give one".to_owned()
        }
        E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. }
        | E::AliasReplayCounterOverflow { .. }
        | E::Budget {
            breach: Breach::Aliases { .. } | Breach::Anchors { .. } | Breach::AliasAnchorRatio { .. },
            ..
        } => TOO_MANY_ALIASES.to_owned(),
        E::DuplicateMappingKey { key, .. } => match key {
            Some(key) => format!("the key `{key}` is given twice"),
            None => "a key is given twice".to_owned(),
        },
        E::Eof { .. } => "the document is empty; expected an operation or a component".to_owned(),
        other => {
            let text = other.to_string();
            if text.contains("recursion limit") || (text.contains("nest") && text.contains("limit")) {
                return too_deep(limits, at);
            }
            // Errors inside of an expanded alias come wrapped.
            if text.contains("alias replay") {
                return place(at, TOO_MANY_ALIASES.to_owned());
            }
            // The location is said apart.
            let text = text.split(" at line ").next().unwrap_or(&text);
            format!("the document is not valid YAML: {}", super::node::shown_long(text))
        }
    };
    place(at, message)
}

/// A node read from a format that has places (`true`) or not (`false`).
struct Located<const PLACES: bool>(Node);

impl<'de, const PLACES: bool> Deserialize<'de> for Located<PLACES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if PLACES {
            let spanned = Spanned::<Bare<PLACES>>::deserialize(deserializer)?;
            let at = spanned.referenced;
            let at = (at.line() > 0).then(|| Place { line: at.line(), column: at.column() });
            Ok(Self(Node { kind: spanned.value.0, at }))
        } else {
            Ok(Self(Node { kind: Bare::<PLACES>::deserialize(deserializer)?.0, at: None }))
        }
    }
}

/// The value of a node.
struct Bare<const PLACES: bool>(Kind);

impl<'de, const PLACES: bool> Deserialize<'de> for Bare<PLACES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build::<PLACES>).map(Self)
    }
}

struct Build<const PLACES: bool>;

impl<'de, const PLACES: bool> Visitor<'de> for Build<PLACES> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Kind, E> {
        Number::from_f64(number)
            .map(Kind::Number)
            .ok_or_else(|| E::custom("a number must be finite; write it as text if it is meant as such"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(Located::<PLACES>(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let (key, at) = if PLACES {
                let Some(key) = map.next_key::<Spanned<String>>()? else { break };
                let at = key.referenced;
                (key.value, (at.line() > 0).then(|| Place { line: at.line(), column: at.column() }))
            } else {
                let Some(key) = map.next_key::<String>()? else { break };
                (key, None)
            };
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format_args!(
                    "the key `{}` is given twice",
                    super::node::shown(&key)
                )));
            }
            if key == json::MAGIC {
                return Err(de::Error::custom(json::refusal()));
            }
            let Located::<PLACES>(value) = map.next_value()?;
            entries.push(Entry { key, at, value });
        }
        Ok(Kind::Map(entries))
    }
}

/// Counts what a document holds, aliases expanded, and keeps nothing.
#[derive(Clone, Copy)]
struct Weigh<'a> {
    /// How much of it is still allowed.
    left: &'a Cell<usize>,
    by: Measure,
}

#[derive(Clone, Copy, PartialEq)]
enum Measure {
    Bytes,
    Values,
}

impl Weigh<'_> {
    fn take<E: de::Error>(self, bytes: usize) -> Result<(), E> {
        let weight = if self.by == Measure::Bytes { bytes } else { 1 };
        if let Some(left) = self.left.get().checked_sub(weight) {
            self.left.set(left);
            return Ok(());
        }
        self.left.set(0);
        Err(E::custom("its aliases expand to more text than is allowed"))
    }
}

impl<'de> DeserializeSeed<'de> for Weigh<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigh<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.take(1)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.take(1)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.take(8)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.take(8)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.take(8)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.take(text.len() + 1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.take(1)?;
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.take(1)?;
        loop {
            let is_some = match self.by {
                Measure::Bytes => map.next_key_seed(self)?.is_some(),
                Measure::Values => map.next_key::<IgnoredAny>()?.is_some(),
            };
            if !is_some {
                break;
            }
            map.next_value_seed(self)?;
        }
        Ok(())
    }
}
