//! The supervisor's loop: logs, timeout, stops, and the wait for the end.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_domain::protocol::logs::LogStream;
use berth_domain::time::Clock;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};

use super::command::{Group, Output};
use super::exit::{Cause, Status, ended as ended_as, not_started};
use crate::executor::process::boot_id;
use crate::executor::process::supervised::{
    Exit, LAUNCHED, LOG, Launch, Launched, Lines, STARTED, STOP, Spec, Started, Stop, Writer, lease_file_of,
    lost, process, read_lease, read_record, touch_dir, write_passing_record,
};
use crate::fence::{self, Fence};
use crate::uptime::{Moment, Uptime};

/// How long to read on after the end, from pipes that something unkillable holds open.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs the command to its end.
pub(super) async fn supervise(dir: &Path, spec: &Spec, launch: Launch, clock: &Clock) -> io::Result<Exit> {
    // First of all: nobody may send SIGTERM before it is heard, nor the command end unseen.
    let told = signal(SignalKind::terminate())?;
    // A supervisor in a terminal's session is not the terminal's to interrupt.
    let _interrupted = signal(SignalKind::interrupt())?;
    let child_ended = signal(SignalKind::child())?;
    let pid = std::process::id();
    let start_time = process(pid).map(|process| process.start_time);
    write_passing_record(
        dir,
        LAUNCHED,
        &Launched { pid, start_time, boot: spec.boot.clone(), at: clock.now() },
    )?;
    debug_assert_eq!(spec.boot, boot_id(), "checked before");
    if read_record::<Stop>(dir, STOP)?.is_some() {
        let end = lost("Stopped", "Stopped before its command ran", true);
        return Ok(Exit { end, at: clock.now() });
    }
    let mut log = Log::create(dir, launch.log_limit_bytes, clock)?;
    let (mut group, output) = match Group::start(dir, &launch) {
        Ok(started) => started,
        Err(error) => {
            let program = launch.command.first().map_or("", String::as_str);
            let end = not_started(program, &error);
            log.note(&end.message);
            return Ok(Exit { end, at: clock.now() });
        }
    };
    let lease_file = spec.replace.then(|| lease_file_of(dir)).flatten();
    let ended = Watched { dir, launch: &launch, clock, told, lease_file, began_at: Uptime::machine().now() }
        .watch(&mut group, output, &mut log, child_ended)
        .await;
    let at = clock.now();
    // Nothing may outlive a supervisor that can't go on.
    group.kill_rest().await?;
    match ended {
        Ok((status, cause, output)) => {
            output.drain(&mut log).await;
            log.finish();
            Ok(Exit { end: ended_as(status, cause), at })
        }
        Err(error) => {
            let message = format!("Its supervisor could not go on, and ended it: {error}");
            Ok(Exit { end: lost("SupervisorFailed", &message, false), at })
        }
    }
}

/// The command's output, as far as it is open.
struct Pipes {
    stdout: Option<Receiver>,
    stderr: Option<Receiver>,
    buffers: Box<[[u8; 16 * 1024]; 2]>,
}

impl Pipes {
    fn new(output: Output) -> io::Result<Self> {
        Ok(Self {
            stdout: Some(Receiver::from_owned_fd(output.stdout)?),
            stderr: Some(Receiver::from_owned_fd(output.stderr)?),
            buffers: Box::new([[0; 16 * 1024]; 2]),
        })
    }

    /// Reads once, from whichever has something. Waits for ever when both have ended.
    async fn pump(&mut self, log: &mut Log<'_>) {
        let Self { stdout, stderr, buffers } = self;
        let [out, err] = &mut **buffers;
        tokio::select! {
            length = read(stdout, out) => take(length, stdout, |length| log.feed(LogStream::Stdout, &out[..length])),
            length = read(stderr, err) => take(length, stderr, |length| log.feed(LogStream::Stderr, &err[..length])),
        }
    }

    /// Reads what is left.
    async fn drain(mut self, log: &mut Log<'_>) {
        let drained = timeout(DRAIN, async {
            while self.stdout.is_some() || self.stderr.is_some() {
                self.pump(log).await;
            }
        });
        if drained.await.is_err() {
            eprintln!("something holds the log's pipes open; the rest of it is lost");
        }
    }
}

/// A command that runs.
struct Watched<'a> {
    dir: &'a Path,
    launch: &'a Launch,
    clock: &'a Clock,
    told: Signals,
    /// Where its agent's lease is noted, if the attempt is to end without one.
    lease_file: Option<PathBuf>,
    began_at: Moment,
}

