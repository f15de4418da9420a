//! A pod's logs, read through the API server while it is there, and followed while it grows.
//!
//! Kubernetes knows no offsets, but the moment at which each line was written: a line's offset is its moment in
//! microseconds, made to grow from line to line. Moments are the same on every reading, since each begins well before
//! the place where it goes on.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::protocol::logs::{LogFrom, LogStream, MAX_LINE_BYTES};
use berth_domain::time::Time;
use futures_util::io::{AsyncBufRead, AsyncBufReadExt};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;
use tokio::time::Instant;

use super::super::{Line, LogName, Page, Trouble};
use super::{Inner, api, status};

/// How far before the place where it goes on a reading begins: Kubernetes begins at whole seconds.
const BEFORE: Duration = Duration::from_secs(2);
/// How long to wait for a line that may come.
const WAIT: Duration = Duration::from_millis(100);
/// How soon a container that has no log yet is looked at again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long after a container's end its log may still grow: a runtime tells of the end before it has written all that the
/// container left in its pipes (seen with containerd: up to 32 KiB), and tells its second alone.
const SETTLE: Duration = Duration::from_secs(2);
/// How often in a row the connection may be lost before a wanted line has come.
const LOSSES: u32 = 5;

/// Reads one container's log from some place on.
pub struct Reader {
    inner: Arc<Inner>,
    namespace: String,
    pod: String,
    node: String,
    name: LogName,
    containers: Vec<String>,
    /// How many pods the attempt has.
    pods: u32,
    had_ended: bool,
    was_restarted: bool,
    follow: bool,
    /// Only lines after this.
    after: Time,
    stream: Option<Stream>,
    /// The moment of the last line of the stream, wanted or not.
    last: Time,
    /// The beginning of a line that has not ended yet.
    rest: Vec<u8>,
    again_at: Instant,
    /// How often the connection was lost since the last wanted line.
    losses: u32,
    /// When the container has written no more for sure, once it has ended.
    settled_at: Option<Instant>,
    /// Whether that had been so when the stream was opened.
    is_settled: bool,
    is_over: bool,
}

type Stream = Pin<Box<dyn AsyncBufRead + Send>>;

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pod", &self.pod).field("name", &self.name).finish_non_exhaustive()
    }
}

/// What one look at the stream gave.
enum Got {
    Line(Vec<u8>),
    Nothing,
    End,
    Lost(io::Error),
}

impl Reader {
    /// A reader of a log of `pod`, which is one of so many of its attempt.
    pub(super) fn new(
        inner: Arc<Inner>,
        pod: &Pod,
        pods: u32,
        name: LogName,
        from: LogFrom,
        follow: bool,
    ) -> Self {
        let after = match from {
            LogFrom::Start => Time::from_micros(0),
            LogFrom::Offset(offset) => Time::from_micros(i64::try_from(offset).unwrap_or(i64::MAX)),
            LogFrom::After(at) => at,
        };
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        Self {
            namespace: pod.metadata.namespace.clone().unwrap_or_default(),
            pod: pod.metadata.name.clone().unwrap_or_default(),
            node: node.unwrap_or_default(),
            containers: containers(pod),
            pods,
            had_ended: status::read(pod, inner.settings.patience).is_none_or(|one| one.object.is_ended()),
            was_restarted: was_restarted(pod, &name.container),
            follow: follow && !name.previous,
            name,
            after,
            stream: None,
            last: Time::from_micros(0),
            rest: Vec::new(),
            again_at: Instant::now(),
            losses: 0,
            settled_at: None,
            is_settled: false,
            is_over: false,
            inner,
        }
    }

    /// Whether the pod had ended when this was made.
    pub(crate) fn had_ended(&self) -> bool {
        self.had_ended
    }

    /// The containers of the pod, in the order in which they begin.
    pub(crate) fn containers(&self) -> &[String] {
        &self.containers
    }

    /// How many pods the attempt has.
    pub(crate) fn pods(&self) -> u32 {
        self.pods
    }

    /// Whether the container was restarted, when it was last looked at.
    pub(crate) fn was_restarted(&self) -> bool {
        self.was_restarted
    }

