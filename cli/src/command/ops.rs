//! `berth ops`: looks at runs and acts on them.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::many::{self, Deed, runs};
use super::{Session, logs, results, statuses};
use crate::arguments::{Manner, OpsAction, Runs};
use crate::client::Sent;
use crate::failure::Failure;
use crate::output::{Column, text};
use crate::settings::Format;

const LIST: &[Column] = &[
    ("UUID", id),
    ("NAME", |item| text(item, "name")),
    ("STATUS", |item| text(item, "status")),
    ("QUEUE", |item| text(item, "settings.queue.name")),
    ("CREATED", |item| text(item, "created_at")),
    ("SECONDS", |item| text(item, "duration")),
];

const ONE: &[Column] = &[
    ("UUID", id),
    ("NAME", |item| text(item, "name")),
    ("DESCRIPTION", |item| text(item, "description")),
    ("STATUS", |item| text(item, "status")),
    ("KIND", |item| text(item, "kind")),
    ("OWNER", |item| text(item, "owner")),
    ("PROJECT", |item| text(item, "project")),
    ("AGENT", |item| text(item, "settings.agent.name")),
    ("QUEUE", |item| text(item, "settings.queue.name")),
    ("TAGS", |item| text(item, "tags")),
    ("PENDING", |item| text(item, "pending")),
    ("CREATED", |item| text(item, "created_at")),
    ("STARTED", |item| text(item, "started_at")),
    ("FINISHED", |item| text(item, "finished_at")),
    ("WAITED SECONDS", |item| text(item, "wait_time")),
    ("RAN SECONDS", |item| text(item, "duration")),
    ("TRACE", |item| text(item, "trace_id")),
    ("INPUTS", |item| text(item, "inputs")),
    ("OUTPUTS", |item| text(item, "outputs")),
];

