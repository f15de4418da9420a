//! One attempt's folder, seen by an agent: where it stands, and what has to be done about it when its supervisor is
//! gone. The lock in it decides who may: the supervisor holds it for life, and whoever gets it afterwards may write
//! the exit, once nothing of the attempt is alive.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::Phase;
use berth_domain::time::{Clock, Time};
use rustix::process::Signal;

use super::alive::{self, Orphans};
use super::folder::{
    open_private, read_passing_record, read_record, touch_dir, write_passing_record, write_record,
};
use super::record::{EXIT, Exit, LAUNCHED, LOCK, Launched, STARTED, STOP, Spec, Started, Stop, Traced};
use crate::executor::{Object, ObjectTrace};
use crate::uptime::Uptime;

/// The ranks of the phases, with room for those of other executors between them.
const CREATED_RANK: u32 = 1;
const RUNNING_RANK: u32 = 2;
const ENDED_RANK: u32 = 1_000;

/// How long after the end of its grace a stop has to be heeded before the supervisor itself is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// An attempt's folder.
pub(crate) struct Attempt {
    pub(crate) dir: PathBuf,
    pub(crate) spec: Spec,
}

/// What an attempt without an exit needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it has ended, or its supervisor lives.
    Nothing,
    /// A supervisor: nobody has ever launched it, and there is still time.
    Supervisor,
}