    /// The node that the pod is on; empty while it is on none.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// About `max_bytes` more, and whether that was the log's end; what is there, if nothing more comes soon.
    pub(crate) async fn page(&mut self, max_bytes: u64) -> Result<(Page, bool), Trouble> {
        let mut page = Page { next: self.offset(), ..Page::default() };
        let mut taken = 0;
        while taken < max_bytes {
            if self.stream.is_none() && (self.is_over || !self.open().await?) {
                break;
            }
            match self.read().await? {
                Got::Line(raw) => {
                    for line in self.lines(&raw) {
                        taken += line.text.len() as u64 + 1;
                        page.lines.push(line);
                    }
                    if page.next != self.offset() {
                        page.next = self.offset();
                        self.losses = 0;
                    }
                }
                Got::Nothing => break,
                // Not its end: what follows is read anew.
                Got::Lost(error) if !self.follow && self.losses >= LOSSES => return Err(self.failed(error)),
                Got::Lost(error) => {
                    tracing::debug!(%error, "agent.log.interrupted");
                    self.losses += 1;
                    self.stream = None;
                    self.again_at = Instant::now() + AGAIN;
                    if !self.follow {
                        tokio::time::sleep_until(self.again_at).await;
                    }
                }
                Got::End => {
                    self.stream = None;
                    self.again_at = Instant::now() + AGAIN;
                    if self.follow {
                        continue;
                    }
                    self.is_over = self.is_settled;
                    let Some(settled_at) = self.settled_at.filter(|_| !self.is_over) else { break };
                    tokio::time::sleep_until(settled_at).await;
                    self.again_at = Instant::now();
                }
            }
        }
        Ok((page, self.is_over))
    }

    fn offset(&self) -> u64 {
        u64::try_from(self.after.micros()).unwrap_or(0)
    }

    /// Opens the stream; false if there is nothing to read yet, or no more.
    async fn open(&mut self) -> Result<bool, Trouble> {
        if Instant::now() < self.again_at {
            return Ok(false);
        }
        self.again_at = Instant::now() + AGAIN;
        // The end first: what it finds running may still write, what it finds ended may for a moment.
        let ended = self.has_ended().await?;
        let opened_at = Instant::now();
        let since = self.after.minus(BEFORE).micros();
        let params = LogParams {
            container: Some(self.name.container.clone()),
            follow: self.follow && !ended,
            timestamps: true,
            previous: self.name.previous,
            since_time: (since > 0).then(|| jiff::Timestamp::from_microsecond(since).ok()).flatten(),
            ..LogParams::default()
        };
        let pods = api::pods(&self.inner.client, &self.namespace);
        match tokio::time::timeout(api::CALL, pods.log_stream(&self.pod, &params)).await {
            Ok(Ok(stream)) => {
                self.stream = Some(Box::pin(stream));
                self.is_settled = self.settled_at.is_some_and(|at| at <= opened_at);
                self.last = Time::from_micros(0);
                self.rest.clear();
                // A stream of what has ended is read once.
                self.follow &= !ended;
                Ok(true)
            }
            // The container has not begun, or will never have begun.
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 400 | 404) => {
                self.is_over = ended;
                Ok(false)
            }
            Ok(Err(error)) => Err(self.failed(io::Error::other(api::words(&error)))),
            Err(_) => Err(self.failed(io::ErrorKind::TimedOut.into())),
        }
    }

    fn failed(&self, source: io::Error) -> Trouble {
        api::failed(format!("can't read the log of {}", self.pod), source)
    }

    /// Whether the container has ended.
    async fn has_ended(&mut self) -> Result<bool, Trouble> {
        let (ended, settles_in) = self.look().await?;
        // The first time that it is seen is what counts, should its node's clock be ahead.
        self.settled_at = ended.then(|| self.settled_at.unwrap_or_else(|| Instant::now() + settles_in));
        Ok(ended)
    }

    /// Whether it has, and how long from now its log may still grow then.
    async fn look(&mut self) -> Result<(bool, Duration), Trouble> {
        let doing = || format!("can't look at the pod {}/{}", self.namespace, self.pod);
        let pods = api::pods(&self.inner.client, &self.namespace);
        let Some(pod) = api::call(doing, pods.get(&self.pod)).await? else {
            return Ok((true, Duration::ZERO));
        };
        self.was_restarted = was_restarted(&pod, &self.name.container);
        if let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) {
            self.node = node;
        }
        let state =
            statuses(&pod).filter(|one| one.name == self.name.container).find_map(|one| one.state.as_ref());
        let terminated = state.and_then(|state| state.terminated.as_ref());
        let ended = self.name.previous
            || terminated.is_some()
            || status::read(&pod, self.inner.settings.patience).is_some_and(|one| one.object.is_ended());
        let finished_at =
            terminated.and_then(|state| state.finished_at.as_ref()).filter(|_| !self.name.previous);
        let finished_at = finished_at.map(|at| Time::from_micros(at.0.as_microsecond()));
        Ok((ended, finished_at.map_or(Duration::ZERO, |at| settles_in(at, self.inner.settings.clock.now()))))
    }

    async fn read(&mut self) -> Result<Got, Trouble> {
        let Some(stream) = &mut self.stream else { return Ok(Got::End) };
        // Bounded, so that a line without an end doesn't fill the memory: what is longer is cut off.
        let most = 16 * MAX_LINE_BYTES;
        // What has ended is read to its end; what still grows, to what is there.
        let wait = if self.follow { WAIT } else { api::CALL };
        loop {
            let read = tokio::time::timeout(wait, stream.fill_buf());
            let bytes = match read.await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return Ok(Got::Lost(error)),
                Err(_) if self.follow => return Ok(Got::Nothing),
                Err(_) => return Ok(Got::Lost(io::ErrorKind::TimedOut.into())),
            };
            if bytes.is_empty() {
                let rest = std::mem::take(&mut self.rest);
                return Ok(if rest.is_empty() { Got::End } else { Got::Line(rest) });
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = most.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(bytes.len(), |end| end + 1);
            stream.consume_unpin(used);
            if end.is_some() {
                return Ok(Got::Line(std::mem::take(&mut self.rest)));
            }
        }
    }

    /// The wanted lines in what was read: one, or several if it is too long.
    fn lines(&mut self, raw: &[u8]) -> Vec<Line> {
        let Some((at, text)) = parse(raw) else { return Vec::new() };
        let mut lines = Vec::new();
        let mut pieces: Vec<&[u8]> = text.chunks(MAX_LINE_BYTES).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        for piece in pieces {
            let at = at.max(Time::from_micros(self.last.micros() + 1));
            self.last = at;
            if at > self.after {
                self.after = at;
                let text = String::from_utf8_lossy(piece).into_owned();
                lines.push(Line { at, stream: LogStream::Stdout, text, next: self.offset() });
            }
        }
        lines
    }
}

