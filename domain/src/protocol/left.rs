//! What is asked of an agent replica about the files that a run left in the agent's artifacts store, and how it answers.
//!
//! The answer to either request begins with a [`Left`] as one line of JSON that ends with `\n` and is cut into chunks
//! anywhere; behind [`Left::File`] the file's bytes follow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::RunId;

/// The most entries that one answer lists.
pub const MAX_LISTED: usize = 10_000;

/// Asks what is in a folder of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRequest {
    /// The run.
    pub run: RunId,
    /// The folder below the run's own; empty for that one.
    #[serde(default)]
    pub path: String,
    /// Whether all files below are wanted, by their paths from the folder on, and no folders.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deep: bool,
}

/// Asks for a file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// The run.
    pub run: RunId,
    /// The file, below the run's own folder.
    pub path: String,
}

/// What there is of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Left {
    /// The agent has no artifacts store that it could look into.
    NoStore,
    /// Nothing of that name, or no name that could be there.
    Nothing,
    /// A folder.
    Folder {
        /// Its files with their sizes in bytes.
        #[serde(default)]
        files: BTreeMap<String, u64>,
        /// The folders in it.
        #[serde(default)]
        dirs: Vec<String>,
        /// Whether there are more than [`MAX_LISTED`], of which the rest is left out.
        #[serde(default)]
        is_cut: bool,
    },
    /// A file, whose bytes follow.
    File {
        /// Its size in bytes.
        bytes: u64,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_survive_the_wire() {
        let folder =
            Left::Folder { files: [("a.txt".to_owned(), 3)].into(), dirs: vec!["b".into()], is_cut: false };
        for left in [Left::NoStore, Left::Nothing, folder, Left::File { bytes: 9 }] {
            let text = serde_json::to_string(&left).unwrap();
            assert!(!text.contains('\n'), "one line: {text}");
            assert_eq!(serde_json::from_str::<Left>(&text).unwrap(), left);
        }
        let asked: FolderRequest = serde_json::from_value(json!({ "run": RunId::new() })).unwrap();
        assert_eq!((asked.path.as_str(), asked.deep), ("", false));
    }
}
