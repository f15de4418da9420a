//! The supervisor's loop: logs, timeout, stops, and the wait for the end.

use std::future::pending;
use std::io;
use std::path::Path;
use std::time::Duration;

use berth_domain::protocol::logs::LogStream;
use berth_domain::time::Clock;
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};

use super::command::Group;
use super::exit::{Cause, ended, not_started};
use crate::executor::process::boot_id;
use crate::executor::process::supervised::{
    Exit, LAUNCHED, LOG, Launch, Launched, Lines, STARTED, STOP, Spec, Started, Stop, Writer, lost, process,
    read_record, touch_dir, write_record,
};

/// How long to read on after the end, from pipes that something unkillable holds open.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs the command to its end.
pub(super) async fn supervise(dir: &Path, spec: &Spec, launch: Launch, clock: &Clock) -> io::Result<Exit> {
    // First of all: nobody may send SIGTERM before it is heard, nor the command end unseen.
    let mut told = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut child_ended = signal(SignalKind::child())?;
    let pid = std::process::id();
    let start_time = process(pid).map(|process| process.start_time);
    write_record(dir, LAUNCHED, &Launched { pid, start_time, boot: spec.boot.clone(), at: clock.now() })?;
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
    let started = Started { pid: group.pid(), start_time: group.start_time(), at: clock.now() };
    write_record(dir, STARTED, &started)?;
    touch_dir(dir)?;
    let mut stdout = Some(Receiver::from_owned_fd(output.stdout)?);
    let mut stderr = Some(Receiver::from_owned_fd(output.stderr)?);
    let mut deadline =
        launch.timeout_seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let mut kill_at: Option<Instant> = None;
    let mut cause = None;
    let own_grace = Duration::from_millis(launch.grace_ms);
    let (mut out_buffer, mut err_buffer) = ([0; 16 * 1024], [0; 16 * 1024]);
    let status = loop {
        if let Some(status) = group.poll()? {
            break status;
        }
        tokio::select! {
            _ = child_ended.recv() => {}
            _ = told.recv() => {
                let stop = read_record::<Stop>(dir, STOP)?;
                if cause.is_none() {
                    let grace = stop.as_ref().and_then(|stop| stop.grace_ms).map_or(own_grace, Duration::from_millis);
                    cause = Some(if stop.is_some() { Cause::Stop } else { Cause::Shutdown });
                    kill_at = Instant::now().checked_add(grace);
                    group.signal(Signal::TERM);
                }
            }
            _ = interrupted.recv() => {}
            () = at(deadline), if cause.is_none() => {
                deadline = None;
                cause = Some(Cause::Timeout(launch.timeout_seconds.unwrap_or(0)));
                kill_at = Instant::now().checked_add(own_grace);
                group.signal(Signal::TERM);
            }
            () = at(kill_at) => {
                kill_at = None;
                group.signal(Signal::KILL);
            }
            read = read(&mut stdout, &mut out_buffer) => {
                take(read, &mut stdout, &out_buffer, |bytes| log.feed(LogStream::Stdout, bytes));
            }
            read = read(&mut stderr, &mut err_buffer) => {
                take(read, &mut stderr, &err_buffer, |bytes| log.feed(LogStream::Stderr, bytes));
            }
        }
    };
    let ended_at = clock.now();
    group.kill_rest().await?;
    let drained = timeout(DRAIN, async {
        while stdout.is_some() || stderr.is_some() {
            tokio::select! {
                read = read(&mut stdout, &mut out_buffer) => {
                    take(read, &mut stdout, &out_buffer, |bytes| log.feed(LogStream::Stdout, bytes));
                }
                read = read(&mut stderr, &mut err_buffer) => {
                    take(read, &mut stderr, &err_buffer, |bytes| log.feed(LogStream::Stderr, bytes));
                }
            }
        }
    });
    if drained.await.is_err() {
        eprintln!("something holds the log's pipes open; the rest of it is lost");
    }
    log.finish();
    Ok(Exit { end: ended(status, cause), at: ended_at })
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
fn take(read: io::Result<usize>, pipe: &mut Option<Receiver>, buffer: &[u8], feed: impl FnOnce(&[u8])) {
    match read {
        Ok(0) => *pipe = None,
        Ok(length) => feed(&buffer[..length]),
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
