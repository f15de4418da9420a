//! The files that a run left in its agent's artifacts store: listed, downloaded one by one, or a folder of them as one.
//! Nothing of them is kept here; they come through the broker while somebody reads.
//!
//! A file is whatever the run wrote: browsers are told to save it, and to make nothing of it.

mod tar;

use std::collections::BTreeMap;
use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use berth_broker::ReplyStream;
use berth_domain::access::Action;
use berth_domain::protocol::left::{FileRequest, FolderRequest, Left, MAX_LISTED};
use berth_domain::protocol::logs::RequestBody;
use berth_store::Run;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::app::{App, AppState};
use crate::ask::Source;
use crate::authenticate::Caller;
use crate::params::{Params, shown};
use crate::path::InRun;
use crate::problem::Problem;
use crate::runs::find;

/// How long the line that an answer begins with may be, in bytes: what one answer holds in memory.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// Chunks on their way to a slow reader.
const BUFFER: usize = 4;
/// What a browser may do with a file that it shows all the same: nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// What else the stock client sends. There is one store, and nothing is cached.
const IGNORED: [&str; 4] = ["stream", "force", "connection", "check_path"];

/// `GET .../artifacts/tree`: what is in one folder.
pub(crate) async fn tree(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &["path", "connection"])?;
    let path = params.text("path").unwrap_or_default();
    let run = find(&app, &at).await?;
    let is_done = run.dispatch.status.is_final();
    if !has_begun(&run) && path.is_empty() {
        return Ok(Json(json!({ "files": {}, "dirs": [], "is_done": is_done })));
    }
    let listed = folder(&Source::of(&app, &run).await?, &run, path, false).await?;
    let (files, dirs, is_cut) = listed.ok_or_else(|| missing(path))?;
    let mut tree = json!({ "files": files, "dirs": dirs, "is_done": is_done });
    if is_cut {
        tree["is_cut"] = json!(true);
    }
    Ok(Json(tree))
}

/// `GET .../artifact`: one file.
pub(crate) async fn file(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    caller.may(Action::View, at.resource())?;
    let path = path_of(&uri)?;
    if path.is_empty() {
        return Err(Problem::field("path", "is missing; artifacts/tree lists what there is"));
    }
    let run = find(&app, &at).await?;
    if !has_begun(&run) {
        return Err(missing(&path));
    }
    let file = open(&Source::of(&app, &run).await?, &run, &path).await?;
    send(&app, &path, file.ok_or_else(|| missing(&path))?)
}

/// `GET .../artifacts`: all of a folder as one tar file; of a file's path, the file.
pub(crate) async fn files(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    caller.may(Action::View, at.resource())?;
    let path = path_of(&uri)?;
    let run = find(&app, &at).await?;
    if !has_begun(&run) {
        return Err(missing(&path));
    }
    let source = Source::of(&app, &run).await?;
    let Some((files, _, is_cut)) = folder(&source, &run, &path, true).await? else {
        let file = if path.is_empty() { None } else { open(&source, &run, &path).await? };
        return send(&app, &path, file.ok_or_else(|| missing(&path))?);
    };
    if is_cut {
        let why = format!("`{}` has more than {MAX_LISTED} files; take a folder of it", shown(&path));
        return Err(Problem::field("path", why));
    }
    let place = place(&app)?;
    let (sender, parts) = mpsc::channel(BUFFER);
    let name = if path.is_empty() { run.id.to_string() } else { name_of(&path) };
    let names: Vec<String> = files.into_keys().collect();
    let inside = app.clone();
    app.tasks.spawn(async move {
        let work = pack(&inside, &run, &path, &names, &sender);
        tokio::select! {
            done = work => if let Err(error) = done {
                // The reader sees that the file breaks off.
                let _gone = sender.send(Err(io::Error::other(error.detail().to_owned()))).await;
            },
            () = inside.shutdown.cancelled() => {}
        }
        drop(place);
    });
    let headers = headers(&format!("{name}.tar"), "application/x-tar");
    Ok((headers, Body::from_stream(ReceiverStream::new(parts))).into_response())
}

/// Whether an agent may have something of the run.
pub(crate) fn has_begun(run: &Run) -> bool {
    run.dispatch.attempt > 0 || run.dispatch.claim.is_some()
}

/// Files with their sizes, folders, and whether there are more.
type Listed = (BTreeMap<String, u64>, Vec<String>, bool);

