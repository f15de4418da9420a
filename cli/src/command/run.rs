//! `berth run`: reads a polyaxonfile, merges presets and parameters into it, submits it, and may wait for its end.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::statuses::{self, Ended};
use super::{Session, Surroundings, logs};
use crate::arguments::{LogPart, Run};
use crate::client::Sent;
use crate::failure::Failure;
use crate::output::{Column, text};
use crate::settings::Format;
use crate::spinner::while_waiting;

mod file;

pub(super) use file::{defaults, preset, routes};

const COLUMNS: &[Column] = &[
    ("UUID", super::ops::id),
    ("NAME", |item| text(item, "name")),
    ("STATUS", |item| text(item, "status")),
    ("QUEUE", |item| text(item, "settings.queue.name")),
];

/// Submits what the files say.
///
/// # Errors
/// If a file can't be used, the server can't be reached or refuses, or a run that was waited for failed.
pub async fn act(surroundings: &Surroundings<'_>, mut session: Session, run: Run) -> Result<(), Failure> {
    let operation = file::operation(surroundings.read, &run)?;
    let body = body(&operation, &run);
    let path = ["api", "v1", &session.owner, &session.project, "runs"];
    let mut headers = Vec::new();
    headers.extend(run.idempotency_key.clone().map(|key| ("Idempotency-Key", key)));
    let query: &[(&str, String)] = if run.dry_run { &[("dry_run", "true".to_owned())] } else { &[] };
    let sent = Sent { query, body: Some(body), headers: &headers };
    let submitting = session.client.send(Method::POST, &path, sent);
    let answer = while_waiting(session.output.spins, "submitting", submitting).await?;
    if run.dry_run {
        if session.output.format == Format::Table {
            session.output.format = Format::Yaml;
        }
        return session.output.whole(&answer);
    }
    let uuid = text(&answer, "uuid");
    if session.output.format == Format::Table {
        session.output.line(&format!("run {uuid} is submitted to {}/{}", session.owner, session.project))?;
    } else {
        session.output.one(&answer, COLUMNS, super::ops::id)?;
    }
    if run.follow {
        let ended = logs::follow(&mut session, &uuid, &LogPart::default()).await?;
        over(&mut session, &uuid, &ended)?;
    } else if run.wait {
        let ended = statuses::wait(&session, &uuid).await?;
        over(&mut session, &uuid, &ended)?;
    }
    Ok(())
}

/// Says how a run that was waited for ended.
fn over(session: &mut Session, uuid: &str, ended: &Ended) -> Result<(), Failure> {
    if session.output.format == Format::Table {
        session.output.line(&format!("run {uuid} {}", ended.status))?;
    }
    statuses::verdict(uuid, ended)
}

/// The body as the stock client sends it: the operation as a text that holds JSON.
fn body(operation: &Value, run: &Run) -> Value {
    let mut body = Map::from_iter([
        ("content".to_owned(), json!(operation.to_string())),
        ("is_managed".to_owned(), json!(true)),
    ]);
    body.extend(run.name.clone().map(|name| ("name".to_owned(), json!(name))));
    body.extend(run.description.clone().map(|text| ("description".to_owned(), json!(text))));
    body.extend(run.schedule_at.clone().map(|time| ("schedule_at".to_owned(), json!(time))));
    if !run.tags.is_empty() {
        body.insert("tags".to_owned(), json!(run.tags));
    }
    Value::Object(body)
}
