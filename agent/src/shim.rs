//! The supervisor of one attempt: `berth shim <folder>`. It outlives the agent that started it, owns the attempt's
//! process group, keeps its log, heeds its timeout and stops, and writes its exit down.
//!
//! It starts the command at most once: under the lock that it holds for life, and after having said so in
//! `launched.json`. It ends when nothing of the attempt is alive. It talks to nobody; files and SIGTERM are all.

mod command;
pub(crate) mod exit;
mod supervise;

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use berth_domain::time::Clock;

use crate::executor::process::boot_id;
use crate::executor::process::supervised::{
    EXIT, Exit, LAUNCHED, LOCK, SPEC, Spec, lost, open_private, read_record, write_exit,
};
use crate::uptime::Uptime;

/// How long to wait for the lock, which an agent that looks at the folder may hold for a moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before trying again to write the exit.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Supervises the attempt in `dir` to its end. Returns at once if somebody else has begun to.
pub fn main(dir: &Path) -> ExitCode {
    match run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the file `supervisor.log` in the attempt's folder.
            eprintln!("supervisor of {}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}

fn run(dir: &Path) -> io::Result<()> {
    // A session of its own: no terminal, and no signal that was meant for the agent's group. Fails only if it has one.
    if let Err(error) = rustix::process::setsid()
        && error != rustix::io::Errno::PERM
    {
        return Err(error.into());
    }
    let Some(_lock) = lock(dir)? else { return Ok(()) };
    if has_begun(dir) {
        return Ok(());
    }
    let spec: Spec =
        read_record(dir, SPEC)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no spec.json"))?;
    let Some(launch) = spec.launch.clone() else { return Ok(()) };
    let clock = Clock::system();
    if spec.boot != boot_id() || Uptime::machine().now() >= spec.launch_by {
        let end = lost("NeverLaunched", "Its supervisor came too late; its command never ran", false);
        return write_exit(dir, &Exit { end, at: clock.now() });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(supervise::supervise(dir, &spec, launch, &clock))?;
    insist(dir, &exit)
}

/// Writes the exit, however long it takes: on a full disk it waits, lock in hand, rather than let it be forgotten.
fn insist(dir: &Path, exit: &Exit) -> io::Result<()> {
    let mut told = false;
    loop {
        match write_exit(dir, exit) {
            Ok(()) => return Ok(()),
            // The whole folder was removed: nobody wants to know.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(error) if !told => {
                told = true;
                eprintln!("can't write the exit, will try again: {error}");
            }
            Err(_) => {}
        }
        std::thread::sleep(WRITE_AGAIN);
    }
}

fn has_begun(dir: &Path) -> bool {
    dir.join(LAUNCHED).exists() || dir.join(EXIT).exists()
}

/// The lock; none if somebody else is at it.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let lock = open_private(&dir.join(LOCK))?;
    let pause = Duration::from_millis(5);
    for _ in 0..LOCK_PATIENCE.as_millis() / pause.as_millis() {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(std::fs::TryLockError::WouldBlock) if has_begun(dir) => return Ok(None),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(pause),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}
