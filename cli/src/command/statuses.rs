//! A run's status history: printed once, or followed until the run ends.

use std::time::Duration;

use berth_domain::lifecycle::Status as RunStatus;
use serde_json::Value;

use super::Session;
use super::news::{News, why};
use crate::failure::{Failure, Status};
use crate::output::{Column, text};
use crate::settings::Format;
use crate::spinner::while_waiting;

/// How often a run is looked at while it is waited for.
const EVERY: Duration = Duration::from_millis(500);

const COLUMNS: &[Column] = &[
    ("TIME", |item| text(item, "last_transition_time")),
    ("STATUS", kind),
    ("REASON", |item| text(item, "reason")),
    ("MESSAGE", |item| text(item, "message")),
];

fn kind(item: &Value) -> String {
    text(item, "type")
}

/// Asks for a run's statuses.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn ask(session: &Session, uuid: &str) -> Result<(RunStatus, Value), Failure> {
    let answer = session.client.get(&session.run_path(uuid, &["statuses"]), &[]).await?;
    let status = text(&answer, "status");
    let status = status.parse().map_err(|_| {
        Failure::new(
            Status::Failed,
            format!("the server says that the run is `{status}`, which is no status"),
        )
    })?;
    Ok((status, answer))
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// In which final status.
    pub status: RunStatus,
    /// Why; empty if nothing is said of it.
    why: String,
}

impl Ended {
    /// If it has, by its status and what was answered with it.
    #[must_use]
    pub fn of(status: RunStatus, answer: &Value) -> Option<Self> {
        status
            .is_final()
            .then(|| Self { status, why: conditions(answer).last().map(why).unwrap_or_default() })
    }
}

/// The history in an answer.
#[must_use]
pub fn conditions(answer: &Value) -> &[Value] {
    answer["status_conditions"].as_array().map_or(&[], Vec::as_slice)
}

/// Prints the history so far.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn print(session: &mut Session, uuid: &str) -> Result<(), Failure> {
    let (_, answer) = ask(session, uuid).await?;
    match session.output.format {
        Format::Table | Format::Name => session.output.list(conditions(&answer), COLUMNS, kind),
        Format::Json | Format::Yaml => session.output.whole(&answer),
    }
}

/// Prints each change as it comes, until the run ends; says how it ended.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn watch(session: &mut Session, uuid: &str) -> Result<Ended, Failure> {
    let mut printed = 0;
    loop {
        let (status, answer) = ask(session, uuid).await?;
        let conditions = conditions(&answer);
        for condition in conditions.iter().skip(printed) {
            let line = line(condition);
            session.output.line(&line)?;
        }
        printed = printed.max(conditions.len());
        if let Some(ended) = Ended::of(status, &answer) {
            return Ok(ended);
        }
        let what = format!("{status}; waiting for the run to end");
        while_waiting(session.output.spins, &what, tokio::time::sleep(EVERY)).await;
    }
}

/// Waits until the run ends, and tells only what is wrong meanwhile.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn wait(session: &Session, uuid: &str) -> Result<Ended, Failure> {
    let mut news = News::of(uuid);
    loop {
        let (status, answer) = ask(session, uuid).await?;
        news.tell(status, conditions(&answer));
        if let Some(ended) = Ended::of(status, &answer) {
            return Ok(ended);
        }
        let what = format!("{status}; waiting for the run to end");
        while_waiting(session.output.spins, &what, tokio::time::sleep(EVERY)).await;
    }
}

fn line(condition: &Value) -> String {
    let parts = [
        text(condition, "last_transition_time"),
        format!("{:<15}", kind(condition)),
        text(condition, "reason"),
        text(condition, "message"),
    ];
    let line = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned()
}

/// The exit status of a command that waited for a run.
///
/// # Errors
/// If the run ended otherwise than it should have; all has been printed then.
pub fn verdict(uuid: &str, ended: &Ended) -> Result<(), Failure> {
    match ended.status {
        RunStatus::Succeeded | RunStatus::Skipped => Ok(()),
        other => {
            let why = if ended.why.is_empty() { String::new() } else { format!(": {}", ended.why) };
            Err(Failure::new(Status::Failed, format!("run {uuid} ended as {other}{why}"))
                .hint(format!("`berth ops statuses {uuid}` says what came before")))
        }
    }
}
