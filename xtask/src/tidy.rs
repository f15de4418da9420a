//! Runs every check of the source tree. Each concern has its own file; this one only collects their findings.

use std::fmt;
use std::path::Path;

pub mod documents;
mod layering;
mod migrations;
mod shape;
mod supply;
mod tree;
mod wording;

pub use tree::{Source, Tree};

/// Something that breaks a rule of the house.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the root of the tree.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what is right.
    pub message: String,
}

impl Finding {
    /// A finding about a whole file.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, message: message.into() }
    }

    /// A finding about one line, counted from 1.
    #[must_use]
    pub fn at(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// Checks the tree below `root`, sorted by file and line.
///
/// # Errors
/// If a file or folder can't be read.
pub fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    Ok(check_tree(&Tree::read(root)?))
}

/// Checks a tree that is in memory already.
#[must_use]
pub fn check_tree(tree: &Tree) -> Vec<Finding> {
    let checks =
        [layering::check, shape::check, wording::check, documents::check, migrations::check, supply::check];
    let mut findings: Vec<Finding> = checks.iter().flat_map(|check| check(tree)).collect();
    findings.sort();
    findings
}
