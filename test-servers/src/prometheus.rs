//! A Prometheus server for tests.

use std::path::PathBuf;
use std::process::{Child, Command};

use crate::port;
use crate::process::{Reaper, folder, kill_group, spawn_group};

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
    /// Gone with it: also when the test process is killed.
    _reaper: Reaper,
}

impl Prometheus {
    /// Starts one with that configuration, in YAML; it answers a moment later.
    ///
    /// # Panics
    /// If `prometheus` is missing, or the configuration can't be written.
    pub fn start(configuration: &str) -> Self {
        let folder = folder("prometheus");
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let port = port::free();
        let mut reaper = Reaper::start(&folder);
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let child = spawn_group(&mut command, &folder.join("prometheus.log"));
        reaper.watch(&[child.id()]);
        Self { port, folder, child: Some(child), _reaper: reaper }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        crate::process::tail(&self.folder.join("prometheus.log"))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
    }
}
