//! Proof of execution written by the runs themselves: each appends a line when it starts and one when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A file that runs append to.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// A journal in `folder`, empty until a run writes to it.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(name) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A shell command that notes the run's start and end around `work`.
    ///
    /// `O_APPEND` writes of one short line are atomic on local file systems, so lines never mix.
    pub fn around(&self, work: &str) -> String {
        let path = self.path.display();
        format!(
            "echo \"start $BERTH_RUN $BERTH_ATTEMPT\" >> {path}; {work}; echo \"end $BERTH_RUN $BERTH_ATTEMPT\" >> {path}"
        )
    }

    /// Writes a line between those of the runs.
    ///
    /// # Panics
    /// If the file can't be written.
    pub fn note(&self, line: &str) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("can't write {}: {error}", self.path.display()));
    }

    /// Its lines: `start|end <run> <attempt>`.
    pub fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How often each attempt was started.
    pub fn starts(&self) -> BTreeMap<String, usize> {
        let mut starts = BTreeMap::new();
        for line in self.lines() {
            if let Some(attempt) = line.strip_prefix("start ") {
                *starts.entry(attempt.to_owned()).or_insert(0) += 1;
            }
        }
        starts
    }

    /// The attempts that were started more than once: there must be none.
    pub fn started_twice(&self) -> Vec<String> {
        self.starts().into_iter().filter(|(_, times)| *times > 1).map(|(attempt, _)| attempt).collect()
    }

    /// The attempts that came to their end: `<run> <attempt>`.
    pub fn ends(&self) -> BTreeSet<String> {
        self.lines().iter().filter_map(|line| line.strip_prefix("end ")).map(str::to_owned).collect()
    }

    /// Runs of which an attempt began before the one before it had ended.
    pub fn overlaps(&self) -> Vec<String> {
        let lines = self.lines();
        let position = |line: &str| lines.iter().position(|found| found == line);
        let starts = lines.iter().enumerate().filter_map(|(at, line)| {
            let (run, attempt) = line.strip_prefix("start ")?.split_once(' ')?;
            Some((at, run, attempt.parse::<u32>().ok()?.checked_sub(1)?))
        });
        starts
            .filter(|(at, run, before)| {
                position(&format!("start {run} {before}")).is_some()
                    && position(&format!("end {run} {before}")).is_none_or(|end| end > *at)
            })
            .map(|(_, run, _)| run.to_owned())
            .collect()
    }

    /// The most runs that were between their start and their end at one time.
    pub fn peak(&self) -> usize {
        let (mut now, mut peak) = (0_usize, 0);
        for line in self.lines() {
            if line.starts_with("start ") {
                now += 1;
            } else {
                now = now.saturating_sub(1);
            }
            peak = peak.max(now);
        }
        peak
    }
}
