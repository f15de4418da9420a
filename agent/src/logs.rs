//! Answers those who look: at a log, in chunks of whole lines, at a run's objects, or at files that it left; as fast as they
//! read, no faster.
//!
//! An empty line in an answer means only that the agent is still there. The items are
//! [`berth_domain::protocol::logs`]'.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use berth_broker::{RespondError, Responder};
use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::VERSION;
use berth_domain::protocol::left::{FileRequest, FolderRequest, Left};
use berth_domain::protocol::logs::{
    InspectRequest, LogFrom, LogItem, LogRequest, MAX_CHUNK_BYTES, Request, RequestBody, UNREADABLE,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::time::Instant;

use crate::artifacts::{self, Found};
use crate::control::chain;
use crate::executor::kubernetes::names::replica_name;
use crate::executor::{Line, LogName, LogReader, Page, Trouble};
use crate::service::Shared;
use crate::traces;

/// How many lines a tail may have: what a request holds in memory.
const MAX_TAIL: u32 = 10_000;
/// How much of a log is read at a time.
const READ_BYTES: u64 = 256 * 1024;
/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often a follower hears that the agent is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Why an answer ended early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Respond(#[from] RespondError),
    #[error(transparent)]
    Executor(#[from] Trouble),
    #[error("an item can't be written: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Answers one request to its end.
pub(crate) async fn answer(shared: Arc<Shared>, mut responder: Responder, request: Request) {
    let sent = tokio::select! {
        () = shared.stop.cancelled() => Err(Error::Refused(format!("{UNREADABLE}the agent ends"))),
        sent = send(&shared, &mut responder, request) => sent,
    };
    match sent {
        Ok(()) => {
            if let Err(error) = responder.finish().await {
                tracing::debug!(%error, "agent.logs.unfinished");
            }
        }
        Err(Error::Respond(error)) => tracing::debug!(%error, "agent.logs.unread"),
        Err(error @ Error::Executor(_)) => fail(responder, format!("{UNREADABLE}{}", chain(&error))).await,
        Err(error) => fail(responder, chain(&error)).await,
    }
}

/// Answers a request that can't be met.
pub(crate) async fn fail(responder: Responder, why: String) {
    if let Err(error) = responder.fail(&why).await {
        tracing::debug!(%error, "agent.logs.unrefused");
    }
}

async fn send(shared: &Shared, responder: &mut Responder, request: Request) -> Result<(), Error> {
    let version = request.version;
    if version > VERSION {
        let why = format!("the request's version is {version}; this agent knows versions up to {VERSION}");
        return Err(Error::Refused(why));
    }
    match request.body {
        RequestBody::Logs(wanted) => send_log(shared, responder, wanted).await,
        RequestBody::Inspect(InspectRequest { run }) => {
            let text = serde_json::to_vec(&shared.executor.inspect(run).await?)?;
            for chunk in text.chunks(MAX_CHUNK_BYTES) {
                responder.send(Bytes::copy_from_slice(chunk)).await?;
            }
            Ok(())
        }
        RequestBody::Folder(FolderRequest { run, path, deep }) => {
            let left = match &shared.archive {
                Some(archive) => artifacts::folder(archive.store(), run, &path, deep).await?,
                None => Left::NoStore,
            };
            send_left(responder, &left).await
        }
        RequestBody::File(FileRequest { run, path }) => {
            let Some(archive) = &shared.archive else { return send_left(responder, &Left::NoStore).await };
            let Found::File { bytes, mut content } = artifacts::file(archive.store(), run, &path).await?
            else {
                return send_left(responder, &Left::Nothing).await;
            };
            send_left(responder, &Left::File { bytes }).await?;
            while let Some(part) = content.try_next().await? {
                responder.send(part).await?;
            }
            Ok(())
        }
    }
}

/// Sends the line that an answer about files begins with.
async fn send_left(responder: &mut Responder, left: &Left) -> Result<(), Error> {
    let mut line = serde_json::to_vec(left)?;
    line.push(b'\n');
    Ok(responder.send(Bytes::from(line)).await?)
}

/// Finds the log that is wanted.
async fn open(shared: &Shared, wanted: &LogRequest) -> Result<(AttemptRef, LogReader), Error> {
    let missing = || Error::Refused(format!("this agent has no log of run {}", wanted.run));
    let LogRequest { run, from, follow, .. } = *wanted;
    let name = LogName::new(wanted.replica, wanted.container.clone());
    let attempt = match wanted.attempt {
        Some(attempt) => Some(AttemptRef { run, attempt }),
        None => match (shared.executor.newest(run).await?, &shared.archive) {
            (None, Some(archive)) => archive.newest(run).await?,
            (newest, _) => newest,
        },
    };
    let mut attempt = attempt.ok_or_else(missing)?;
    if wanted.previous {
        if let Some(reader) = find(shared, attempt, &name.before_restart(), from, false).await? {
            return Ok((attempt, reader));
        }
        let before = attempt.attempt.checked_sub(1);
        let before = before.ok_or_else(|| Error::Refused("nothing of it ran before".to_owned()))?;
        attempt = AttemptRef { attempt: before, ..attempt };
    }
    let found = find(shared, attempt, &name, from, follow).await?;
    Ok((attempt, found.ok_or_else(missing)?))
}

/// A log where its attempt is, or where it was kept when that has ended.
async fn find(
    shared: &Shared,
    attempt: AttemptRef,
    name: &LogName,
    from: LogFrom,
    follow: bool,
) -> Result<Option<LogReader>, Trouble> {
    let live = shared.executor.read_log(attempt, name, from, follow).await?;
    let Some(archive) = &shared.archive else { return Ok(live) };
    if live.as_ref().is_some_and(|live| !live.had_ended()) {
        return Ok(live);
    }
    match (archive.read(attempt, name, from).await, live) {
        (Ok(Some(kept)), _) => Ok(Some(LogReader::Kept(kept))),
        // What is still here is shown, whatever the store's trouble.
        (Ok(None), live) | (Err(_), live @ Some(_)) => Ok(live),
        (Err(error), None) => Err(error),
    }
}

/// Reads on to where nothing more comes just now, and gives the last lines: at most so many.
async fn tail(reader: &mut LogReader, most: u32) -> Result<Option<(Page, bool)>, Trouble> {
    let most = usize::try_from(most.min(MAX_TAIL)).unwrap_or(usize::MAX);
    let mut last: VecDeque<Line> = VecDeque::new();
    loop {
        let Some((page, ended)) = reader.page(READ_BYTES).await? else { return Ok(None) };
        let (is_all, next) = (page.lines.is_empty(), page.next);
        last.extend(page.lines);
        last.drain(..last.len().saturating_sub(most));
        if is_all {
            return Ok(Some((Page { lines: last.into(), next, dropped_bytes: 0 }, ended)));
        }
    }
}

async fn send_log(shared: &Shared, responder: &mut Responder, wanted: LogRequest) -> Result<(), Error> {
    let missing = || Error::Refused(format!("this agent has no log of run {}", wanted.run));
    let (attempt, mut reader) = open(shared, &wanted).await?;
    let LogName { replica, container, .. } = LogName::new(wanted.replica, wanted.container.clone());
    if replica >= reader.replicas() {
        let last = reader.replicas() - 1;
        return Err(Error::Refused(format!("replica: there is no {replica}; the last is {last}")));
    }
    let containers = reader.containers();
    if containers.is_empty() {
        return Err(Error::Refused(format!(
            "replica: the log of {replica} was gone before it could be kept"
        )));
    }
    if !containers.contains(&container) {
        let known = containers.join(", ");
        return Err(Error::Refused(format!("container: there is no `{container}`; there are: {known}")));
    }
    let mut first = match wanted.tail {
        Some(most) => Some(tail(&mut reader, most).await?.ok_or_else(missing)?),
        None => None,
    };
    let source = LogItem::Source {
        attempt: attempt.attempt,
        node: reader.node(),
        pod: replica_name(attempt, replica),
        container,
    };
    let mut items = vec![source];
    let mut left = wanted.limit_bytes.unwrap_or(u64::MAX);
    let mut life_at = Instant::now() + SIGN_OF_LIFE;
    let mut place = wanted.from;
    let may_be_kept = |reader: &LogReader| !wanted.previous && !matches!(reader, LogReader::Kept(_));
    loop {
        let (page, ended) = match first.take() {
            Some(first) => first,
            None => match reader.page(READ_BYTES.min(left)).await {
                Ok(page) => page.ok_or_else(missing)?,
                // It went while it was read, and was kept before.
                Err(trouble) if may_be_kept(&reader) => match rest(shared, attempt, &wanted, place).await {
                    Some(kept) => {
                        reader = kept;
                        continue;
                    }
                    None => return Err(trouble.into()),
                },
                Err(trouble) => return Err(trouble.into()),
            },
        };
        let is_all = page.lines.is_empty();
        let next = page.next;
        place = LogFrom::Offset(next);
        if is_all
            && ended
            && may_be_kept(&reader)
            && let Some(kept) = rest(shared, attempt, &wanted, place).await
        {
            reader = kept;
            continue;
        }
        left = left.saturating_sub(page.lines.iter().map(|line| line.text.len() as u64).sum());
        items.extend(items_of(page));
        if left == 0 || is_all && (ended || !wanted.follow) {
            items.push(LogItem::End { complete: ended && is_all, next });
            return send_items(responder, &items).await;
        }
        if !items.is_empty() {
            send_items(responder, &items).await?;
            items.clear();
            life_at = Instant::now() + SIGN_OF_LIFE;
        } else if Instant::now() >= life_at {
            responder.send(Bytes::from_static(b"\n")).await?;
            life_at = Instant::now() + SIGN_OF_LIFE;
        }
        if is_all {
            tokio::select! {
                () = responder.cancelled() => return Err(RespondError::Cancelled.into()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// Where a log goes on that was read where its attempt was: its object may have been let go before all was read, but not
/// before all was kept.
async fn rest(
    shared: &Shared,
    attempt: AttemptRef,
    wanted: &LogRequest,
    place: LogFrom,
) -> Option<LogReader> {
    let archive = shared.archive.as_ref()?;
    let name = LogName::new(wanted.replica, wanted.container.clone());
    match archive.read(attempt, &name, place).await {
        Ok(kept) => kept.map(LogReader::Kept),
        Err(error) => {
            let trace_id = traces::id_of(shared, attempt);
            tracing::warn!(run.uuid = %attempt.run, trace_id, error = %chain(&error), "agent.logs.unkept");
            None
        }
    }
}

fn items_of(page: Page) -> impl Iterator<Item = LogItem> {
    let dropped = (page.dropped_bytes > 0).then(|| LogItem::Note {
        text: format!("{} bytes of older log are no longer kept", page.dropped_bytes),
    });
    let lines = page.lines.into_iter().map(|line| LogItem::Line {
        ts: line.at,
        stream: line.stream,
        line: line.text,
        next: line.next,
    });
    dropped.into_iter().chain(lines)
}

/// Sends items in chunks that end with a line.
async fn send_items(responder: &mut Responder, items: &[LogItem]) -> Result<(), Error> {
    let mut chunk = Vec::new();
    for item in items {
        let mut line = serde_json::to_vec(item)?;
        line.push(b'\n');
        if !chunk.is_empty() && chunk.len() + line.len() > MAX_CHUNK_BYTES {
            responder.send(Bytes::from(std::mem::take(&mut chunk))).await?;
        }
        chunk.append(&mut line);
    }
    Ok(responder.send(Bytes::from(chunk)).await?)
}