impl Attempt {
    /// The attempt in `dir`; none if there is none.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Option<Self>> {
        Ok(read_record(&dir, super::record::SPEC)?.map(|spec| Self { dir, spec }))
    }

    pub(crate) fn exit(&self) -> io::Result<Option<Exit>> {
        read_record(&self.dir, EXIT)
    }

    /// Where it stands.
    pub(crate) fn object(&self) -> io::Result<Object> {
        // The exit first: what it finds absent, the others may still have been.
        let exit = self.exit()?;
        let started = read_passing_record::<Started>(&self.dir, STARTED)?;
        let ran = started.map(|started| (started.at, RUNNING_RANK));
        let (phase, rank, at) = match (exit, ran) {
            (Some(exit), _) => (Phase::Ended(exit.end), ENDED_RANK, exit.at),
            (None, Some((at, rank))) => (Phase::Running, rank, at),
            (None, None) => (Phase::Created, CREATED_RANK, self.spec.created_at),
        };
        Ok(Object {
            attempt: self.spec.attempt,
            uid: self.spec.uid.clone(),
            replica: self.spec.replica.clone(),
            phase,
            rank,
            at,
            ran,
            trace: self.spec.trace.clone().map(|Traced { context, queue }| {
                Box::new(ObjectTrace { context, queue, began: ran.map(|(at, _)| at) })
            }),
        })
    }

    /// Notes that it should end, and wakes its supervisor.
    pub(crate) fn stop(&self, grace: Option<Duration>, clock: &Clock) -> io::Result<()> {
        if self.exit()?.is_some() {
            return Ok(());
        }
        if read_passing_record::<Stop>(&self.dir, STOP)?.is_none() {
            self.note_stop(grace, false, clock)?;
        }
        self.signal_supervisor(Signal::TERM)
    }

    /// The same because its agent has been without a lease for too long. A stop that somebody asked for stays one.
    pub(crate) fn fence(&self, grace: Duration, clock: &Clock) -> io::Result<()> {
        if self.exit()?.is_some() || read_passing_record::<Stop>(&self.dir, STOP)?.is_some() {
            return Ok(());
        }
        self.note_stop(Some(grace), true, clock)?;
        self.signal_supervisor(Signal::TERM)
    }

    fn note_stop(&self, grace: Option<Duration>, fenced: bool, clock: &Clock) -> io::Result<()> {
        let grace_ms = grace.map(|grace| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX));
        write_passing_record(&self.dir, STOP, &Stop { grace_ms, at: clock.now(), fenced })
    }

    fn signal_supervisor(&self, signal: Signal) -> io::Result<()> {
        if let Some(launched) = read_passing_record::<Launched>(&self.dir, LAUNCHED)?
            && launched.boot == self.spec.boot
            && let Some(process) = alive::process(launched.pid)
            && launched.start_time == Some(process.start_time)
        {
            alive::signal(&process, signal);
        }
        Ok(())
    }

    /// Sees to it that an attempt without a supervisor gets one or ends, and that a stop is heeded.
    pub(crate) fn settle(&self, boot: &str, uptime: &Uptime, clock: &Clock) -> io::Result<Need> {
        if self.exit()?.is_some() {
            return Ok(Need::Nothing);
        }
        let lock = open_private(&self.dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => self.settle_locked(&lock, boot, uptime, clock),
            Err(TryLockError::WouldBlock) => {
                self.insist_on_stop(clock)?;
                Ok(Need::Nothing)
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn settle_locked(&self, _lock: &File, boot: &str, uptime: &Uptime, clock: &Clock) -> io::Result<Need> {
        if self.exit()?.is_some() {
            return Ok(Need::Nothing);
        }
        let same_boot = self.spec.boot == boot;
        let stop = read_passing_record::<Stop>(&self.dir, STOP)?;
        let stop_wanted = stop.is_some_and(|stop| !stop.fenced);
        let launched = read_passing_record::<Launched>(&self.dir, LAUNCHED)?;
        if !same_boot {
            let message = "The machine was restarted before it ended";
            self.write_exit(lost("Restarted", message, stop_wanted), clock.now())?;
            return Ok(Need::Nothing);
        }
        let Some(launched) = launched else {
            if !stop_wanted && uptime.now() < self.spec.launch_by {
                return Ok(Need::Supervisor);
            }
            let message = "Its supervisor was not started in time; its command never ran";
            self.write_exit(lost("NeverLaunched", message, stop_wanted), clock.now())?;
            return Ok(Need::Nothing);
        };
        let supervisor = launched.start_time.map(|start_time| (launched.pid, start_time));
        if !(Orphans { uid: &self.spec.uid, supervisor }).kill() {
            return Err(io::Error::other("processes of the attempt could not be killed"));
        }
        let message = "Its supervisor was killed; its processes were ended";
        self.write_exit(lost("SupervisorLost", message, stop_wanted), clock.now())?;
        Ok(Need::Nothing)
    }

    /// Wakes a supervisor again that has not heeded a stop, and in the end kills it: whoever comes next ends the rest.
    fn insist_on_stop(&self, clock: &Clock) -> io::Result<()> {
        let Some(stop) = read_passing_record::<Stop>(&self.dir, STOP)? else { return Ok(()) };
        let own = self.spec.launch.as_ref().map_or(0, |launch| launch.grace_ms);
        let grace = Duration::from_millis(stop.grace_ms.unwrap_or(own));
        let overdue = clock.now().since(stop.at) > grace + STOP_PATIENCE;
        self.signal_supervisor(if overdue { Signal::KILL } else { Signal::TERM })
    }

    /// Writes the end, and tells those who watch. Only for who holds the lock, or made the folder.
    pub(crate) fn write_exit(&self, end: End, at: Time) -> io::Result<()> {
        write_exit(&self.dir, &Exit { end, at })
    }
}

/// Writes an end into an attempt's folder, and tells those who watch.
pub(crate) fn write_exit(dir: &Path, exit: &Exit) -> io::Result<()> {
    write_record(dir, EXIT, exit)?;
    touch_dir(dir)
}

/// The end of an attempt that its supervisor could not tell.
pub(crate) fn lost(reason: &str, message: &str, stop_wanted: bool) -> End {
    let outcome = if stop_wanted { Outcome::Stopped } else { Outcome::Failed(FailureClass::NodeLost) };
    End { outcome, exit_code: None, reason: reason.to_owned(), message: message.to_owned() }
}