pub(super) fn id(item: &Value) -> String {
    text(item, "uuid")
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses, or a run that was waited for failed.
pub async fn act(mut session: Session, action: OpsAction) -> Result<(), Failure> {
    match action {
        OpsAction::Ls { query, sort, limit, offset } => {
            let mut asked = vec![("limit", limit.to_string()), ("offset", offset.to_string())];
            asked.extend(query.map(|query| ("query", query)));
            asked.push(("sort", sort.unwrap_or_else(|| "-created_at".to_owned())));
            let path = ["api", "v1", &session.owner, &session.project, "runs"];
            let answer = session.client.get(&path, &asked).await?;
            session.output.list(results(&answer), LIST, id)
        }
        OpsAction::Get { run, origins: true } => origins(&mut session, &run.uuid).await,
        OpsAction::Get { run, origins: false } => {
            let answer = session.client.get(&session.run_path(&run.uuid, &[]), &[]).await?;
            session.output.one(&answer, ONE, id)
        }
        OpsAction::Logs { run, follow, part } => {
            if !follow {
                return logs::print(&mut session, &run.uuid, &part).await;
            }
            let ended = logs::follow(&mut session, &run.uuid, &part).await?;
            statuses::verdict(&run.uuid, &ended)
        }
        OpsAction::Inspect(run) => {
            let path = [
                "streams",
                "v1",
                "default",
                &session.owner,
                &session.project,
                "runs",
                &run.uuid,
                "k8s_inspect",
            ];
            let answer = session.client.get(&path, &[]).await?;
            session.output.whole(&answer)
        }
        OpsAction::Statuses { run, watch } => {
            if !watch {
                return statuses::print(&mut session, &run.uuid).await;
            }
            let ended = statuses::watch(&mut session, &run.uuid).await?;
            statuses::verdict(&run.uuid, &ended)
        }
        OpsAction::Why(run) => why(&mut session, &run.uuid).await,
        OpsAction::Stop(Runs { uuid: Some(uuid), manner, .. }) => {
            verb(&mut session, &uuid, "stop", &manner, "is being stopped").await
        }
        OpsAction::Approve(run) => {
            verb(&mut session, &run.uuid, "approve", &Manner::default(), "is approved").await
        }
        OpsAction::Restart(Runs { uuid: Some(uuid), manner, .. }) => {
            again(&mut session, &uuid, "restart", &manner).await
        }
        OpsAction::Resume(Runs { uuid: Some(uuid), manner, .. }) => {
            again(&mut session, &uuid, "resume", &manner).await
        }
        OpsAction::Stop(which) => all(&mut session, "stop", "stopped", which, None).await,
        OpsAction::Restart(which) => all(&mut session, "restart", "submitted again", which, None).await,
        OpsAction::Resume(which) => all(&mut session, "resume", "resumed", which, None).await,
        OpsAction::Move { runs, to } => {
            let (queue, done) = (("queue".to_owned(), json!(to.to_string())), format!("moved to {to}"));
            all(&mut session, "move", &done, runs, Some(queue)).await
        }
        OpsAction::Reprioritize { runs, priority } => {
            let (field, done) =
                (("priority".to_owned(), json!(priority)), format!("given priority {priority}"));
            all(&mut session, "reprioritize", &done, runs, Some(field)).await
        }
        OpsAction::Delete(run) => {
            session.client.delete(&session.run_path(&run.uuid, &[])).await?;
            session.output.line(&format!("run {} is deleted", run.uuid))
        }
    }
}

async fn verb(
    session: &mut Session,
    uuid: &str,
    verb: &str,
    manner: &Manner,
    done: &str,
) -> Result<(), Failure> {
    ask(session, uuid, verb, manner).await?;
    session.output.line(&format!("run {uuid} {done}"))
}

async fn again(session: &mut Session, uuid: &str, verb: &str, manner: &Manner) -> Result<(), Failure> {
    let answer = ask(session, uuid, verb, manner).await?;
    session.output.one(&answer, ONE, id)
}

async fn ask(session: &Session, uuid: &str, verb: &str, manner: &Manner) -> Result<Value, Failure> {
    if manner.preview {
        return Err(Failure::usage("--preview is for runs that a query names"));
    }
    let headers = many::headers(manner);
    let sent = Sent { body: Some(json!({})), headers: &headers, ..Sent::default() };
    session.client.send(Method::POST, &session.run_path(uuid, &[verb]), sent).await
}

/// To all runs of the project that a query names, or to one that has no call of its own.
async fn all(
    session: &mut Session,
    verb: &str,
    done: &str,
    asked: Runs,
    field: Option<(String, Value)>,
) -> Result<(), Failure> {
    let (owner, project) = (session.owner.clone(), session.project.clone());
    let which = match (&asked.uuid, asked.query) {
        (Some(uuid), _) => ("uuids".to_owned(), json!([uuid])),
        (None, query) => ("query".to_owned(), json!(query.unwrap_or_default())),
    };
    let path = ["api", "v1", &owner, &project, "runs", verb];
    let body = Map::from_iter([which].into_iter().chain(field));
    // One that was named needs no question.
    let manner = Manner { yes: asked.manner.yes || asked.uuid.is_some(), ..asked.manner };
    many::act(session, &Deed { path: &path, body, ..runs(done) }, &manner).await
}

/// Where each field of a run's operation comes from.
async fn origins(session: &mut Session, uuid: &str) -> Result<(), Failure> {
    let answer = session.client.get(&session.run_path(uuid, &["origins"]), &[]).await?;
    if matches!(session.output.format, Format::Json | Format::Yaml) {
        return session.output.whole(&answer);
    }
    let fields = answer["origins"].as_object().into_iter().flatten();
    let items: Vec<Value> = fields.map(|(field, origin)| json!({"field": field, "origin": origin})).collect();
    let columns: [Column; 2] =
        [("FIELD", |item| text(item, "field")), ("ORIGIN", |item| text(item, "origin"))];
    session.output.list(&items, &columns, |item| text(item, "field"))
}

/// Why a run waits: its place, each rule that holds it, and when it may start.
async fn why(session: &mut Session, uuid: &str) -> Result<(), Failure> {
    let answer = session.client.get(&session.run_path(uuid, &["explain"]), &[]).await?;
    if matches!(session.output.format, Format::Json | Format::Yaml) {
        return session.output.whole(&answer);
    }
    for line in reasons(&answer) {
        session.output.line(&line)?;
    }
    Ok(())
}

fn reasons(answer: &Value) -> Vec<String> {
    let status = text(answer, "status");
    let mut lines = vec![match (answer["position"].as_u64(), answer["of"].as_u64()) {
        (Some(position), Some(of)) => format!("{status}, place {position} of {of} in its queue"),
        _ => status,
    }];
    for rule in answer["blocked_by"].as_array().map_or(&[][..], Vec::as_slice) {
        let mut line = format!("- {}", text(rule, "rule"));
        let (level, name) = (text(rule, "level"), text(rule, "name"));
        if !level.is_empty() || !name.is_empty() {
            line.push_str(format!(" on {level} {name}").trim_end());
        }
        // Counts of runs and starts are numbers, amounts of resources texts.
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !rule["used"].is_null() && !rule["limit"].is_null() {
            line.push_str(&format!(" ({} of {} used)", shown(&rule["used"]), shown(&rule["limit"])));
        }
        let message = text(rule, "message");
        lines.push(if message.is_empty() { line } else { format!("{line}: {message}") });
    }
    for wait in answer["waited"].as_array().map_or(&[][..], Vec::as_slice) {
        let (level, name) = (text(wait, "level"), text(wait, "name"));
        let on = if name.is_empty() { String::new() } else { format!(" on {level} {name}") };
        let seconds = wait["seconds"].as_f64().unwrap_or_default();
        lines.push(format!("- waited {seconds:.1} s: {}{on}", text(wait, "rule")));
    }
    let overflow = &answer["overflow"];
    if let Some(candidates) = overflow["candidates"].as_array().filter(|candidates| !candidates.is_empty()) {
        let names: Vec<&str> = candidates.iter().filter_map(Value::as_str).collect();
        lines.push(format!("- overflow among {}: {}", names.join(", "), text(overflow, "message")));
    }
    let placement = answer["placement"].as_array().map_or(&[][..], Vec::as_slice);
    lines.extend(placement.iter().filter_map(Value::as_str).map(|reason| format!("- placement: {reason}")));
    let estimate = &answer["estimate"];
    if !estimate.is_null() {
        let (at, low, high) = (text(estimate, "at"), text(estimate, "low"), text(estimate, "high"));
        lines.push(format!("may start at {at}; hardly before {low} or after {high}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_name_the_rule_the_level_and_the_place() {
        let answer = json!({
            "status": "queued", "position": 3, "of": 7,
            "blocked_by": [
                {"rule": "limit", "level": "queue", "name": "local/default", "limit": 5, "used": 5, "message": "all slots are taken"},
                {"rule": "behind"},
            ],
            "overflow": {"candidates": ["eu/gpu", "us/gpu"], "message": "it stays"},
            "placement": ["no node of agent k has pool=gpu"],
            "estimate": {"at": "2026-01-31T12:10:00Z", "low": "2026-01-31T12:08:00Z", "high": "2026-01-31T12:13:00Z"},
        });
        assert_eq!(
            reasons(&answer),
            [
                "queued, place 3 of 7 in its queue",
                "- limit on queue local/default (5 of 5 used): all slots are taken",
                "- behind",
                "- overflow among eu/gpu, us/gpu: it stays",
                "- placement: no node of agent k has pool=gpu",
                "may start at 2026-01-31T12:10:00Z; hardly before 2026-01-31T12:08:00Z or after 2026-01-31T12:13:00Z",
            ]
        );
        let waited = json!([
            {"rule": "quota", "level": "project", "name": "p", "seconds": 61.26},
            {"rule": "behind", "level": "queue", "name": "", "seconds": 2.0},
        ]);
        assert_eq!(
            reasons(&json!({"status": "running", "blocked_by": [], "waited": waited})),
            ["running", "- waited 61.3 s: quota on project p", "- waited 2.0 s: behind"]
        );
    }
}
