//! Dead letters: runs that were claimed too often without a start, and messages that nobody can read. Listed, counted
//! by reason, sent on their way again and dropped, singly and by query.

mod filter;
mod replay;

use std::collections::HashMap;

use axum::Json as Answer;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{StatusCode, Uri};
use berth_domain::access::Action;
use berth_domain::id::DeadLetterId;
use berth_store::{Audit, DeadLetter, DeadLetterFilter, DeadLetterGroup, Page};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::agents::part;
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::course::{BATCH, Course, SAMPLE};
use crate::listing;
use crate::params::{Params, shown};
use crate::path::InOwner;
use crate::problem::Problem;

/// Letters on a page, if nothing is said.
const PAGE: u32 = 100;

/// What is done to letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Replay,
    Drop,
}

impl Verb {
    const fn action(self) -> &'static str {
        match self {
            Self::Replay => "dead_letter.replay",
            Self::Drop => "dead_letter.drop",
        }
    }
}

/// Which letters, by a query; an empty one means all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByQuery {
    query: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
}

/// `GET /api/v1/orgs/{owner}/dead-letters`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &listing::PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let filter = filter::read(&app, &at.owner, params.text("query").unwrap_or_default()).await?;
    let letters = app.store.dead_letters(&filter, &page).await?;
    Ok(Answer(listing::answer(&uri, &letters, shape)))
}

/// `GET /api/v1/orgs/{owner}/dead-letters/reasons`: counted by reason.
pub(crate) async fn reasons(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &["query"])?;
    let filter = filter::read(&app, &at.owner, params.text("query").unwrap_or_default()).await?;
    let groups = app.store.dead_letter_groups(&filter).await?;
    Ok(Answer(listing::whole(&groups.iter().map(group).collect::<Vec<_>>())))
}

/// `GET /api/v1/orgs/{owner}/dead-letters/{uuid}`, with the message as it was: it may hold what is secret.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageDeadLetters, at.resource())?;
    let letter = app.store.dead_letter(&at.owner, id(&path)?).await?;
    let mut shape = shape(&letter);
    shape["raw"] = json!(letter.raw);
    shape["envelope"] = json!(letter.envelope);
    Ok(Answer(shape))
}

/// `POST /api/v1/orgs/{owner}/dead-letters/{uuid}/replay`.
pub(crate) async fn replay(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageDeadLetters, at.resource())?;
    let letter = app.store.dead_letter(&at.owner, id(&path)?).await?;
    let outcome = replay::replay(&app, &caller, &[letter], &caller.audit(Verb::Replay.action())).await?;
    match outcome.kept.into_iter().next() {
        Some((_, why)) => Err(Problem::conflict(why)),
        None => Ok(Answer(json!({}))),
    }
}

/// `DELETE /api/v1/orgs/{owner}/dead-letters/{uuid}`.
pub(crate) async fn drop(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageDeadLetters, at.resource())?;
    let letter = app.store.dead_letter(&at.owner, id(&path)?).await?;
    app.store.drop_dead_letters(&[letter], &caller.audit(Verb::Drop.action())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/orgs/{owner}/dead-letters/replay`, of those that a query names.
pub(crate) async fn replay_many(
    app: State<AppState>,
    caller: Caller,
    at: InOwner,
    uri: OriginalUri,
    body: Json<ByQuery>,
) -> Result<Answer<Value>, Problem> {
    many(&app, &caller, &at, &uri, body.0, Verb::Replay).await
}

/// `POST /api/v1/orgs/{owner}/dead-letters/drop`, of those that a query names.
pub(crate) async fn drop_many(
    app: State<AppState>,
    caller: Caller,
    at: InOwner,
    uri: OriginalUri,
    body: Json<ByQuery>,
) -> Result<Answer<Value>, Problem> {
    many(&app, &caller, &at, &uri, body.0, Verb::Drop).await
}

async fn many(
    app: &App,
    caller: &Caller,
    at: &InOwner,
    uri: &Uri,
    body: ByQuery,
    verb: Verb,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageDeadLetters, at.resource())?;
    let Some(query) = body.query else {
        return Err(Problem::field("query", "This field is required; an empty text means all dead letters."));
    };
    let filter = filter::read(app, &at.owner, &query).await?;
    if Params::read(uri, &["dry_run"])?.flag("dry_run")? {
        return preview(app, &filter).await;
    }
    let mut course = Course::begin(body.cursor.as_deref(), caller.now)?;
    let audit = Audit { details: Some(json!({ "query": query })), ..caller.audit(verb.action()) };
    while course.goes_on() {
        // A letter keeps its id when it comes back, so that nothing is replayed twice, whatever fails again.
        let after = course.after.map(DeadLetterId::from_uuid);
        let letters = app.store.dead_letters_after(&filter, after, BATCH).await?;
        match verb {
            Verb::Replay => {
                let outcome = replay::replay(app, caller, &letters, &audit).await?;
                course.done(outcome.replayed);
                outcome.kept.into_iter().for_each(|(id, why)| course.keep(id.uuid(), why));
            }
            Verb::Drop => course.done(app.store.drop_dead_letters(&letters, &audit).await?.len()),
        }
        course.advance(letters.len(), letters.last().map(|letter| letter.id.uuid()));
    }
    Ok(Answer(course.answer()))
}

async fn preview(app: &App, filter: &DeadLetterFilter) -> Result<Answer<Value>, Problem> {
    let page = Page { count: true, ..Page::first(SAMPLE) };
    let letters = app.store.dead_letters(filter, &page).await?;
    let sample: Vec<Value> = letters.items.iter().map(shape).collect();
    Ok(Answer(json!({ "count": letters.count, "sample": sample })))
}

fn id(path: &HashMap<String, String>) -> Result<DeadLetterId, Problem> {
    let text = part(path, "uuid");
    text.parse().map_err(|_| Problem::not_found("dead letter", shown(&text)))
}

fn shape(letter: &DeadLetter) -> Value {
    json!({
        "uuid": letter.id,
        "reason": letter.reason.as_str(),
        "message": letter.detail,
        "run": letter.run_id,
        "attempt": letter.attempt,
        "agent": letter.agent,
        "queue": letter.queue,
        "is_cut": letter.is_cut,
        "first_at": letter.first_at,
        "last_at": letter.last_at,
        "times": letter.times,
    })
}

fn group(group: &DeadLetterGroup) -> Value {
    json!({
        "reason": group.reason.as_str(),
        "letters": group.letters,
        "times": group.times,
        "first_at": group.first_at,
        "last_at": group.last_at,
    })
}
