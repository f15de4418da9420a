//! Origins: which layer each field of a compiled operation comes from.
//!
//! They are found beside the merging, not by it: after each layer, whatever changed is that layer's, and what stayed
//! is whose it was. So there is one way to merge, and a field's origin can't disagree with its value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::spec::join;

/// Who gave a field its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The defaults of the agent.
    Agent,
    /// The defaults of the queue.
    Queue,
    /// A saved preset.
    Preset(String),
    /// The component, and what is written beside it as a shortcut.
    Component,
    /// The operation: its own fields and its `runPatch`.
    Operation,
    /// A param, by `toEnv` or `toInit`.
    Param,
    /// Nobody: Berth's own default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => f.write_str("agent"),
            Self::Queue => f.write_str("queue"),
            Self::Preset(name) => write!(f, "preset:{name}"),
            Self::Component => f.write_str("component"),
            Self::Operation => f.write_str("operation"),
            Self::Param => f.write_str("param"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The origins of a compiled operation by field path. Where everything below a field has one origin, only the field
/// itself is named.
pub type Origins = BTreeMap<String, Origin>;

/// The origins of a document, in its own form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// Of a scalar, or of all that a template becomes.
    Leaf(Origin),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
}

impl Tree {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Self::Map(BTreeMap::new())
    }

    fn all(value: &Value, origin: &Origin) -> Self {
        match value {
            Value::Object(fields) => {
                Self::Map(fields.iter().map(|(key, value)| (key.clone(), Self::all(value, origin))).collect())
            }
            Value::Array(items) => Self::List(items.iter().map(|item| Self::all(item, origin)).collect()),
            _ => Self::Leaf(origin.clone()),
        }
    }

    /// The origins of what `before`, which these are of, has become by `origin`.
    pub(super) fn after(&self, before: &Value, after: &Value, origin: &Origin) -> Self {
        match (self, before, after) {
            (Self::Leaf(own), Value::Object(_) | Value::Array(_), _) => {
                Self::all(before, own).after(before, after, origin)
            }
            (Self::Map(tree), Value::Object(old), Value::Object(new)) => Self::Map(
                new.iter()
                    .map(|(key, value)| {
                        let known = tree.get(key).zip(old.get(key));
                        let origins = known.map_or_else(
                            || Self::all(value, origin),
                            |(tree, old)| tree.after(old, value, origin),
                        );
                        (key.clone(), origins)
                    })
                    .collect(),
            ),
            (Self::List(trees), Value::Array(old), Value::Array(new)) => {
                let mut free: Vec<Option<(&Value, &Self)>> = old.iter().zip(trees).map(Some).collect();
                let mut next = 0;
                let mut take = |item: &Value| {
                    // Lists are kept, cut or added to: the item after the last one found is most often it.
                    let is_it = |slot: &Option<(&Value, &Self)>| slot.is_some_and(|(old, _)| old == item);
                    let at =
                        if free.get(next).is_some_and(is_it) { next } else { free.iter().position(is_it)? };
                    next = at + 1;
                    free[at].take().map(|(_, tree)| tree.clone())
                };
                Self::List(
                    new.iter().map(|item| take(item).unwrap_or_else(|| Self::all(item, origin))).collect(),
                )
            }
            (tree, old, new) if old == new => tree.clone(),
            (_, _, new) => Self::all(new, origin),
        }
    }

    /// The origins of a finished document, whose fields these are of as far as it was merged.
    pub(super) fn flat(&self, document: &Map<String, Value>) -> Origins {
        let mut origins = Origins::new();
        for (key, value) in document {
            let tree = self.child(key);
            match (key.as_str(), value) {
                // Says nothing, or is dealt with by whoever declared it.
                ("kind" | "inputs" | "outputs" | "contexts", _) => {}
                ("run", Value::Object(run)) => {
                    for (field, value) in run {
                        collect(
                            &join("run", field),
                            value,
                            tree.and_then(|run| run.child(field)),
                            &mut origins,
                        );
                    }
                }
                _ => collect(key, value, tree, &mut origins),
            }
        }
        origins
    }

    fn child(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Leaf(_) => Some(self),
            Self::Map(fields) => fields.get(key),
            Self::List(_) => None,
        }
    }

    fn item(&self, index: usize) -> Option<&Self> {
        match self {
            // One text may stand for a list of one.
            Self::Leaf(_) => Some(self),
            Self::List(items) => items.get(index),
            Self::Map(_) => None,
        }
    }
}

