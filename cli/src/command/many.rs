//! Acting on all that a query names: how many there are, a question, and call after call until all were dealt with.

use std::io::{IsTerminal as _, Write as _};

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Session;
use crate::arguments::{Hold, Manner};
use crate::client::Sent;
use crate::failure::{Failure, Status};
use crate::output::{Column, text};
use crate::settings::Format;

/// What is done to what.
pub(super) struct Deed<'a> {
    /// Where it is asked for.
    pub path: &'a [&'a str],
    /// What is sent with every call: the query, and what it takes beside it.
    pub body: Map<String, Value>,
    /// `runs`, `dead letters`.
    pub things: &'static str,
    /// `stopped`, `replayed`.
    pub done: String,
    /// How some of them are shown.
    pub columns: &'a [Column],
}

/// Why and until when something starts nothing, as it is sent.
pub(super) fn hold(hold: Hold) -> Value {
    let mut body = Map::new();
    body.extend(hold.reason.map(|reason| ("reason".to_owned(), json!(reason))));
    body.extend(hold.until.map(|until| ("until".to_owned(), json!(until))));
    Value::Object(body)
}

/// How it is shown: `drained until ... by ann: new disks`; what was said of no hold is `yes`.
pub(super) fn held(hold: &Value, what: &str) -> String {
    if hold.is_null() {
        return if what == "paused" { String::new() } else { "yes".to_owned() };
    }
    let what = if hold["drain"] == true { "drained" } else { what };
    let until = hold["until"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
    format!("{what}{until} by {}: {}", text(hold, "by"), text(hold, "reason"))
}

/// The runs that are shown before something is done to them.
const RUNS: &[Column] = &[
    ("UUID", |item| text(item, "uuid")),
    ("PROJECT", |item| text(item, "project")),
    ("NAME", |item| text(item, "name")),
    ("STATUS", |item| text(item, "status")),
    ("QUEUE", |item| text(item, "settings.queue.name")),
    ("CREATED", |item| text(item, "created_at")),
];

/// A deed to runs; where, and what is sent, is to be filled in.
pub(super) fn runs(done: &str) -> Deed<'static> {
    Deed { path: &[], body: Map::new(), things: "runs", done: done.to_owned(), columns: RUNS }
}

/// Does it, after a question.
///
/// # Errors
/// If the server can't be reached or refuses, or nobody says yes.
pub(super) async fn act(session: &mut Session, deed: &Deed<'_>, manner: &Manner) -> Result<(), Failure> {
    let headers = headers(manner);
    let dry_run = [("dry_run", "true".to_owned())];
    let body = Some(Value::Object(deed.body.clone()));
    let sent = Sent { query: &dry_run, body, headers: &headers };
    let preview = session.client.send(Method::POST, deed.path, sent).await?;
    let would = format!("{} {}", count(&preview), deed.things);
    if manner.preview {
        if matches!(session.output.format, Format::Json | Format::Yaml) {
            return session.output.whole(&preview);
        }
        session.output.line(&format!("{would} would be {}", deed.done))?;
        let sample = preview["sample"].as_array().map_or(&[][..], Vec::as_slice);
        return match sample {
            [] => Ok(()),
            sample => session.output.list(sample, deed.columns, |item| text(item, "uuid")),
        };
    }
    let mut all = Tally::default();
    if preview["count"] != 0 {
        if !manner.yes {
            confirm(&format!("{would} will be {}", deed.done))?;
        }
        let mut body = deed.body.clone();
        loop {
            let sent = Sent { query: &[], body: Some(Value::Object(body.clone())), headers: &headers };
            let answer = session.client.send(Method::POST, deed.path, sent).await?;
            all.add(&answer);
            if answer["next"].is_null() {
                break;
            }
            body.insert("cursor".to_owned(), answer["next"].clone());
        }
    }
    if matches!(session.output.format, Format::Json | Format::Yaml) {
        return session.output.whole(&all.whole());
    }
    session.output.line(&format!("{} {} {}", all.done, deed.things, deed.done))?;
    for kept in &all.named {
        session.output.line(&format!("not {}: {}", text(kept, "uuid"), text(kept, "why")))?;
    }
    Ok(())
}

/// The header that carries the reason.
pub(super) fn headers(manner: &Manner) -> Vec<(&'static str, String)> {
    manner.reason.iter().map(|reason| ("X-Berth-Reason", reason.clone())).collect()
}

/// What all calls did together.
#[derive(Default)]
struct Tally {
    done: u64,
    kept: u64,
    named: Vec<Value>,
}

impl Tally {
    fn add(&mut self, answer: &Value) {
        self.done += answer["done"].as_u64().unwrap_or(0);
        self.kept += answer["kept"].as_u64().unwrap_or(0);
        self.named.extend(answer["not_done"].as_array().into_iter().flatten().cloned());
    }

    fn whole(self) -> Value {
        json!({ "done": self.done, "kept": self.kept, "not_done": self.named })
    }
}

/// How many there are, as far as they were counted.
fn count(preview: &Value) -> String {
    let count = preview["count"].as_u64().unwrap_or(0);
    if preview["or_more"] == true { format!("{count} or more") } else { count.to_string() }
}

/// Asks on the terminal. Where there is none, nobody can say yes.
fn confirm(what: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{what}, and nobody is here to be asked")).hint("add --yes"));
    }
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{what}. Go on? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Status::Failed, "nothing was changed"))
}
