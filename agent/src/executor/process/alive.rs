//! Which processes are alive, which of them belong to an attempt, and how to end them for certain.
//!
//! A process number is reused; a number with its start time is not, within one boot. Signals go through a pidfd
//! opened before the check, so that a reused number is never hit. See proc(5), `stat` fields 3 to 6 and 22.

use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::executor::environment::UID_VARIABLE;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) session: u32,
    pub(crate) start_time: u64,
    pub(crate) is_zombie: bool,
}

/// The id of this boot; empty where the system doesn't tell.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// The process of that number.
pub(crate) fn process(pid: u32) -> Option<Process> {
    parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(pid: u32, stat: &str) -> Option<Process> {
    // The second field is the program's name in parentheses, and may hold both spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// All processes; none where there is no `/proc`.
pub(crate) fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .filter(|process| !process.is_zombie)
        .collect()
}

/// Those of `all` that descend from `ancestor`, itself not included.
pub(crate) fn descendants(all: &[Process], ancestor: u32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            found.push(*process);
            parents.push(process.pid);
        }
    }
    found
}

/// Sends `signal` to `process` if it is still the same one. True if it was sent.
pub(crate) fn signal(process: &Process, signal: Signal) -> bool {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return false };
    send(pid, signal, || self::process(process.pid).is_some_and(|now| now.start_time == process.start_time))
}

#[cfg(target_os = "linux")]
fn send(pid: Pid, signal: Signal, is_same: impl Fn() -> bool) -> bool {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => is_same() && pidfd_send_signal(&pidfd, signal).is_ok(),
        Err(_) => false,
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, signal: Signal, is_same: impl Fn() -> bool) -> bool {
    is_same() && rustix::process::kill_process(pid, signal).is_ok()
}

/// An attempt whose supervisor is gone: its mark, and the supervisor's session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orphans<'a> {
    /// The attempt's uid, which all its processes have in their environment.
    pub(crate) uid: &'a str,
    /// The supervisor's number and start time in this boot.
    pub(crate) supervisor: Option<(u32, u64)>,
}

impl Orphans<'_> {
    /// What of them is alive.
    pub(crate) fn find(&self) -> Vec<Process> {
        let all = processes();
        let session = self.supervisor.filter(|(pid, start_time)| {
            // A new process with the number of the supervisor means that nothing of its session was left.
            all.iter().all(|process| process.pid != *pid || process.start_time == *start_time)
        });
        let mark = format!("{UID_VARIABLE}={}", self.uid);
        let own = std::process::id();
        all.into_iter()
            .filter(|process| process.pid != own)
            .filter(|process| {
                session.is_some_and(|(pid, since)| process.session == pid && process.start_time >= since)
                    || has_variable(process.pid, mark.as_bytes())
            })
            .collect()
    }

    /// Kills all of them, also those that appear meanwhile. True if none is left.
    pub(crate) fn kill(&self) -> bool {
        for _ in 0..200 {
            let found = self.find();
            if found.is_empty() {
                return true;
            }
            for process in &found {
                signal(process, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

fn has_variable(pid: u32, mark: &[u8]) -> bool {
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_can_not_confuse_the_reader() {
        let stat = "42 (a) R 1) (b) S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2";
        let expected = Process { pid: 42, parent: 7, session: 9, start_time: 777, is_zombie: false };
        assert_eq!(parse(42, stat), Some(expected));
        assert_eq!(parse(42, "42 (a"), None);
    }

    #[test]
    fn a_child_is_a_descendant_and_only_the_same_process_is_signalled() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = descendants(&processes(), std::process::id());
        let process = *found.iter().find(|process| process.pid == child.id()).unwrap();
        let other = Process { start_time: process.start_time + 1, ..process };
        assert!(!signal(&other, Signal::KILL));
        assert!(signal(&process, Signal::KILL));
        child.wait().unwrap();
    }
}
