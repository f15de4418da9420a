//! One process of an installation: started, killed, paused and started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use berth_test_servers::process::{Reaper, kill_group, signal_group, spawn_group, tail};

/// A process of Berth that a test may break.
#[derive(Debug)]
pub struct Role {
    name: String,
    arguments: Vec<String>,
    settings: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
    reaper: Reaper,
}

impl Role {
    /// Starts `berth <arguments>` with `settings` as its environment, output to `<folder>/<name>.log`.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn start(folder: &Path, name: &str, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let private = folder.join(format!("{name}.reaper"));
        let mut role = Self {
            name: name.to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            settings: settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            log: folder.join(format!("{name}.log")),
            child: None,
            reaper: Reaper::start(&private),
        };
        role.restart();
        role
    }

    /// Its name in the installation.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its metrics are, on a listener of their own.
    pub fn metrics_address(&self) -> Option<&str> {
        let at = self.arguments.iter().position(|argument| argument == "--metrics-listen")?;
        self.arguments.get(at + 1).map(String::as_str)
    }

    /// Sets a variable of its environment, from its next start on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.retain(|(known, _)| known != key);
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// Kills it by SIGKILL, if it runs.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(&mut child);
        }
        self.reaper.watch(&[]);
    }

    /// Starts it again with the same arguments; kills it first if it runs.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn restart(&mut self) {
        self.kill9();
        let mut command = Command::new(crate::berth());
        command.args(&self.arguments).env_clear();
        for inherited in ["PATH", "HOME", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        command.envs(self.settings.iter().map(|(key, value)| (key, value)));
        let child = spawn_group(&mut command, &self.log);
        self.reaper.watch(&[child.id()]);
        self.child = Some(child);
    }

    /// Sends `signal` (as `kill` spells it) to it.
    pub fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            signal_group(child, signal);
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How much memory it has now, in KiB.
    ///
    /// # Panics
    /// If it doesn't run.
    pub fn resident_kib(&self) -> usize {
        self.kib("VmRSS:")
    }

    /// The most memory that it ever had, in KiB.
    ///
    /// # Panics
    /// If it doesn't run.
    pub fn peak_kib(&self) -> usize {
        self.kib("VmHWM:")
    }

    fn kib(&self, field: &str) -> usize {
        let status = self.proc("status");
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.unwrap_or_else(|| panic!("no {field} in {}", status.display()))
    }

    /// How many files and sockets it has open.
    ///
    /// # Panics
    /// If it doesn't run.
    pub fn open_files(&self) -> usize {
        let files = self.proc("fd");
        std::fs::read_dir(&files).unwrap_or_else(|error| panic!("{}: {error}", files.display())).count()
    }

    /// What the kernel says of it.
    fn proc(&self, file: &str) -> PathBuf {
        let pid = self.pid().unwrap_or_else(|| panic!("{} doesn't run", self.name));
        PathBuf::from(format!("/proc/{pid}/{file}"))
    }

    /// The last lines that it wrote.
    pub fn last_words(&self) -> String {
        tail(&self.log)
    }

    /// All that it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("--- {}:\n{}", self.name, self.last_words());
        }
    }
}
