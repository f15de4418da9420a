//! A run's log: asked of its agent through the broker, while somebody looks. Nothing of it is kept here: an agent with an
//! artifacts store reads there what its executor has no more.
//!
//! The stock client reads in two ways. While the run is alive it sends the time of the last line that it has, and
//! goes on as long as it gets one back. Of a run that has ended it reads "files", by the name of the last one; here a
//! file is a part of one attempt's log, named `<attempt>.<offset>`.
//!
//! What Polyaxon has no parameter for is chosen by ours: `container`, `replica`, `attempt`, `previous`, `since`, `tail`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Json, extract::OriginalUri};
use berth_broker::ReplyError;
use berth_domain::access::Action;
use berth_domain::protocol::logs::{LogFrom, LogItem, LogRequest, RequestBody, UNREADABLE};
use berth_domain::time::Time;
use berth_store::Run;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::ask::Source;
use crate::authenticate::Caller;
use crate::params::{Params, shown};
use crate::path::InRun;
use crate::problem::Problem;

/// Lines of one answer, as in Polyaxon.
const MAX_LINES: usize = 2_000;
/// How long ago `since` can be, in seconds: a hundred years.
const MAX_AGO: u64 = 100 * 366 * 86_400;
/// Bytes of text of one answer, about.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a log is asked for with. `kind`, `force` and `connection` are the stock client's, and change nothing.
pub(crate) const PARAMS: [&str; 11] = [
    "kind",
    "last_time",
    "last_file",
    "force",
    "connection",
    "container",
    "replica",
    "attempt",
    "previous",
    "since",
    "tail",
];

/// `GET /streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let asked = Asked::read(&uri, app.clock.now())?;
    let run = app.store.run(&at.owner, &at.project, at.run).await?;
    let is_over = run.dispatch.status.is_final();
    let answer = match asked {
        Asked { last_file: Some(from), .. } => parts(&app, &run, &asked, from).await?,
        Asked { last_time: None, .. } if is_over || asked.previous => {
            let newest = asked.previous || asked.tail.is_some();
            let first = if newest { run.dispatch.attempt } else { 0 };
            let part = Part { attempt: asked.attempt.unwrap_or(first), offset: 0 };
            parts(&app, &run, &asked, part).await?
        }
        _ => tail(&app, &run, &asked).await?,
    };
    Ok(Json(answer))
}

/// A place in the logs of a run's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    attempt: u32,
    offset: u64,
}

impl Part {
    fn read(text: &str) -> Option<Self> {
        let (attempt, offset) = text.split_once('.')?;
        Some(Self { attempt: attempt.parse().ok()?, offset: offset.parse().ok()? })
    }

    fn name(self) -> String {
        format!("{}.{}", self.attempt, self.offset)
    }
}

#[derive(Debug)]
struct Asked {
    last_time: Option<Time>,
    last_file: Option<Part>,
    container: Option<String>,
    replica: Option<u32>,
    attempt: Option<u32>,
    previous: bool,
    since: Option<Time>,
    tail: Option<u32>,
}

impl Asked {
    fn read(uri: &Uri, now: Time) -> Result<Self, Problem> {
        let params = Params::read(uri, &PARAMS)?;
        let last_time = params
            .text("last_time")
            .map(|text| read_time(text).map_err(|error| Problem::field("last_time", error)))
            .transpose()?;
        let last_file = params
            .text("last_file")
            .map(|text| {
                Part::read(text).ok_or_else(|| {
                    let message = format!("`{}` is not one that an earlier answer gave", shown(text));
                    Problem::field("last_file", message)
                })
            })
            .transpose()?;
        let since = params.text("since").map(|text| read_since(text, now)).transpose()?;
        let number = |name, most| {
            let number = params.number(name, most)?;
            Ok::<_, Problem>(number.and_then(|number| u32::try_from(number).ok()))
        };
        Ok(Self {
            last_time,
            last_file,
            container: params.text("container").map(str::to_owned),
            replica: number("replica", u64::from(u32::MAX))?,
            attempt: number("attempt", u64::from(u32::MAX))?,
            previous: params.flag("previous")?,
            since,
            tail: number("tail", MAX_LINES as u64)?,
        })
    }

    /// Whether something is named that may not be there.
    fn is_choosy(&self) -> bool {
        self.container.is_some() || self.replica.is_some() || self.attempt.is_some() || self.previous
    }

    /// Whether one attempt's log is all that is wanted.
    fn is_of_one_attempt(&self) -> bool {
        self.attempt.is_some() || self.previous || self.tail.is_some()
    }

