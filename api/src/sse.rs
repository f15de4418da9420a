//! Server-sent events from the store's change feed: resumable by `Last-Event-ID`, never skipping a commit, and
//! `resync` when the cursor is older than what is kept.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use berth_domain::access::Action;
use berth_domain::id::RunId;
use berth_store::{Change, Changes, Cursor};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::path::{InOwner, InRun};
use crate::problem::Problem;

/// How often the feed is read when nobody said that something changed.
const SWEEP: Duration = Duration::from_secs(1);
/// Changes read at once.
const BATCH: u32 = 500;
/// Events on their way to a slow reader.
const BUFFER: usize = 64;
/// A comment at least so often, so that proxies keep the connection and a lost one is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which changes a stream shows.
#[derive(Debug, Clone)]
struct Wanted {
    owner: String,
    run: Option<RunId>,
}

impl Wanted {
    fn takes(&self, change: &Change) -> bool {
        change.owner == self.owner && self.run.is_none_or(|run| run.uuid() == change.id)
    }
}

/// `GET /api/v1/orgs/{owner}/events`.
pub(crate) async fn of_owner(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Action::View, at.resource())?;
    let from = start(&app, &headers).await?;
    stream(app, Wanted { owner: at.owner, run: None }, from, None)
}

/// `GET /api/v1/{owner}/{project}/runs/{uuid}/events/stream`. Begins with the run as it is.
pub(crate) async fn of_run(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Action::View, at.resource())?;
    // The cursor first: what changes between the two is then told twice rather than never.
    let from = start(&app, &headers).await?;
    let run = app.store.run(&at.owner, &at.project, at.run).await?;
    let now = json!({
        "uuid": run.id, "status": run.dispatch.status, "version": run.version, "at": run.updated_at,
    });
    let first = from.as_ref().map(|cursor| event("run", cursor, &now));
    stream(app, Wanted { owner: at.owner, run: Some(at.run) }, from, first)
}

/// Where to begin: after the last event that the client has, or now. None: the cursor makes no sense any more.
async fn start(app: &AppState, headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    match headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty()) {
        Some(id) => Ok(Cursor::from_str(id).ok()),
        None => Ok(Some(app.store.latest_cursor().await?)),
    }
}

fn stream(
    app: AppState,
    wanted: Wanted,
    from: Option<Cursor>,
    first: Option<Event>,
) -> Result<Response, Problem> {
    let place = app.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("too many streams are open here; try again in a moment, or ask another replica")
    })?;
    let (events, receiver) = mpsc::channel(BUFFER);
    app.tasks.clone().spawn(async move {
        let stop = app.shutdown.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = events.closed() => {}
            () = follow(&app, &wanted, from, first, &events, place) => {}
        }
    });
    let stream = Sse::new(ReceiverStream::new(receiver));
    Ok(stream.keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

type Sender = mpsc::Sender<Result<Event, Infallible>>;

/// Sends what follows `from` until the reader is gone. A failure of the store is waited out.
async fn follow(
    app: &AppState,
    wanted: &Wanted,
    from: Option<Cursor>,
    first: Option<Event>,
    events: &Sender,
    _place: OwnedSemaphorePermit,
) {
    let mut heard = app.wake.heard();
    if let Some(first) = first
        && events.send(Ok(first)).await.is_err()
    {
        return;
    }
    let mut cursor = from;
    loop {
        heard.borrow_and_update();
        match read(app, wanted, cursor.as_ref()).await {
            Ok(Read { next, found, more }) => {
                cursor = next.or(cursor);
                for event in found {
                    if events.send(Ok(event)).await.is_err() {
                        return;
                    }
                }
                if more {
                    continue;
                }
            }
            Err(error) => tracing::debug!(%error, "the change feed could not be read"),
        }
        tokio::select! {
            changed = heard.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

struct Read {
    next: Option<Cursor>,
    found: Vec<Event>,
    more: bool,
}

async fn read(app: &AppState, wanted: &Wanted, cursor: Option<&Cursor>) -> Result<Read, berth_store::Error> {
    let latest = || async {
        let latest = app.store.latest_cursor().await?;
        let told = event("resync", &latest, &json!({ "reason": "the cursor is too old" }));
        Ok(Read { next: Some(latest), found: vec![told], more: true })
    };
    let Some(cursor) = cursor else { return latest().await };
    match app.store.changes_after(cursor, BATCH).await? {
        Changes::Resync => latest().await,
        Changes::Next(changes) => Ok(Read {
            next: changes.last().map(|change| change.cursor.clone()),
            more: changes.len() >= BATCH as usize,
            found: changes.iter().filter(|change| wanted.takes(change)).map(of_change).collect(),
        }),
    }
}

fn of_change(change: &Change) -> Event {
    let data = json!({
        "uuid": change.id.simple().to_string(),
        "project": change.project_id,
        "status": change.status,
        "version": change.version,
        "at": change.at,
    });
    event(change.kind.as_str(), &change.cursor, &data)
}

fn event(kind: &str, cursor: &Cursor, data: &serde_json::Value) -> Event {
    Event::default().event(kind).id(cursor.to_string()).data(data.to_string())
}
