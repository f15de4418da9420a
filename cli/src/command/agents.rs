//! `berth agents`.

use serde_json::{Map, Value, json};

use super::run::defaults;
use super::{Session, Surroundings, credentials, many, results};
use crate::arguments::AgentsAction;
use crate::failure::Failure;
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("NAME", name),
    ("STATUS", |item| text(item, "status")),
    ("DEFAULT", |item| if item["is_default"] == true { "yes".to_owned() } else { String::new() }),
    ("CORDONED", cordoned),
    ("CONCURRENCY", crate::output::limit),
    ("QUOTAS", crate::output::quotas),
    ("LABELS", labels),
    ("RELEASE", |item| text(item, "version")),
    ("LAST SEEN", |item| text(item, "last_seen")),
    ("LOSS", |item| text(item, "loss")),
];

fn name(item: &Value) -> String {
    text(item, "name")
}

/// That it takes nothing new, and what was said of that.
fn cordoned(item: &Value) -> String {
    let is_closed = item["cordoned"] == true || item["draining"] == true;
    if is_closed { many::held(&item["hold"], "cordoned") } else { String::new() }
}

/// The labels that hold: an operator's over those that the agent reports.
fn labels(item: &Value) -> String {
    let labels = item["effective_labels"].as_object().into_iter().flatten();
    let pairs: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    pairs.join(",")
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn act(
    surroundings: &Surroundings<'_>,
    mut session: Session,
    action: AgentsAction,
) -> Result<(), Failure> {
    let answer = match action {
        AgentsAction::Ls => {
            let answer = session.client.get(&session.org_path(&["agents"]), &[]).await?;
            return session.output.list(results(&answer), COLUMNS, name);
        }
        AgentsAction::Get(agent) => {
            session.client.get(&session.org_path(&["agents", &agent.name]), &[]).await?
        }
        AgentsAction::Create { agent, description, limits, labels, default, defaults: file } => {
            let mut body = Map::from_iter([("name".to_owned(), json!(agent.name))]);
            body.extend(description.map(|text| ("description".to_owned(), json!(text))));
            body.extend(limits.fields());
            if !labels.is_empty() {
                body.insert("labels".to_owned(), labels.into_iter().map(|(k, v)| (k, json!(v))).collect());
            }
            if let Some(file) = file {
                body.insert("defaults".to_owned(), defaults(surroundings.read, &file)?);
            }
            if default {
                body.insert("is_default".to_owned(), json!(true));
            }
            let mut made = session.client.post(&session.org_path(&["agents"]), Value::Object(body)).await?;
            return credentials::with_agent(&mut session, &agent.name, &mut made, COLUMNS).await;
        }
        AgentsAction::Credentials { agent, retire: true, .. } => {
            return credentials::retire(&mut session, &agent.name).await;
        }
        AgentsAction::Credentials { agent, list: true, .. } => {
            return credentials::list(&mut session, &agent.name).await;
        }
        AgentsAction::Credentials { agent, .. } => {
            return credentials::create(&mut session, &agent.name).await;
        }
        AgentsAction::Update { agent, description, limits, labels, defaults: file } => {
            let mut body = Map::new();
            body.extend(description.map(|text| ("description".to_owned(), json!(text))));
            body.extend(limits.fields());
            if !labels.is_empty() {
                let labels = labels.into_iter().flatten().map(|(key, value)| (key, json!(value)));
                body.insert("labels".to_owned(), labels.collect());
            }
            if let Some(file) = file {
                body.insert("defaults".to_owned(), defaults(surroundings.read, &file)?);
            }
            let path = session.org_path(&["agents", &agent.name]);
            session.client.patch(&path, Value::Object(body)).await?
        }
        AgentsAction::Cordon { agent, off: true, .. } => {
            session.client.post(&session.org_path(&["agents", &agent.name, "uncordon"]), json!({})).await?
        }
        AgentsAction::Cordon { agent, off: false, hold } => {
            let path = session.org_path(&["agents", &agent.name, "cordon"]);
            session.client.post(&path, many::hold(hold)).await?
        }
        AgentsAction::Drain { agent, hold } => {
            let path = session.org_path(&["agents", &agent.name, "drain"]);
            session.client.post(&path, many::hold(hold)).await?
        }
        AgentsAction::Delete(agent) => {
            session.client.delete(&session.org_path(&["agents", &agent.name])).await?;
            return session.output.line(&format!("agent {} is deleted", agent.name));
        }
    };
    session.output.one(&answer, COLUMNS, name)
}