    fn request(&self, run: &Run, attempt: u32, from: LogFrom) -> LogRequest {
        let is_first = matches!(from, LogFrom::Start | LogFrom::Offset(0));
        let from = match (from, self.since) {
            (LogFrom::Start | LogFrom::Offset(0), Some(since)) => LogFrom::After(since),
            (from, _) => from,
        };
        LogRequest {
            run: run.id,
            attempt: Some(attempt),
            container: self.container.clone(),
            replica: self.replica.unwrap_or(0),
            previous: self.previous,
            tail: self.tail.filter(|_| is_first),
            from,
            follow: false,
            limit_bytes: Some(MAX_BYTES),
        }
    }
}

/// A moment, or how long ago it was: `90`, `90s`, `10m`, `2h`, `1d`.
fn read_since(text: &str, now: Time) -> Result<Time, Problem> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], unit),
        _ => (text, 's'),
    };
    let seconds = match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let ago = number.parse::<u64>().ok().zip(seconds).and_then(|(number, unit)| number.checked_mul(unit));
    match ago {
        Some(ago) => Ok(now.minus(Duration::from_secs(ago.min(MAX_AGO)))),
        None => read_time(text).map_err(|_| {
            let message = format!(
                "`{}` is neither a time nor how long ago it was, as in 90s, 10m, 2h, 1d",
                shown(text)
            );
            Problem::field("since", message)
        }),
    }
}

/// The stock client writes offsets without a colon (`+0000`), and a `+` that it does not escape arrives as a blank.
fn read_time(text: &str) -> Result<Time, String> {
    let mut text = text.trim().replace(' ', "+");
    let bytes = text.as_bytes();
    if let [.., sign, a, b, c, d] = bytes
        && matches!(sign, b'+' | b'-')
        && [a, b, c, d].iter().all(|digit| digit.is_ascii_digit())
        && text.contains('T')
    {
        text.insert(text.len() - 2, ':');
    }
    Time::parse(&text).map_err(|error| error.to_string())
}

/// What follows in the log of a run that is alive, or was when the client began.
async fn tail(app: &App, run: &Run, asked: &Asked) -> Result<Value, Problem> {
    let state = &run.dispatch;
    let after = asked.last_time;
    if state.status.is_waiting() && state.attempt == 0 || state.status.is_final() && state.claim.is_none() {
        let last_time = if state.status.is_final() { None } else { after };
        return Ok(answer(Vec::new(), last_time, None));
    }
    let source = Source::of(app, run).await?;
    let from = after.map_or(LogFrom::Start, LogFrom::After);
    let mut lines = Vec::new();
    let mut is_all = true;
    // A retry may have begun since the client last asked: the end of the attempt before it still counts.
    let first = if asked.tail.is_some() { state.attempt } else { state.attempt.saturating_sub(1) };
    for attempt in asked.attempt.unwrap_or(first)..=asked.attempt.unwrap_or(state.attempt) {
        let is_newest = attempt == state.attempt;
        match source.read(asked, asked.request(run, attempt, from), MAX_LINES - lines.len()).await {
            Ok(read) => {
                lines.extend(read.lines);
                is_all = read.next.is_none();
            }
            Err(Failure::Nothing) => {}
            // It is asked again soon.
            Err(Failure::Trouble(_)) if !state.status.is_final() => {}
            Err(Failure::Trouble(problem) | Failure::Problem(problem)) if is_newest => return Err(problem),
            Err(Failure::Trouble(_) | Failure::Problem(_)) => {}
        }
        if lines.len() >= MAX_LINES {
            break;
        }
    }
    let newest = lines.last().map(|line: &Line| line.at);
    // An answer may be cut at a number of lines or bytes.
    let is_end = state.status.is_final() && (is_all || lines.is_empty());
    let last_time = if is_end { None } else { newest.or(after) };
    Ok(answer(lines, last_time, None))
}

/// The part of a finished run's log that begins at `part`.
async fn parts(app: &App, run: &Run, asked: &Asked, part: Part) -> Result<Value, Problem> {
    let state = &run.dispatch;
    if state.attempt == 0 && state.claim.is_none() || part.attempt > state.attempt {
        return Ok(answer(Vec::new(), None, None));
    }
    let source = Source::of(app, run).await?;
    let wanted = asked.request(run, part.attempt, LogFrom::Offset(part.offset));
    let read = match source.read(asked, wanted, MAX_LINES).await {
        Ok(read) => read,
        Err(Failure::Nothing) => ReadLog { lines: Vec::new(), next: None },
        Err(Failure::Trouble(problem) | Failure::Problem(problem)) => return Err(problem),
    };
    let next = match read.next {
        _ if asked.tail.is_some() => None,
        Some(offset) if offset > part.offset => Some(Part { attempt: part.attempt, offset }),
        _ if part.attempt < state.attempt && !asked.is_of_one_attempt() => {
            Some(Part { attempt: part.attempt + 1, offset: 0 })
        }
        _ => None,
    };
    Ok(answer(read.lines, None, next))
}

