//! Child processes that never outlive the test process.
//!
//! A [`Reaper`] is a small shell that waits on a pipe from this process: when the pipe closes, by a drop or
//! because the test process died however it did, it kills the process groups it was told of and removes
//! the folder.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::eventually;

/// Kills and cleans up when the pipe to it closes.
#[derive(Debug)]
pub struct Reaper {
    shell: Child,
    pipe: Option<ChildStdin>,
}

const REAPER: &str = r#"
groups=""
while read -r line; do groups="$line"; done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for try in 1 2 3 4 5; do rm -rf -- "$1" 2>/dev/null && break; sleep 0.1; done
"#;

impl Reaper {
    /// Starts a reaper that will remove `folder`.
    ///
    /// # Panics
    /// If there is no `sh`.
    pub fn start(folder: &Path) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", REAPER, "reaper"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("`sh` can't be started: {error}"));
        let pipe = shell.stdin.take();
        Self { shell, pipe }
    }

    /// Sets which process groups to kill.
    pub fn watch(&mut self, groups: &[u32]) {
        let line = groups.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        if let Some(pipe) = &mut self.pipe {
            writeln!(pipe, "{line}").unwrap_or_else(|error| panic!("the reaper is gone: {error}"));
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.pipe.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("the reaper can't be waited for: {error}");
        }
    }
}

/// Starts `command` as the leader of a process group of its own, output to `log`.
///
/// # Panics
/// If it can't be started; the message names the program.
pub fn spawn_group(command: &mut Command, log: &Path) -> Child {
    let program = command.get_program().to_string_lossy().into_owned();
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)
        .unwrap_or_else(|error| panic!("can't open {}: {error}", log.display()));
    let errors = file.try_clone().unwrap_or_else(|error| panic!("can't share the log: {error}"));
    command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("`{program}` can't be started ({error}): is it installed?"))
}

/// Sends `signal` (as `kill` spells it: `KILL`, `STOP`, ...) to the child's whole group.
pub fn signal_group(child: &Child, signal: &str) {
    // A group that is already gone is what the caller wants.
    run_quietly(Command::new("kill").arg(format!("-{signal}")).arg("--").arg(format!("-{}", child.id())));
    if signal == "STOP" {
        // A thread stops where it next leaves or enters the kernel, which on a busy machine is a moment later.
        eventually(Duration::from_secs(5), || is_stopped(child.id()));
    }
}

/// Whether every thread of a process stands still, as far as the system tells.
fn is_stopped(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let state = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("stat")).ok();
    // The state follows the name, which is in brackets and may hold anything.
    threads.filter_map(state).all(|stat| stat.rsplit_once(')').is_none_or(|(_, rest)| rest.starts_with(" T")))
}

/// Kills the child's whole group by SIGKILL and reaps the child.
pub fn kill_group(child: &mut Child) {
    signal_group(child, "KILL");
    if let Err(error) = child.wait() {
        eprintln!("process {} can't be waited for: {error}", child.id());
    }
}

/// Runs a command with no output; says whether it succeeded.
pub fn run_quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command to its end and returns its standard output.
///
/// # Panics
/// If it can't be started or fails; the message has its output.
pub fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("`{program}` can't be started ({error}): is it installed?"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "`{program}` failed: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The last lines of a log, for a panic's message.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

/// Whether this process runs as root (some servers refuse to).
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// Makes a temporary folder that everybody may enter; its reaper removes it.
///
/// # Panics
/// If the machine's temporary folder can't be written.
pub fn folder(name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix(&format!("berth-{name}-"))
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    folder.keep()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eventually;

    #[test]
    fn a_dropped_reaper_leaves_neither_process_nor_folder() {
        let place = folder("reaped");
        let mut reaper = Reaper::start(&place);
        let mut child = spawn_group(Command::new("sleep").arg("1000"), &place.join("log"));
        reaper.watch(&[child.id()]);
        drop(reaper);
        let ended =
            eventually(Duration::from_secs(10), || child.try_wait().is_ok_and(|status| status.is_some()));
        assert!(ended, "the process outlived its reaper");
        assert!(!place.exists(), "the folder outlived its reaper");
    }
}
