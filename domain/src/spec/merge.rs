//! Patch strategies: how one document is laid over another.
//!
//! Source: Polyaxon's `PatchStrategy`. Models (a run, an environment, a container, ...) are merged field by field
//! under every strategy; what they hold, by the strategy:
//!
//! | strategy | a field that both have | lists | free mappings |
//! |---|---|---|---|
//! | `replace` | the patch's | the patch's | the patch's |
//! | `isnull` | the document's | the document's | the document's |
//! | `post_merge` | the patch's | the document's, then what the patch adds | merged, the patch wins |
//! | `pre_merge` | the document's | the patch's, then what the document adds | merged, the document wins |
//!
//! A null in a patch clears the field under `replace` and `post_merge`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a patch is laid over a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchStrategy {
    /// The patch's fields take the place of the document's.
    Replace,
    /// Only what the document leaves open is filled in.
    #[serde(rename = "isnull")]
    IsNull,
    /// Both are merged; where they differ the patch wins.
    #[default]
    PostMerge,
    /// Both are merged; where they differ the document wins.
    PreMerge,
}

/// The fields that hold models: merged field by field under every strategy.
const MODELS: [&str; 10] = [
    "run",
    "component",
    "environment",
    "container",
    "termination",
    "cache",
    "plugins",
    "culling",
    "probe",
    "template",
];

/// Lays a patch over a document.
pub(crate) fn merge(document: &mut Map<String, Value>, patch: &Map<String, Value>, strategy: PatchStrategy) {
    for (key, new) in patch {
        match document.get_mut(key) {
            None | Some(Value::Null) => {
                if !new.is_null() {
                    document.insert(key.clone(), new.clone());
                }
            }
            Some(old) => {
                if new.is_null() {
                    if matches!(strategy, PatchStrategy::Replace | PatchStrategy::PostMerge) {
                        document.remove(key);
                    }
                } else {
                    merge_field(key, old, new, strategy);
                }
            }
        }
    }
}

fn merge_field(key: &str, old: &mut Value, new: &Value, strategy: PatchStrategy) {
    use PatchStrategy::{IsNull, PostMerge, PreMerge, Replace};

    match (old, new, strategy) {
        (Value::Object(old), Value::Object(new), PostMerge | PreMerge) => merge(old, new, strategy),
        (Value::Object(old), Value::Object(new), _) if MODELS.contains(&key) => merge(old, new, strategy),
        (Value::Array(old), Value::Array(new), PostMerge) => {
            let added: Vec<Value> = new.iter().filter(|item| !old.contains(item)).cloned().collect();
            old.extend(added);
        }
        (Value::Array(old), Value::Array(new), PreMerge) => {
            let kept: Vec<Value> = old.iter().filter(|item| !new.contains(item)).cloned().collect();
            *old = new.iter().cloned().chain(kept).collect();
        }
        (old, new, Replace | PostMerge) => *old = new.clone(),
        (_, _, IsNull | PreMerge) => {}
    }
}
