//! A run's log: printed once, or followed until the run ends.

use std::time::Duration;

use berth_domain::lifecycle::Status as RunStatus;
use serde_json::Value;
use tokio::time::Instant;

use super::Session;
use super::news::News;
use super::statuses::{self, Ended};
use crate::arguments::LogPart;
use crate::failure::{Failure, Status};
use crate::output::text;
use crate::settings::Format;
use crate::spinner::while_waiting;

/// How often a live log is asked for.
const EVERY: Duration = Duration::from_millis(300);
/// How long a log is followed on while the server or the agent can't answer.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Prints the log until the run ends, and tells what is wrong meanwhile; says how it ended. What can't be answered for a while is
/// asked for again.
///
/// # Errors
/// If the server can't be reached for long, or refuses.
pub async fn follow(session: &mut Session, uuid: &str, part: &LogPart) -> Result<Ended, Failure> {
    let mut news = News::of(uuid);
    let mut place = Place { part: part.query(), ..Place::default() };
    let mut answered_at = None;
    loop {
        let what = match look(session, uuid, &mut place, &mut news).await {
            Ok(Look::Over(ended)) => return Ok(ended),
            Ok(Look::More) => {
                answered_at = Some(Instant::now());
                continue;
            }
            Ok(Look::Wait(status)) => {
                answered_at = Some(Instant::now());
                format!("{status}; waiting for more")
            }
            Err(failure)
                if failure.status == Status::Unreachable
                    && answered_at.is_some_and(|at| at.elapsed() < PATIENCE) =>
            {
                failure.message
            }
            Err(failure) => return Err(failure),
        };
        while_waiting(session.output.spins, &what, tokio::time::sleep(EVERY)).await;
    }
}

/// What a look at a run and its log gave.
enum Look {
    /// The run has ended so, and all of its log was printed.
    Over(Ended),
    /// It has ended, and there is more.
    More,
    /// It goes on.
    Wait(RunStatus),
}

async fn look(
    session: &mut Session,
    uuid: &str,
    place: &mut Place,
    news: &mut News,
) -> Result<Look, Failure> {
    // Asked before the log, so that what was written before the end is in the answer after it.
    let (status, answer) = statuses::ask(session, uuid).await?;
    news.tell(status, statuses::conditions(&answer));
    let ended = Ended::of(status, &answer);
    if status.is_at_agent() || ended.is_some() {
        let read = next(session, uuid, place).await?;
        return Ok(match ended {
            Some(ended) if read.is_all => Look::Over(ended),
            Some(_) if read.lines > 0 => Look::More,
            _ => Look::Wait(status),
        });
    }
    Ok(Look::Wait(status))
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