/// How long from `now` a log may still grow whose container finished then, whatever the clock of its node.
fn settles_in(finished_at: Time, now: Time) -> Duration {
    let micros = now.micros().saturating_sub(finished_at.micros());
    SETTLE.saturating_sub(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    status::status(pod).into_iter().flat_map(|status| {
        status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten())
    })
}

fn was_restarted(pod: &Pod, container: &str) -> bool {
    statuses(pod).any(|one| one.name == container && one.restart_count > 0)
}

fn containers(pod: &Pod) -> Vec<String> {
    let spec = pod.spec.iter();
    let all = spec.flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
    all.map(|container| container.name.clone()).collect()
}

/// A line as Kubernetes writes it: its moment, a space, its text.
fn parse(raw: &[u8]) -> Option<(Time, &[u8])> {
    let space = raw.iter().position(|byte| *byte == b' ').unwrap_or(raw.len());
    let at: jiff::Timestamp = std::str::from_utf8(&raw[..space]).ok()?.parse().ok()?;
    let text = raw.get(space + 1..).unwrap_or_default();
    Some((Time::from_micros(at.as_microsecond()), text.strip_suffix(b"\r").unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_may_grow_for_a_while_after_the_end_and_no_longer_whatever_the_clocks_say() {
        let at = |seconds: i64| Time::from_micros(seconds * 1_000_000);
        assert_eq!(settles_in(at(100), at(100)), SETTLE);
        assert_eq!(settles_in(at(100), at(101)), SETTLE - Duration::from_secs(1));
        assert_eq!(settles_in(at(100), at(9_000)), Duration::ZERO);
        assert_eq!(settles_in(at(9_000), at(100)), SETTLE);
    }

    #[test]
    fn a_line_has_its_moment_before_it() {
        let (at, text) = parse(b"2026-01-01T00:00:00.123456789Z a b").unwrap();
        assert_eq!((at.micros() % 1_000_000, text), (123_456, b"a b".as_slice()));
        assert_eq!(parse(b"2026-01-01T00:00:00Z ").unwrap().1, b"");
        assert_eq!(parse(b"2026-01-01T00:00:00Z").unwrap().1, b"");
        assert_eq!(parse(b"failed to watch file"), None);
    }
}