/// What is in a folder; none if there is no such folder.
///
/// # Errors
/// If the agent can't tell.
pub(crate) async fn folder(
    source: &Source<'_>,
    run: &Run,
    path: &str,
    deep: bool,
) -> Result<Option<Listed>, Problem> {
    let asked = FolderRequest { run: run.id, path: path.to_owned(), deep };
    match ask(source, RequestBody::Folder(asked)).await?.left {
        Left::Folder { files, dirs, is_cut } => Ok(Some((files, dirs, is_cut))),
        Left::Nothing | Left::File { .. } => Ok(None),
        Left::NoStore => Err(no_store(source)),
    }
}

/// A file on its way.
pub(crate) struct File {
    /// Its size.
    pub bytes: u64,
    /// What came with its size.
    first: Bytes,
    rest: ReplyStream,
}

impl File {
    /// More of it; none at its end.
    ///
    /// # Errors
    /// If it breaks off.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, berth_broker::ReplyError>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        self.rest.next().await
    }
}

/// Opens a file; none if there is no such file.
///
/// # Errors
/// If the agent can't read it.
pub(crate) async fn open(source: &Source<'_>, run: &Run, path: &str) -> Result<Option<File>, Problem> {
    let asked = FileRequest { run: run.id, path: path.to_owned() };
    let Answer { left, first, rest } = ask(source, RequestBody::File(asked)).await?;
    match left {
        Left::File { bytes } => Ok(Some(File { bytes, first, rest })),
        Left::Nothing | Left::Folder { .. } => Ok(None),
        Left::NoStore => Err(no_store(source)),
    }
}

struct Answer {
    left: Left,
    first: Bytes,
    rest: ReplyStream,
}

async fn ask(source: &Source<'_>, body: RequestBody) -> Result<Answer, Problem> {
    let mut rest = source.ask(body).await?;
    let mut line: Vec<u8> = Vec::new();
    while let Some(chunk) = rest.next().await {
        let chunk = chunk.map_err(|error| source.unanswered(&error))?;
        let Some(end) = chunk.iter().position(|byte| *byte == b'\n') else {
            line.extend_from_slice(&chunk);
            if line.len() > MAX_LINE {
                break;
            }
            continue;
        };
        line.extend_from_slice(&chunk[..end]);
        let left = serde_json::from_slice(&line).map_err(|error| Problem::internal(&error))?;
        return Ok(Answer { left, first: chunk.slice(end + 1..), rest });
    }
    Err(Problem::internal(&"an agent's answer about files has no beginning"))
}

/// Packs files into a tar file, as fast as they are read. One that is gone meanwhile is left out.
async fn pack(
    app: &App,
    run: &Run,
    folder: &str,
    names: &[String],
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Problem> {
    let source = Source::of(app, run).await?;
    let gone = |_| Problem::unavailable("nobody reads any more");
    for name in names {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let Some(mut file) = open(&source, run, &path).await? else { continue };
        sender.send(Ok(tar::head(name, file.bytes))).await.map_err(gone)?;
        while let Some(part) = file.next().await {
            let part = part.map_err(|error| source.unanswered(&error))?;
            sender.send(Ok(part)).await.map_err(gone)?;
        }
        sender.send(Ok(tar::padding(file.bytes))).await.map_err(gone)?;
    }
    sender.send(Ok(tar::end())).await.map_err(gone)
}

fn send(app: &App, path: &str, file: File) -> Result<Response, Problem> {
    let place = place(app)?;
    let mut headers = headers(&name_of(path), "application/octet-stream");
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes));
    let parts = stream::unfold((file, place), async |(mut file, place)| {
        let part = file.next().await?.map_err(io::Error::other);
        Some((part, (file, place)))
    });
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// A place among the streams that a server has open at once.
fn place(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let taken = app.streams.clone().try_acquire_owned();
    taken.map_err(|_| Problem::unavailable("too many streams are open here; try again in a moment"))
}

fn headers(name: &str, kind: &'static str) -> HeaderMap {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' })
        .collect();
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ]);
    let saved = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\""));
    // The name has nothing but visible ASCII.
    headers.insert(
        header::CONTENT_DISPOSITION,
        saved.unwrap_or_else(|_| HeaderValue::from_static("attachment")),
    );
    headers
}

/// The last part of a path.
fn name_of(path: &str) -> String {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

fn path_of(uri: &Uri) -> Result<String, Problem> {
    let params = Params::read(uri, &[&["path"][..], &IGNORED].concat())?;
    Ok(params.text("path").unwrap_or_default().trim_matches('/').to_owned())
}

/// 404, in the words that the stock server has.
fn missing(path: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("Artifact not found: filepath={}", shown(path)))
}

fn no_store(source: &Source<'_>) -> Problem {
    let agent = source.agent();
    let why = format!(
        "agent `{agent}` has no artifacts store to look into: it was started without `--artifacts-store`"
    );
    Problem::new(StatusCode::NOT_FOUND, why)
}
