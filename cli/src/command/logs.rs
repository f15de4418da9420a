//! A run's log: printed once, or followed until the run ends.

use std::time::Duration;

use berth_domain::lifecycle::Status as RunStatus;
use serde_json::Value;

use super::{Session, statuses};
use crate::failure::Failure;
use crate::output::text;
use crate::settings::Format;
use crate::spinner::while_waiting;

/// How often a live log is asked for.
const EVERY: Duration = Duration::from_millis(300);
/// How many answers without a new line are taken as the end of the log of a run that has ended.
const QUIET: u32 = 2;

/// How far a log has been read.
#[derive(Debug, Default)]
struct Place {
    time: Option<String>,
    file: Option<String>,
}

/// Prints the log so far.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn print(session: &mut Session, uuid: &str) -> Result<(), Failure> {
    let mut place = Place::default();
    while next(session, uuid, &mut place).await? > 0 && (place.time.is_some() || place.file.is_some()) {}
    Ok(())
}

/// Prints the log until the run ends; says how it ended.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn follow(session: &mut Session, uuid: &str) -> Result<RunStatus, Failure> {
    let mut place = Place::default();
    let mut quiet = 0;
    loop {
        // Asked before the log, so that what was written before the end is in the answer after it.
        let (status, _) = statuses::ask(session, uuid).await?;
        let has_log = status.is_at_agent() || status.is_final();
        let lines = if has_log { next(session, uuid, &mut place).await? } else { 0 };
        if status.is_final() {
            quiet = if lines == 0 { quiet + 1 } else { 0 };
            if quiet >= QUIET {
                return Ok(status);
            }
        }
        let what = format!("{status}; waiting for more");
        while_waiting(session.output.spins, &what, tokio::time::sleep(EVERY)).await;
    }
}

/// Asks for what follows `place`, prints it and moves the place; says how many lines that were.
async fn next(session: &mut Session, uuid: &str, place: &mut Place) -> Result<usize, Failure> {
    let query: Vec<(&str, String)> = [("last_time", &place.time), ("last_file", &place.file)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
    let path = ["streams", "v1", "default", &session.owner, &session.project, "runs", uuid, "logs"];
    let answer = session.client.get(&path, &query).await?;
    let lines = answer["logs"].as_array().map_or(&[][..], Vec::as_slice);
    for line in lines {
        match session.output.format {
            Format::Json => session.output.line(&line.to_string())?,
            _ => session.output.line(&shown(line))?,
        }
    }
    if let Some(time) = answer["last_time"].as_str() {
        place.time = Some(time.to_owned());
    }
    place.file = answer["last_file"].as_str().map(str::to_owned);
    Ok(lines.len())
}

/// The line as it was written; a terminal shows what a program sends it, as it would without us.
fn shown(line: &Value) -> String {
    text(line, "value").trim_end_matches(['\n', '\r']).to_owned()
}
