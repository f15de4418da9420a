//! Server-sent events from the store's change feed: resumable by `Last-Event-ID`, never skipping the last change of a
//! thing, and `resync` when the cursor is older than what is kept.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use berth_domain::access::Action;
use berth_store::{Changes, Cursor};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::feed::{BATCH, Next, SPACING, Update, Wanted, event};
use crate::path::{InOwner, InRun};
use crate::problem::Problem;

/// Pieces on their way to a slow reader.
const BUFFER: usize = 1;
/// A comment at least so often, so that proxies keep the connection and a lost one is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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
    if let Some(id) = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty())
    {
        return Ok(Cursor::from_str(id).ok());
    }
    // How far the feed is read is never later than now.
    match app.feed.end() {
        Some(end) => Ok(Some(end)),
        None => Ok(Some(app.store.latest_cursor().await?)),
    }
}

fn stream(
    app: AppState,
    wanted: Wanted,
    from: Option<Cursor>,
    first: Option<String>,
) -> Result<Response, Problem> {
    let place = app.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("too many streams are open here; try again in a moment, or ask another replica")
    })?;
    let (pieces, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(BUFFER);
    app.tasks.clone().spawn(async move {
        let stop = app.shutdown.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = pieces.closed() => {}
            _ = follow(&app, &wanted, from, first, &pieces, place) => {}
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

type Pieces = mpsc::Sender<Result<Bytes, Infallible>>;

/// The reader is gone.
struct Gone;

async fn say(pieces: &Pieces, piece: impl Into<Bytes>) -> Result<(), Gone> {
    pieces.send(Ok(piece.into())).await.map_err(|_| Gone)
}

/// Sends what follows `from` until the reader is gone. A failure of the store is waited out.
async fn follow(
    app: &AppState,
    wanted: &Wanted,
    from: Option<Cursor>,
    first: Option<String>,
    pieces: &Pieces,
    _place: OwnedSemaphorePermit,
) -> Result<(), Gone> {
    let _listening = app.feed.listen();
    let mut news = app.feed.news();
    let mut alive = tokio::time::interval(KEEP_ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    alive.reset();
    if let Some(first) = first {
        say(pieces, first).await?;
    }
    let mut cursor = from;
    loop {
        news.borrow_and_update();
        let older = match cursor.as_ref().map(|cursor| (cursor, app.feed.after(cursor))) {
            Some((cursor, Next::Older(begin))) => older(app, wanted, cursor, &begin).await,
            None => resync(app).await,
            Some((after, Next::Update(update))) => {
                for event in update.events(wanted, after) {
                    say(pieces, event).await?;
                }
                cursor = Some(update.upto().clone());
                continue;
            }
            Some((_, Next::Nothing)) => {
                tokio::select! {
                    changed = news.changed() => if changed.is_err() { return Ok(()) },
                    _ = alive.tick() => say(pieces, Bytes::from_static(b":\n\n")).await?,
                }
                continue;
            }
            Some((_, Next::Unknown)) => {
                if news.changed().await.is_err() {
                    return Ok(());
                }
                continue;
            }
        };
        match older {
            Ok((next, events)) => {
                for event in events {
                    say(pieces, event).await?;
                }
                cursor = Some(next);
            }
            Err(error) => tracing::debug!(%error, "the change feed could not be read"),
        }
        tokio::time::sleep(SPACING).await;
    }
}

/// Reads in the store what follows `cursor` and is not kept, since what is kept begins later.
async fn older(
    app: &AppState,
    wanted: &Wanted,
    cursor: &Cursor,
    begin: &Cursor,
) -> Result<(Cursor, Vec<Bytes>), berth_store::Error> {
    let Changes::Next(changes) = app.store.changes_after(cursor, BATCH).await? else {
        return resync(app).await;
    };
    let (upto, events) = match Update::of(&changes) {
        Some(update) => (update.upto().clone(), update.events(wanted, cursor)),
        None => (cursor.clone(), Vec::new()),
    };
    // All that there was is read, so all that comes before what is kept.
    let is_all = changes.len() < BATCH as usize && begin.is_of_epoch(&upto);
    let next = if is_all && upto.is_before(begin) { begin.clone() } else { upto };
    Ok((next, events))
}

/// Begins anew, and says so.
async fn resync(app: &AppState) -> Result<(Cursor, Vec<Bytes>), berth_store::Error> {
    let latest = app.store.latest_cursor().await?;
    let told = event("resync", &latest, &json!({ "reason": "the cursor is too old" }));
    Ok((latest, vec![Bytes::from(told)]))
}