impl Watched<'_> {
    /// Waits until the command has ended, by itself or not.
    async fn watch(
        mut self,
        group: &mut Group,
        output: Output,
        log: &mut Log<'_>,
        mut child_ended: Signals,
    ) -> io::Result<(Status, Option<Cause>, Pipes)> {
        let mut pipes = Pipes::new(output)?;
        self.note_start(group);
        let timeout = self.launch.timeout_seconds.map(Duration::from_secs);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let own_grace = Duration::from_millis(self.launch.grace_ms);
        let mut kill_at: Option<Instant> = None;
        let mut cause = None;
        let mut look_at_lease = self.lease_file.is_some().then(Instant::now);
        loop {
            if let Some(status) = group.poll()? {
                return Ok((status, cause, pipes));
            }
            tokio::select! {
                _ = child_ended.recv() => {}
                _ = self.told.recv(), if cause.is_none() => {
                    let stop = read_record::<Stop>(self.dir, STOP)?;
                    let grace = stop.as_ref().and_then(|stop| stop.grace_ms).map_or(own_grace, Duration::from_millis);
                    cause = Some(match stop {
                        Some(stop) if stop.fenced => Cause::Fenced,
                        Some(_) => Cause::Stop,
                        None => Cause::Shutdown,
                    });
                    kill_at = Instant::now().checked_add(grace);
                    group.signal(Signal::TERM);
                }
                () = at(deadline), if cause.is_none() => {
                    cause = Some(Cause::Timeout(self.launch.timeout_seconds.unwrap_or(0)));
                    kill_at = Instant::now().checked_add(own_grace);
                    group.signal(Signal::TERM);
                }
                () = at(look_at_lease) => {
                    look_at_lease = Some(Instant::now() + fence::LOOK);
                    if let Fence::End(grace) = self.fence() {
                        look_at_lease = None;
                        if cause.is_none() {
                            cause = Some(Cause::Fenced);
                            group.signal(Signal::TERM);
                        }
                        // However long somebody else would have waited.
                        let fenced_at = Instant::now() + grace.min(own_grace);
                        kill_at = Some(kill_at.map_or(fenced_at, |at| at.min(fenced_at)));
                    }
                }
                () = at(kill_at) => {
                    kill_at = None;
                    group.signal(Signal::KILL);
                }
                () = pipes.pump(log) => {}
            }
        }
    }

    /// Whether it has to end because its agent has no lease. Without a note of one, it counts from its own begin.
    fn fence(&self) -> Fence {
        let now = Uptime::machine().now();
        let noted = self.lease_file.as_deref().and_then(|file| read_lease(file, now));
        fence::due(noted.unwrap_or(self.began_at), now)
    }

    /// Says that it runs. A full disk must not end it: then it is seen to have run when it ends.
    fn note_start(&self, group: &Group) {
        let started = Started { pid: group.pid(), start_time: group.start_time(), at: self.clock.now() };
        if let Err(error) =
            write_passing_record(self.dir, STARTED, &started).and_then(|()| touch_dir(self.dir))
        {
            eprintln!("can't note that the command runs: {error}");
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

async fn read(pipe: &mut Option<Receiver>, buffer: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => pending().await,
    }
}

/// Hands on what was read, or lets go of a pipe that has ended.
fn take(read: io::Result<usize>, pipe: &mut Option<Receiver>, feed: impl FnOnce(usize)) {
    match read {
        Ok(0) => *pipe = None,
        Ok(length) => feed(length),
        Err(error) => {
            eprintln!("can't read the command's output: {error}");
            *pipe = None;
        }
    }
}

/// The attempt's log. What can't be written is dropped: a full disk must not stop the command.
struct Log<'a> {
    writer: Writer,
    stdout: Lines,
    stderr: Lines,
    clock: &'a Clock,
    is_broken: bool,
}

impl<'a> Log<'a> {
    fn create(dir: &Path, limit_bytes: u64, clock: &'a Clock) -> io::Result<Self> {
        let writer = Writer::create(&dir.join(LOG), limit_bytes)?;
        Ok(Self { writer, stdout: Lines::default(), stderr: Lines::default(), clock, is_broken: false })
    }

    fn feed(&mut self, stream: LogStream, bytes: &[u8]) {
        let now = self.clock.now();
        let lines = if stream == LogStream::Stdout { &mut self.stdout } else { &mut self.stderr };
        lines.feed(bytes, |line| self.writer.line(stream, line, now));
        self.flush();
    }

    fn note(&mut self, text: &str) {
        self.writer.line(LogStream::Stderr, text.as_bytes(), self.clock.now());
        self.flush();
    }

    fn finish(&mut self) {
        let now = self.clock.now();
        self.stdout.finish(|line| self.writer.line(LogStream::Stdout, line, now));
        self.stderr.finish(|line| self.writer.line(LogStream::Stderr, line, now));
        self.flush();
    }

    fn flush(&mut self) {
        if let Err(error) = self.writer.flush()
            && !self.is_broken
        {
            self.is_broken = true;
            eprintln!("can't write the log, parts of it are lost: {error}");
        }
    }
}
