//! `berth queues`.

use serde_json::{Map, Value, json};

use berth_domain::name::QueueRef;

use super::many::{self, Deed, runs};
use super::run::defaults;
use super::{Session, Surroundings, dead, results};
use crate::arguments::{QueueLimits, QueuesAction};
use crate::failure::{Failure, Status};
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("QUEUE", name),
    ("PROTOCOL", protocol),
    ("PRIORITY", |item| text(item, "priority")),
    ("CONCURRENCY", crate::output::limit),
    ("QUOTAS", crate::output::quotas),
    ("RATE", |item| text(item, "rate")),
    ("PAUSED", |item| many::held(&item["paused"], "paused")),
    ("DESCRIPTION", |item| text(item, "description")),
    ("TAGS", |item| text(item, "tags")),
];

fn name(item: &Value) -> String {
    match text(item, "agent") {
        agent if agent.is_empty() => text(item, "name"),
        agent => format!("{agent}/{}", text(item, "name")),
    }
}

/// Who serves it, where that is not its agent.
fn protocol(item: &Value) -> String {
    Some(text(item, "protocol")).filter(|protocol| protocol != "berth").unwrap_or_default()
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn act(
    surroundings: &Surroundings<'_>,
    mut session: Session,
    action: QueuesAction,
) -> Result<(), Failure> {
    let answer = match action {
        QueuesAction::Ls { agent } => {
            let path = match &agent {
                Some(agent) => session.org_path(&["agents", agent, "queues"]),
                None => session.org_path(&["queues"]),
            };
            let answer = session.client.get(&path, &[]).await?;
            return session.output.list(results(&answer), COLUMNS, name);
        }
        QueuesAction::Get(queue) => {
            let agent = agent_of(&session, &queue.queue).await?;
            let path = session.org_path(&["agents", &agent, "queues", queue.queue.queue.as_str()]);
            session.client.get(&path, &[]).await?
        }
        QueuesAction::Create { queue, limits } => {
            let agent = agent_of(&session, &queue.queue).await?;
            let mut body = body(surroundings.read, limits)?;
            body["name"] = json!(queue.queue.queue);
            session.client.post(&session.org_path(&["agents", &agent, "queues"]), body).await?
        }
        QueuesAction::Update { queue, limits } => {
            change(&session, &queue.queue, body(surroundings.read, limits)?).await?
        }
        QueuesAction::Pause { queue, hold } => {
            steer(&session, &queue.queue, "pause", many::hold(hold)).await?
        }
        QueuesAction::Drain { queue, hold } => {
            steer(&session, &queue.queue, "drain", many::hold(hold)).await?
        }
        QueuesAction::Resume(queue) => steer(&session, &queue.queue, "resume", json!({})).await?,
        QueuesAction::Delete(queue) => {
            let agent = agent_of(&session, &queue.queue).await?;
            let path = session.org_path(&["agents", &agent, "queues", queue.queue.queue.as_str()]);
            session.client.delete(&path).await?;
            return session.output.line(&format!("queue {agent}/{} is deleted", queue.queue.queue));
        }
        QueuesAction::Purge { queue, query, manner } => {
            let agent = agent_of(&session, &queue.queue).await?;
            let (owner, name) = (session.owner.clone(), queue.queue.queue.to_string());
            let path = ["api", "v1", "orgs", &owner, "agents", &agent, "queues", &name, "purge"];
            let body = query.map(|query| ("query".to_owned(), json!(query)));
            let deed = Deed { path: &path, body: Map::from_iter(body), ..runs("stopped") };
            return many::act(&mut session, &deed, &manner).await;
        }
        QueuesAction::Move { queue, to, query, manner } => {
            let owner = session.owner.clone();
            let more = query.map(|query| format!(",{query}")).unwrap_or_default();
            let query = format!("queue:{}{more}", queue.queue);
            let body = [("query".to_owned(), json!(query)), ("queue".to_owned(), json!(to.to_string()))];
            let path = ["api", "v1", "orgs", &owner, "runs", "move"];
            let deed = Deed { path: &path, body: Map::from_iter(body), ..runs(&format!("moved to {to}")) };
            return many::act(&mut session, &deed, &manner).await;
        }
        QueuesAction::Dead { action } => return dead::act(session, action).await,
    };
    session.output.one(&answer, COLUMNS, name)
}

async fn steer(session: &Session, queue: &QueueRef, verb: &str, body: Value) -> Result<Value, Failure> {
    let agent = agent_of(session, queue).await?;
    let path = session.org_path(&["agents", &agent, "queues", queue.queue.as_str(), verb]);
    session.client.post(&path, body).await
}

async fn change(session: &Session, queue: &QueueRef, body: Value) -> Result<Value, Failure> {
    let agent = agent_of(session, queue).await?;
    let path = session.org_path(&["agents", &agent, "queues", queue.queue.as_str()]);
    session.client.patch(&path, body).await
}

/// The agent that was named, or the default one.
async fn agent_of(session: &Session, queue: &QueueRef) -> Result<String, Failure> {
    if let Some(agent) = &queue.agent {
        return Ok(agent.to_string());
    }
    let agents = session.client.get(&session.org_path(&["agents"]), &[]).await?;
    results(&agents)
        .iter()
        .find(|agent| agent["is_default"] == true)
        .map(|agent| text(agent, "name"))
        .ok_or_else(|| {
            Failure::new(Status::NotFound, format!("`{queue}` names no agent, and there is no default agent"))
                .hint("write AGENT/QUEUE")
        })
}

fn body(read: &dyn Fn(&str) -> std::io::Result<String>, limits: QueueLimits) -> Result<Value, Failure> {
    let mut body = Map::new();
    if let Some(file) = &limits.defaults {
        body.insert("defaults".to_owned(), defaults(read, file)?);
    }
    body.extend(limits.priority.map(|priority| ("priority".to_owned(), json!(priority))));
    body.extend(limits.limits.fields());
    body.extend(limits.fairness.map(|whom| ("fairness".to_owned(), json!(whom))));
    if !limits.weights.is_empty() {
        let weights: Map<String, Value> =
            limits.weights.into_iter().map(|(name, weight)| (name, json!(weight))).collect();
        body.insert("weights".to_owned(), Value::Object(weights));
    }
    body.extend(limits.reserve_after.map(|seconds| ("reserve_after_seconds".to_owned(), json!(seconds))));
    body.extend(limits.max_backlog.map(|limit| ("max_backlog".to_owned(), json!(limit.0))));
    body.extend(limits.overflow_after.map(|seconds| ("overflow_after_seconds".to_owned(), json!(seconds))));
    body.extend(limits.preemption.map(|whom| ("preemption".to_owned(), json!(whom))));
    body.extend(limits.protocol.map(|protocol| ("protocol".to_owned(), json!(protocol))));
    body.extend(limits.answer_within.map(|seconds| ("answer_within_seconds".to_owned(), json!(seconds))));
    body.extend(limits.on_agent_loss.map(|what| ("on_agent_loss".to_owned(), json!(what))));
    body.extend(limits.description.map(|text| ("description".to_owned(), json!(text))));
    body.extend(limits.tags.map(|tags| ("tags".to_owned(), json!(tags))));
    Ok(Value::Object(body))
}
