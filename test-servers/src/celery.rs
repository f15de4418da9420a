//! Stock Celery processes, for tests of the wire: a worker that prints what it gets, and a producer.
//!
//! Both are scripts of `integration-tests/python`; the caller says which Python has Celery installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::eventually;
use crate::process::{Reaper, folder, kill_group, run, spawn_group, tail};

/// A stock Celery worker, killed on drop.
#[derive(Debug)]
pub struct CeleryWorker {
    child: Child,
    log: PathBuf,
    _reaper: Reaper,
}

/// The folder of the scripts.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration-tests/python")
}

impl CeleryWorker {
    /// Starts a worker that consumes `queue` (on Redis: its name under `key_prefix`).
    ///
    /// # Panics
    /// If Python can't be started.
    pub fn start(python: &Path, url: &str, queue: &str, key_prefix: &str) -> Self {
        let folder = folder("celery");
        let mut reaper = Reaper::start(&folder);
        let log = folder.join("worker.log");
        let mut command = Command::new(python);
        command.arg(scripts().join("celery_worker.py")).args([url, queue, key_prefix]);
        let child = spawn_group(command.current_dir(&folder).env("PYTHONWARNINGS", "ignore"), &log);
        reaper.watch(&[child.id()]);
        Self { child, log, _reaper: reaper }
    }

    /// Waits until it has printed `count` tasks; returns each as its JSON text.
    ///
    /// # Panics
    /// If that takes longer than `limit`; the message has the end of its log.
    pub fn got(&self, count: usize, limit: Duration) -> Vec<String> {
        let read = || {
            let text = std::fs::read_to_string(&self.log).unwrap_or_default();
            text.lines().filter_map(|line| line.strip_prefix("GOT ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let enough = eventually(limit, || read().len() >= count);
        assert!(enough, "the Celery worker printed {} of {count} tasks:\n{}", read().len(), tail(&self.log));
        read()
    }
}

impl Drop for CeleryWorker {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

/// Sends one task by a stock producer; returns its id. `arguments` are JSON: a list and a table.
///
/// # Panics
/// If Python can't be started or the task can't be sent.
pub fn produce(python: &Path, url: &str, queue: &str, task: &str, arguments: (&str, &str)) -> String {
    let mut command = Command::new(python);
    command.arg(scripts().join("celery_producer.py")).args([url, queue, task, arguments.0, arguments.1]);
    run(command.env("PYTHONWARNINGS", "ignore")).trim().to_owned()
}
