//! The new lines of a file that grows.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// Reads a file on from where it was read last.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    at: u64,
    /// The beginning of a line that is not whole yet.
    rest: String,
}

impl Tail {
    /// From the file's beginning; it need not be there yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, at: 0, rest: String::new() }
    }

    /// The whole lines that were written since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.at)).unwrap();
        self.at += file.read_to_end(&mut bytes).unwrap() as u64;
        self.rest.push_str(&String::from_utf8_lossy(&bytes));
        let Some(end) = self.rest.rfind('\n') else { return Vec::new() };
        let rest = self.rest.split_off(end + 1);
        let lines = self.rest.lines().map(str::to_owned).collect();
        self.rest = rest;
        lines
    }
}