/// Notes the origins of a value, folded where they are all the same.
fn collect(path: &str, value: &Value, tree: Option<&Tree>, origins: &mut Origins) {
    let mut below = Origins::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                collect(&join(path, key), value, tree.and_then(|tree| tree.child(key)), &mut below);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                collect(&path, item, tree.and_then(|tree| tree.item(index)), &mut below);
            }
        }
        _ => {
            let origin = match tree {
                Some(Tree::Leaf(origin)) => origin.clone(),
                _ => Origin::Default,
            };
            origins.insert(path.to_owned(), origin);
            return;
        }
    }
    let mut found = below.values();
    match found.next() {
        Some(first) if found.all(|origin| origin == first) => {
            origins.insert(path.to_owned(), first.clone());
        }
        _ => origins.append(&mut below),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::spec::{PatchStrategy, merge};

    /// Documents whose scalars tell which layer they are of, so that a wrong origin shows.
    fn layer(name: &'static str) -> impl Strategy<Value = Map<String, Value>> {
        let text = (0..3_u8).prop_map(move |n| json!(format!("{name}-{n}")));
        let shared = prop::sample::select(vec![json!("same"), json!(1)]);
        let leaf = prop_oneof![3 => text, 1 => shared];
        let tree = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]|environment|run", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-c]|environment|run", tree, 0..5)
            .prop_map(|fields| fields.into_iter().collect())
    }

    fn strategy() -> impl Strategy<Value = PatchStrategy> {
        use PatchStrategy::{IsNull, PostMerge, PreMerge, Replace};
        prop::sample::select(vec![Replace, IsNull, PostMerge, PreMerge])
    }

    fn leaves(value: &Value, tree: &Tree, found: &mut Vec<(Value, Origin)>) {
        match (value, tree) {
            (Value::Object(fields), Tree::Map(trees)) => {
                assert_eq!(fields.len(), trees.len());
                fields.iter().for_each(|(key, value)| leaves(value, &trees[key], found));
            }
            (Value::Array(items), Tree::List(trees)) => {
                assert_eq!(items.len(), trees.len());
                items.iter().zip(trees).for_each(|(item, tree)| leaves(item, tree, found));
            }
            (leaf, Tree::Leaf(origin)) => found.push((leaf.clone(), origin.clone())),
            other => panic!("not of one form: {other:?}"),
        }
    }

    fn holds(layer: &Value, leaf: &Value) -> bool {
        match layer {
            Value::Object(fields) => fields.values().any(|value| holds(value, leaf)),
            Value::Array(items) => items.iter().any(|value| holds(value, leaf)),
            scalar => scalar == leaf,
        }
    }

    proptest! {
        #[test]
        fn every_leaf_has_one_origin_and_its_value_is_that_ones(
            agent in layer("agent"), queue in layer("queue"), component in layer("component"),
            operation in layer("operation"), strategies in prop::collection::vec(strategy(), 4),
        ) {
            use Origin::{Agent, Component, Operation, Queue};
            let layers = [(Agent, agent), (Queue, queue), (Component, component), (Operation, operation)];
            let mut document = Map::new();
            let mut tree = Tree::new();
            for ((origin, layer), strategy) in layers.iter().zip(strategies) {
                let before = Value::Object(document.clone());
                merge(&mut document, layer, strategy);
                tree = tree.after(&before, &Value::Object(document.clone()), origin);
            }
            let mut found = Vec::new();
            leaves(&Value::Object(document.clone()), &tree, &mut found);
            for (leaf, origin) in found {
                let (_, layer) = layers.iter().find(|(of, _)| *of == origin).unwrap();
                prop_assert!(holds(&Value::Object(layer.clone()), &leaf), "{leaf} is not {origin}'s");
                if let Some(text) = leaf.as_str().filter(|text| *text != "same") {
                    prop_assert!(text.starts_with(&origin.to_string()), "{text} is not {origin}'s");
                }
            }
        }
    }

    #[test]
    fn fields_of_one_origin_are_folded_and_what_nobody_merged_is_a_default() {
        let document = json!({"a": {"b": 1, "c": [1, {"d": 2}]}, "run": {"x": {"y": 1}}, "new": true});
        let mut tree =
            Tree::new().after(&json!({}), &json!({"a": {"b": 1}, "run": {"x": {"y": 1}}}), &Origin::Queue);
        assert_eq!(tree.child("a"), Some(&Tree::all(&json!({"b": 1}), &Origin::Queue)));
        let before = json!({"a": {"b": 1}, "run": {"x": {"y": 1}}});
        let after = json!({"a": {"b": 1, "c": [1, {"d": 2}]}, "run": {"x": {"y": 1}}});
        tree = tree.after(&before, &after, &Origin::Operation);
        let flat = tree.flat(document.as_object().unwrap());
        assert_eq!(
            serde_json::to_value(flat).unwrap(),
            json!({"a.b": "queue", "a.c": "operation", "run.x": "queue", "new": "default"})
        );
    }
}