#[derive(Debug)]
struct Line {
    at: Time,
    json: Value,
}

fn answer(lines: Vec<Line>, last_time: Option<Time>, next: Option<Part>) -> Value {
    // The client goes on while `last_file` is not the last of `files`.
    let files = next.map(|next| vec![next.name(), "more".to_owned()]).unwrap_or_default();
    json!({
        "logs": lines.into_iter().map(|line| line.json).collect::<Vec<_>>(),
        "last_time": last_time,
        "last_file": next.map(Part::name),
        "files": files,
    })
}

/// What was read of one attempt's log.
struct ReadLog {
    lines: Vec<Line>,
    /// Where it goes on, if it does.
    next: Option<u64>,
}

enum Failure {
    /// The agent has nothing of that attempt.
    Nothing,
    /// It has, but could not read it.
    Trouble(Problem),
    Problem(Problem),
}

impl Source<'_> {
    async fn read(&self, asked: &Asked, wanted: LogRequest, most: usize) -> Result<ReadLog, Failure> {
        let mut chunks = self.ask(RequestBody::Logs(wanted)).await.map_err(Failure::Problem)?;
        let mut log = ReadLog { lines: Vec::new(), next: None };
        let mut source = json!({ "node": null, "pod": null, "container": null });
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.failed(asked, &error))?;
            for text in chunk.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
                let Ok(item) = serde_json::from_slice(text) else {
                    return Err(Failure::Problem(Problem::internal(&"an agent's log item can't be read")));
                };
                match item {
                    LogItem::Source { node, pod, container, .. } => {
                        source = json!({ "node": node, "pod": pod, "container": container });
                    }
                    LogItem::Line { ts, line, next, .. } => {
                        log.lines.push(shape(&source, ts, line));
                        log.next = Some(next);
                        if log.lines.len() >= most {
                            return Ok(log);
                        }
                    }
                    LogItem::Note { text } => {
                        let at = log.lines.last().map_or(Time::from_micros(0), |line| line.at);
                        log.lines.push(shape(&source, at, text));
                    }
                    LogItem::End { complete, next } => log.next = (!complete).then_some(next),
                }
            }
        }
        Ok(log)
    }

    fn failed(&self, asked: &Asked, error: &ReplyError) -> Failure {
        match error {
            ReplyError::Failed(text) if text.starts_with(UNREADABLE) => {
                tracing::warn!(text, "an agent could not read a log");
                Failure::Trouble(self.unanswered(error))
            }
            // Whoever names what they want hears that it isn't there.
            ReplyError::Failed(text) if asked.is_choosy() => {
                Failure::Problem(Problem::new(StatusCode::NOT_FOUND, text.clone()))
            }
            ReplyError::Failed(text) => {
                tracing::debug!(text, "an agent has no log of an attempt");
                Failure::Nothing
            }
            other => Failure::Problem(self.unanswered(other)),
        }
    }
}

fn shape(source: &Value, at: Time, text: String) -> Line {
    let mut json = source.clone();
    json["timestamp"] = json!(at);
    json["value"] = Value::String(text);
    Line { at, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_stock_client_writes_them() {
        let expected = Time::parse("2026-11-23T02:27:43.369712Z").unwrap();
        for text in [
            "2026-11-23T02:27:43.369712+0000",
            "2026-11-23T02:27:43.369712 0000",
            "2026-11-23T02:27:43.369712+00:00",
            "2026-11-23T03:27:43.369712+0100",
            "2026-11-23T02:27:43.369712Z",
        ] {
            assert_eq!(read_time(text), Ok(expected), "{text}");
        }
        assert!(read_time("yesterday").is_err());
    }

    #[test]
    fn since_is_a_moment_or_how_long_ago_it_was() {
        let now = Time::parse("2026-11-23T02:00:00Z").unwrap();
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(read_since(text, now).unwrap(), now.minus(Duration::from_secs(seconds)), "{text}");
        }
        let moment = "2026-11-23T01:00:00Z";
        assert_eq!(read_since(moment, now).unwrap(), Time::parse(moment).unwrap());
        assert!(read_since(&u64::MAX.to_string(), now).is_ok());
        for text in ["yesterday", "5w", "-5m", "m", "é"] {
            let detail = read_since(text, now).unwrap_err().json()["detail"].to_string();
            assert!(detail.contains("since") && detail.contains(text), "{detail}");
        }
    }

    #[test]
    fn a_part_is_named_as_it_is_read() {
        let part = Part { attempt: 2, offset: 77 };
        assert_eq!(Part::read(&part.name()), Some(part));
        assert_eq!(Part::read("x"), None);
    }
}
