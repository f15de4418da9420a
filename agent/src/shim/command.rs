//! The attempt's process group: how it is started, signalled and ended to the last process.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, wait, waitid};

use super::exit::Status;
use crate::executor::process::supervised::{Launch, WORK, descendants, process, processes};

/// The command, running, and all that it starts.
pub(super) struct Group {
    pid: Pid,
    status: Option<Status>,
    /// Whether it was reaped, so that its number may be another's by now.
    reaped: bool,
}

/// What the command writes.
pub(super) struct Output {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

impl Group {
    /// Starts the command in a process group of its own.
    pub(super) fn start(dir: &Path, launch: &Launch) -> io::Result<(Self, Output)> {
        adopt_orphans();
        let work = dir.join(WORK);
        let Some((program, args)) = launch.command.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
        };
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(launch.working_dir.as_deref().unwrap_or(&work))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (Some(pid), Some(stdout), Some(stderr)) = (pid, child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("the system gave no process number or pipes"));
        };
        let output = Output { stdout: stdout.into(), stderr: stderr.into() };
        Ok((Self { pid, status: None, reaped: false }, output))
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn start_time(&self) -> Option<u64> {
        process(self.pid()).map(|process| process.start_time)
    }

    /// How the command ended, if it has. Takes the exits of orphans on the way. The command itself is left as a zombie,
    /// so that its number can't become another's while its group is still to be killed.
    pub(super) fn poll(&mut self) -> io::Result<Option<Status>> {
        if self.status.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if let Some(seen) = waitid(WaitId::Pid(self.pid), options)? {
                self.status = seen
                    .exit_status()
                    .map(Status::Code)
                    .or_else(|| seen.terminating_signal().map(Status::Signal));
            } else {
                self.reap_orphans()?;
            }
        }
        Ok(self.status)
    }

    fn reap_orphans(&mut self) -> io::Result<()> {
        loop {
            match wait(WaitOptions::NOHANG) {
                // It ended just now: no longer to be left as a zombie.
                Ok(Some((pid, status))) if pid == self.pid => {
                    self.reaped = true;
                    self.status = status
                        .exit_status()
                        .map(Status::Code)
                        .or_else(|| status.terminating_signal().map(Status::Signal));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(Errno::CHILD) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal(&self, signal: Signal) {
        if self.reaped && self.status.is_some() && signal != Signal::KILL {
            return;
        }
        // Nobody left to signal is all right.
        if let Err(error) = kill_process_group(self.pid, signal)
            && error != Errno::SRCH
        {
            eprintln!("can't signal process group {}: {error}", self.pid());
        }
    }

    /// Kills what is left: the group, and whatever left the group but was started by it. Returns when nothing is alive,
    /// or after ten seconds of trying.
    pub(super) async fn kill_rest(&mut self) -> io::Result<()> {
        self.signal(Signal::KILL);
        let own = std::process::id();
        for _ in 0..2_000 {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => continue,
                // Every orphan becomes a child of ours: without a child there is nothing left.
                Err(Errno::CHILD) => return Ok(()),
                Err(error) => return Err(error.into()),
                Ok(None) => {}
            }
            for process in descendants(&processes(), own) {
                crate::executor::process::supervised::kill(&process);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        eprintln!("processes of the attempt could not be killed");
        Ok(())
    }
}

/// Makes orphans of the command this process's children, wherever they went, so that none escapes.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        eprintln!("can't adopt orphans, those that leave the process group may live on: {error}");
    }
}
