//! A message's header table.
//!
//! A task has twenty headers, and most of them are short or empty: a map of owned names costs more than reading
//! all the rest of a message. So this is a sorted list, and the names that Celery has are not copied.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// A header's name.
pub type Name = Cow<'static, str>;

/// The headers that a task of Celery has; none of any other name.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    macro_rules! among {
        ($($known:literal)*) => {
            match name {
                $($known => Some($known),)*
                _ => None,
            }
        };
    }
    among! {
        "lang" "task" "id" "shadow" "eta" "expires" "group" "group_index" "retries" "timelimit" "root_id" "parent_id"
        "argsrepr" "kwargsrepr" "origin" "ignore_result" "replaced_task_nesting" "stamped_headers" "stamps"
        "compression"
    }
}

fn owned(name: &str) -> Name {
    known(name).map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// Headers by name, in the order of the names; each once. Of several of one name the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Vec<(Name, Value)>);

impl Headers {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    /// Headers as they come from a broker.
    pub(crate) fn read<'a>(headers: impl Iterator<Item = (&'a str, Value)>) -> Self {
        headers.map(|(name, value)| (owned(name), value)).collect()
    }

    /// The value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is a header.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a header; returns what it was.
    pub fn insert(&mut self, name: impl Into<Name>, value: Value) -> Option<Value> {
        let name = name.into();
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// Removes a header; returns what it was.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Their names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Puts those that were added at the end in their places.
    fn settle(&mut self) {
        // Stable, and the last of a name is moved over those before it. Sorted at once, however many there are: somebody else
        // says how many.
        self.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.0.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(&mut later.1, &mut kept.1);
            }
            is_same
        });
    }
}

impl<N: Into<Name>> Extend<(N, Value)> for Headers {
    fn extend<I: IntoIterator<Item = (N, Value)>>(&mut self, headers: I) {
        self.0.extend(headers.into_iter().map(|(name, value)| (name.into(), value)));
        self.settle();
    }
}

impl IntoIterator for Headers {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<N: Into<Name>> FromIterator<(N, Value)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(headers: I) -> Self {
        let mut all = Self::default();
        all.extend(headers);
        all
    }
}

impl From<Map<String, Value>> for Headers {
    fn from(map: Map<String, Value>) -> Self {
        map.into_iter().collect()
    }
}

impl From<&Headers> for Map<String, Value> {
    fn from(headers: &Headers) -> Self {
        headers.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers(Vec::with_capacity(map.size_hint().unwrap_or(20).min(64)));
        while let Some((Key(name), value)) = map.next_entry()? {
            headers.0.push((name, value));
        }
        headers.settle();
        Ok(headers)
    }
}

/// A name as it is read.
struct Key(Name);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(owned(name)))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_celery_has_are_not_copied() {
        let headers: Headers = serde_json::from_str(r#"{"task": "t", "mine": 1}"#).unwrap();
        assert!(matches!(headers.0[..], [(Cow::Owned(_), _), (Cow::Borrowed("task"), _)]), "{headers:?}");
    }

    proptest! {
        #[test]
        fn headers_are_as_a_map_of_the_same_entries_would_be(
            entries in prop::collection::vec(("(task|id|eta|[a-e])", any::<u8>()), 0..20),
            more in prop::collection::vec(("(task|id|[a-e])", any::<u8>()), 0..9),
            asked in "(task|id|[a-e])",
        ) {
            let pairs = |all: &[(String, u8)]| -> Vec<(String, Value)> {
                all.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
            };
            let text = {
                let each: Vec<String> = entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", each.join(","))
            };
            let mut map: Map<String, Value> = serde_json::from_str(&text).unwrap();
            let mut headers: Headers = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&headers, &pairs(&entries).into_iter().collect::<Headers>());
            map.extend(pairs(&more));
            headers.extend(pairs(&more));
            prop_assert_eq!(&Map::from(&headers), &map);
            prop_assert_eq!(&Headers::from(map.clone()), &headers);
            prop_assert_eq!(json!(headers).to_string(), json!(map).to_string());
            prop_assert_eq!(headers.get(&asked), map.get(&asked));
            prop_assert_eq!(headers.insert(asked.clone(), json!("new")), map.insert(asked.clone(), json!("new")));
            prop_assert_eq!(headers.contains_key(&asked), map.contains_key(&asked));
            prop_assert_eq!(headers.remove(&asked), map.remove(&asked));
            prop_assert!(headers.keys().eq(map.keys()));
        }
    }
}
