//! The files that the checks look at, read once. What is right or wrong about them is not decided here.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

/// Folders that hold nothing of ours: what is built, fetched or recorded.
const SKIPPED: &[&str] =
    &["target", ".git", ".cache", "node_modules", "dist", "__pycache__", "results", ".venv"];

/// One text file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path from the root, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// Whether its name ends so.
    #[must_use]
    pub fn ends(&self, suffix: &str) -> bool {
        self.path.ends_with(suffix)
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All text files below a folder, by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<String, Source>,
    others: Vec<String>,
}

impl Tree {
    /// Reads everything below `root`; what is not UTF-8 is only remembered by name.
    ///
    /// # Errors
    /// If a file or folder can't be read.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        Ok(tree)
    }

    /// A tree of the given paths and texts.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add((*path).to_owned(), (*text).to_owned());
        }
        tree
    }

    fn add(&mut self, path: String, text: String) {
        self.files.insert(path.clone(), Source { path, text });
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> anyhow::Result<()> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("can't list {}", folder.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let kind = entry.file_type().with_context(|| format!("can't look at {path}"))?;
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    self.walk(&entry.path(), &path)?;
                }
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).with_context(|| format!("can't read {path}"))?;
                match String::from_utf8(bytes) {
                    Ok(text) => self.add(path, text),
                    Err(_) => self.others.push(path),
                }
            }
        }
        Ok(())
    }

    /// Every text file, by path.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.values()
    }

    /// One text file.
    #[must_use]
    pub fn source(&self, path: &str) -> Option<&Source> {
        self.files.get(path)
    }

    /// Whether there is a file, or a folder with files, at `path`.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path)
            || self.others.iter().any(|other| other == path || other.starts_with(&folder))
            || self.files.keys().any(|file| file.starts_with(&folder))
    }
}
