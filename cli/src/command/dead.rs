//! `berth queues dead`: what was set aside.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::many::{self, Deed};
use super::{Session, results};
use crate::arguments::{DeadAction, Letters};
use crate::client::Sent;
use crate::failure::Failure;
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("UUID", id),
    ("REASON", |item| text(item, "reason")),
    ("AGENT", |item| text(item, "agent")),
    ("QUEUE", |item| text(item, "queue")),
    ("RUN", |item| text(item, "run")),
    ("TIMES", |item| text(item, "times")),
    ("FIRST", |item| text(item, "first_at")),
    ("LAST", |item| text(item, "last_at")),
    ("MESSAGE", |item| text(item, "message")),
];

const REASONS: &[Column] = &[
    ("REASON", |item| text(item, "reason")),
    ("LETTERS", |item| text(item, "letters")),
    ("TIMES", |item| text(item, "times")),
    ("FIRST", |item| text(item, "first_at")),
    ("LAST", |item| text(item, "last_at")),
];

const ONE: &[Column] = &[
    ("UUID", id),
    ("REASON", |item| text(item, "reason")),
    ("MESSAGE", |item| text(item, "message")),
    ("AGENT", |item| text(item, "agent")),
    ("QUEUE", |item| text(item, "queue")),
    ("RUN", |item| text(item, "run")),
    ("ATTEMPT", |item| text(item, "attempt")),
    ("TIMES", |item| text(item, "times")),
    ("FIRST", |item| text(item, "first_at")),
    ("LAST", |item| text(item, "last_at")),
    ("ENVELOPE", |item| text(item, "envelope")),
    ("RAW (BASE64)", |item| text(item, "raw")),
];

fn id(item: &Value) -> String {
    text(item, "uuid")
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses.
pub(super) async fn act(mut session: Session, action: DeadAction) -> Result<(), Failure> {
    match action {
        DeadAction::Ls { query, reasons: true, .. } => {
            let asked: Vec<_> = query.map(|query| ("query", query)).into_iter().collect();
            let path = session.org_path(&["dead-letters", "reasons"]);
            let answer = session.client.get(&path, &asked).await?;
            session.output.list(results(&answer), REASONS, |item| text(item, "reason"))
        }
        DeadAction::Ls { query, limit, reasons: false } => {
            let mut asked = vec![("limit", limit.to_string())];
            asked.extend(query.map(|query| ("query", query)));
            let answer = session.client.get(&session.org_path(&["dead-letters"]), &asked).await?;
            session.output.list(results(&answer), COLUMNS, id)
        }
        DeadAction::Get { uuid } => {
            let answer = session.client.get(&session.org_path(&["dead-letters", &uuid]), &[]).await?;
            session.output.one(&answer, ONE, id)
        }
        DeadAction::Replay(Letters { uuid: Some(uuid), manner, .. }) => {
            let headers = many::headers(&manner);
            let sent = Sent { body: Some(json!({})), headers: &headers, ..Sent::default() };
            let path = session.org_path(&["dead-letters", &uuid, "replay"]);
            session.client.send(Method::POST, &path, sent).await?;
            session.output.line(&format!("dead letter {uuid} is replayed"))
        }
        DeadAction::Drop(Letters { uuid: Some(uuid), manner, .. }) => {
            let headers = many::headers(&manner);
            let sent = Sent { headers: &headers, ..Sent::default() };
            session.client.send(Method::DELETE, &session.org_path(&["dead-letters", &uuid]), sent).await?;
            session.output.line(&format!("dead letter {uuid} is dropped"))
        }
        DeadAction::Replay(letters) => many(&mut session, "replay", "replayed", letters).await,
        DeadAction::Drop(letters) => many(&mut session, "drop", "dropped", letters).await,
    }
}

async fn many(session: &mut Session, verb: &str, done: &str, letters: Letters) -> Result<(), Failure> {
    let owner = session.owner.clone();
    let deed = Deed {
        path: &["api", "v1", "orgs", &owner, "dead-letters", verb],
        body: Map::from_iter([("query".to_owned(), json!(letters.query.unwrap_or_default()))]),
        things: "dead letters",
        done: done.to_owned(),
        columns: COLUMNS,
    };
    many::act(session, &deed, &letters.manner).await
}
