//! A run's log: asked of its agent through the broker, while somebody looks. Nothing of it is kept here.
//!
//! The stock client reads in two ways. While the run is alive it sends the time of the last line that it has, and
//! goes on as long as it gets one back. Of a run that has ended it reads "files", by the name of the last one; here a
//! file is a part of one attempt's log, named `<attempt>.<offset>`.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Json, extract::OriginalUri};
use berth_broker::{Broker, Error as BrokerError, Message, ReplyError, RequestOptions};
use berth_domain::access::Action;
use berth_domain::protocol::VERSION;
use berth_domain::protocol::logs::{LogFrom, LogItem, LogRequest, Request, RequestBody};
use berth_domain::time::Time;
use berth_store::Run;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::params::{Params, shown};
use crate::path::InRun;
use crate::problem::Problem;

/// Lines of one answer, as in Polyaxon.
const MAX_LINES: usize = 2_000;
/// Bytes of text of one answer, about.
const MAX_BYTES: u64 = 1024 * 1024;

/// `GET /streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InRun,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let asked = Asked::read(&uri)?;
    let run = app.store.run(&at.owner, &at.project, at.run).await?;
    let is_over = run.dispatch.status.is_final();
    let answer = match asked {
        Asked { last_file: Some(from), .. } => parts(&app, &run, from).await?,
        Asked { last_time: None, .. } if is_over => parts(&app, &run, Part { attempt: 0, offset: 0 }).await?,
        Asked { last_time, .. } => tail(&app, &run, last_time).await?,
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
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let params = Params::read(uri, &["kind", "last_time", "last_file", "force", "connection"])?;
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
        Ok(Self { last_time, last_file })
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

/// What follows `after` in the log of a run that is alive, or was when the client began.
async fn tail(app: &App, run: &Run, after: Option<Time>) -> Result<Value, Problem> {
    let state = &run.dispatch;
    if state.status.is_waiting() && state.attempt == 0 || state.status.is_final() && state.claim.is_none() {
        let last_time = if state.status.is_final() { None } else { after };
        return Ok(answer(Vec::new(), last_time, None));
    }
    let source = Source::of(app, run).await?;
    let from = after.map_or(LogFrom::Start, LogFrom::After);
    let mut lines = Vec::new();
    // A retry may have begun since the client last asked: the end of the attempt before it still counts.
    for attempt in state.attempt.saturating_sub(1)..=state.attempt {
        let is_newest = attempt == state.attempt;
        match source.read(run, attempt, from, MAX_LINES - lines.len()).await {
            Ok(read) => lines.extend(read.lines),
            Err(Failure::Nothing) => {}
            Err(Failure::Problem(problem)) if is_newest => return Err(problem),
            Err(Failure::Problem(_)) => {}
        }
        if lines.len() >= MAX_LINES {
            break;
        }
    }
    let newest = lines.last().map(|line: &Line| line.at);
    let last_time = if state.status.is_final() && lines.len() < MAX_LINES { None } else { newest.or(after) };
    Ok(answer(lines, last_time, None))
}

/// The part of a finished run's log that begins at `part`.
async fn parts(app: &App, run: &Run, part: Part) -> Result<Value, Problem> {
    let state = &run.dispatch;
    if state.attempt == 0 && state.claim.is_none() || part.attempt > state.attempt {
        return Ok(answer(Vec::new(), None, None));
    }
    let source = Source::of(app, run).await?;
    let read = match source.read(run, part.attempt, LogFrom::Offset(part.offset), MAX_LINES).await {
        Ok(read) => read,
        Err(Failure::Nothing) => ReadLog { lines: Vec::new(), next: None },
        Err(Failure::Problem(problem)) => return Err(problem),
    };
    let next = match read.next {
        Some(offset) if offset > part.offset => Some(Part { attempt: part.attempt, offset }),
        _ if part.attempt < state.attempt => Some(Part { attempt: part.attempt + 1, offset: 0 }),
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
    Problem(Problem),
}

/// An agent replica that can be asked.
struct Source<'a> {
    app: &'a App,
    broker: &'a Broker,
    agent: String,
    replica: String,
}

impl<'a> Source<'a> {
    async fn of(app: &'a App, run: &Run) -> Result<Self, Problem> {
        let (Some(agent), Some(id)) = (run.agent.clone(), run.agent_id) else {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "the run's agent was deleted, and its log with it",
            ));
        };
        let now = app.clock.now();
        let replicas = app.store.replicas(id).await?;
        let claimed_by = run.dispatch.claim.as_ref().map(|claim| claim.replica.as_str());
        let mut alive: Vec<_> = replicas.into_iter().filter(|replica| replica.lease_until > now).collect();
        // The one that claimed it first: replicas of other executors may not see each other's files.
        alive.sort_by_key(|replica| Some(replica.name.as_str()) != claimed_by);
        let Some(replica) = alive.into_iter().next() else { return Err(away(&agent)) };
        Ok(Self { app, broker: &app.requests_broker, agent, replica: replica.name })
    }

    async fn read(&self, run: &Run, attempt: u32, from: LogFrom, most: usize) -> Result<ReadLog, Failure> {
        let body = RequestBody::Logs(LogRequest {
            run: run.id,
            attempt: Some(attempt),
            container: None,
            from,
            follow: false,
            limit_bytes: Some(MAX_BYTES),
        });
        let text = serde_json::to_vec(&Request { version: VERSION, body })
            .map_err(|error| Failure::Problem(Problem::internal(&error)))?;
        let control = self.app.names.control(&self.agent, &self.replica);
        let reply = self.app.names.reply(&self.agent, &self.app.replica);
        let options = RequestOptions { ttl: self.app.limits.agent_timeout, ..RequestOptions::default() };
        let mut chunks = self
            .broker
            .request(&control, &reply, Message::json(text), options)
            .await
            .map_err(|e| self.broken(e))?;
        let mut log = ReadLog { lines: Vec::new(), next: None };
        let mut source = json!({ "node": null, "pod": null, "container": null });
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.unanswered(error))?;
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

    fn broken(&self, error: BrokerError) -> Failure {
        Failure::Problem(match error {
            BrokerError::NoSuchQueue { .. } => away(&self.agent),
            other => Problem::unavailable(format!("the agent can't be asked for the log: {other}")),
        })
    }

    fn unanswered(&self, error: ReplyError) -> Failure {
        let agent = &self.agent;
        match error {
            ReplyError::Failed(text) => {
                tracing::debug!(agent, text, "an agent has no log of an attempt");
                Failure::Nothing
            }
            ReplyError::Timeout { .. } => Failure::Problem(away(agent)),
            other => Failure::Problem(Problem::unavailable(format!(
                "agent `{agent}` did not answer in full: {other}"
            ))),
        }
    }
}

fn away(agent: &str) -> Problem {
    Problem::unavailable(format!(
        "agent `{agent}` is away; the log stays with it and can be read when it is back"
    ))
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
    fn a_part_is_named_as_it_is_read() {
        let part = Part { attempt: 2, offset: 77 };
        assert_eq!(Part::read(&part.name()), Some(part));
        assert_eq!(Part::read("x"), None);
    }
}
