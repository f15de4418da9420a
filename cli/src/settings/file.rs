//! The YAML file: one mapping of keys to values, every key known. What values mean is not decided here.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::nearest;
use super::resolve::{Error, Origin, Value};
use super::table::{SETTINGS, Setting};

/// A value as it stands in the file, as text.
#[derive(Debug)]
enum Raw {
    Text(String),
    Nothing,
    Nested,
}

/// The whole file, in its order, with doubles.
struct Entries(Vec<(Spanned<String>, Spanned<Raw>)>);

/// Reads the file; every key must be one of the table's, or a secret's key with `_file`.
pub(super) fn parse(path: &str, text: &str) -> Result<BTreeMap<String, Value>, Error> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(BTreeMap::new());
    }
    let at = |line: u64, message: String| Error::File { path: path.to_owned(), line, message };
    let entries: Entries = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let text = error.to_string();
        at(line, format!("not a mapping of settings: {}", text.lines().next().unwrap_or_default()))
    })?;
    let mut values = BTreeMap::new();
    for (key, value) in entries.0 {
        let line = key.referenced.line();
        let key = key.value;
        if !is_known(&key) {
            return Err(at(line, unknown(&key)));
        }
        let text = match value.value {
            Raw::Text(text) => text,
            Raw::Nothing => return Err(at(line, format!("`{key}` has no value"))),
            Raw::Nested => {
                return Err(at(line, format!("`{key}` takes a text, a number or a list of texts")));
            }
        };
        let origin = Origin::File { path: path.to_owned(), line };
        if values.insert(key.clone(), Value { text, origin }).is_some() {
            return Err(at(line, format!("`{key}` is given twice")));
        }
    }
    Ok(values)
}

fn is_known(key: &str) -> bool {
    Setting::by_key(key).is_some()
        || key.strip_suffix("_file").and_then(Setting::by_key).is_some_and(|setting| setting.secret)
}

fn unknown(key: &str) -> String {
    let shown: String = key.chars().take(64).collect();
    match nearest(key, SETTINGS.iter().map(|setting| setting.key)) {
        Some(near) => format!("unknown setting `{shown}`; did you mean `{near}`?"),
        None => format!("unknown setting `{shown}`; `berth config show` lists all"),
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping;
        impl<'de> Visitor<'de> for Mapping {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys with values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Mapping)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl<'de> Visitor<'de> for Scalar {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Nothing)
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut texts = Vec::new();
                while let Some(item) = items.next_element::<Raw>()? {
                    match item {
                        Raw::Text(text) => texts.push(text),
                        Raw::Nothing | Raw::Nested => return drain(items),
                    }
                }
                Ok(Raw::Text(texts.join(",")))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                while map.next_entry::<Raw, Raw>()?.is_some() {}
                Ok(Raw::Nested)
            }
        }

        fn drain<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Raw, A::Error> {
            while items.next_element::<Raw>()?.is_some() {}
            Ok(Raw::Nested)
        }

        deserializer.deserialize_any(Scalar)
    }
}
