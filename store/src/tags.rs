//! Lists of words in a JSON column: as an object, since a bare value would not survive SQLite's affinity.

use serde::{Deserialize, Serialize};

/// `{"list": [...]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tags {
    list: Vec<String>,
}

impl Tags {
    pub(crate) fn of(list: &[String]) -> Self {
        Self { list: list.to_vec() }
    }

    pub(crate) fn into_list(self) -> Vec<String> {
        self.list
    }
}
