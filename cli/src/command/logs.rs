//! A run's log: printed once, or followed until the run ends.

use std::time::Duration;

use berth_domain::lifecycle::Status as RunStatus;
use serde_json::Value;

use super::{Session, statuses};
use crate::arguments::LogPart;
use crate::failure::Failure;
use crate::output::text;
use crate::settings::Format;
use crate::spinner::while_waiting;

/// How often a live log is asked for.
const EVERY: Duration = Duration::from_millis(300);
/// How far a log has been read.
#[derive(Debug, Default)]
struct Place {
    /// What of it is read.
    part: Vec<(&'static str, String)>,
    time: Option<String>,
    file: Option<String>,
}

/// Prints the log so far.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn print(session: &mut Session, uuid: &str, part: &LogPart) -> Result<(), Failure> {
    let mut place = Place { part: part.query(), ..Place::default() };
    loop {
        let read = next(session, uuid, &mut place).await?;
        if read.lines == 0 || read.is_all {
            return Ok(());
        }
    }
}

/// Prints the log until the run ends; says how it ended.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn follow(session: &mut Session, uuid: &str, part: &LogPart) -> Result<RunStatus, Failure> {
    let mut place = Place { part: part.query(), ..Place::default() };
    loop {
        // Asked before the log, so that what was written before the end is in the answer after it.
        let (status, _) = statuses::ask(session, uuid).await?;
        if status.is_at_agent() || status.is_final() {
            let read = next(session, uuid, &mut place).await?;
            if status.is_final() && read.is_all {
                return Ok(status);
            }
            if read.lines > 0 && status.is_final() {
                continue;
            }
        }
        let what = format!("{status}; waiting for more");
        while_waiting(session.output.spins, &what, tokio::time::sleep(EVERY)).await;
    }
}

/// What an answer held.
#[derive(Debug, Clone, Copy)]
struct Read {
    lines: usize,
    /// The server names no place to go on from: there is no more, if the run has ended.
    is_all: bool,
}

/// Asks for what follows `place`, prints it and moves the place.
async fn next(session: &mut Session, uuid: &str, place: &mut Place) -> Result<Read, Failure> {
    let read = [("last_time", &place.time), ("last_file", &place.file)];
    let read = read.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let query: Vec<(&str, String)> = place.part.iter().cloned().chain(read).collect();
    let path = ["streams", "v1", "default", &session.owner, &session.project, "runs", uuid, "logs"];
    let answer = session.client.get(&path, &query).await?;
    let lines = answer["logs"].as_array().map_or(&[][..], Vec::as_slice);
    for line in lines {
        match session.output.format {
            Format::Json => session.output.line(&line.to_string())?,
            _ => session.output.line(&shown(line))?,
        }
    }
    let text = |key: &str| answer[key].as_str().map(str::to_owned);
    let (time, file) = (text("last_time"), text("last_file"));
    let is_all = time.is_none() && file.is_none();
    if let Some(time) = time {
        place.time = Some(time);
    }
    place.file = file;
    Ok(Read { lines: lines.len(), is_all })
}

/// The line as it was written; a terminal shows what a program sends it, as it would without us.
fn shown(line: &Value) -> String {
    text(line, "value").trim_end_matches(['\n', '\r']).to_owned()
}
