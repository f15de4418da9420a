//! `berth organization`.

use serde_json::{Map, Value, json};

use super::run::routes;
use super::{Session, Surroundings};
use crate::arguments::OrganizationAction;
use crate::failure::Failure;
use crate::output::{Column, text};
use crate::settings::Format;

const RULES: &[Column] = &[
    ("RULE", |item| text(item, "rule")),
    ("MATCH", |item| text(item, "match")),
    ("QUEUES", |item| text(item, "queues")),
];

/// Does what was asked.
///
/// # Errors
/// If a file can't be used, or the server can't be reached or refuses.
pub async fn act(
    surroundings: &Surroundings<'_>,
    mut session: Session,
    action: OrganizationAction,
) -> Result<(), Failure> {
    let answer = match action {
        OrganizationAction::Get => session.client.get(&session.org_path(&["settings"]), &[]).await?,
        OrganizationAction::Update { places, limits } => {
            let mut body: Map<String, Value> = limits.fields();
            body.extend(places.default_field());
            if let Some(file) = &places.routes {
                body.insert("routes".to_owned(), routes(surroundings.read, file)?);
            }
            session.client.patch(&session.org_path(&["settings"]), Value::Object(body)).await?
        }
    };
    if matches!(session.output.format, Format::Json | Format::Yaml) {
        return session.output.whole(&answer);
    }
    let default = match text(&answer, "default_queue") {
        queue if queue.is_empty() => "the default agent's".to_owned(),
        queue => queue,
    };
    session.output.line(&format!("default queue: {default}"))?;
    for line in limited(&answer) {
        session.output.line(&line)?;
    }
    let rules: Vec<Value> =
        answer["routes"].as_array().into_iter().flatten().enumerate().map(shown).collect();
    session.output.list(&rules, RULES, |item| text(item, "rule"))
}

/// What of all runs together is limited.
fn limited(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(answer["concurrency"].as_u64().map(|limit| format!("concurrency: {limit}")));
    for (resource, amount) in answer["quotas"].as_object().into_iter().flatten() {
        lines.push(format!("quota: {resource}={}", amount.as_str().unwrap_or_default()));
    }
    lines.extend(answer["rate"].as_str().map(|rate| format!("rate: {rate}")));
    lines
}

/// A rule as a row: what it matches is written as in its file, in one line.
fn shown((place, rule): (usize, &Value)) -> Value {
    let parts = rule["match"].as_object().into_iter().flatten().map(|(field, value)| match value {
        Value::Object(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            format!("{field} {}", pairs.join(","))
        }
        value => format!("{field} {}", value.as_str().unwrap_or_default()),
    });
    let parts: Vec<String> = parts.collect();
    let matches = if parts.is_empty() { "all".to_owned() } else { parts.join("; ") };
    json!({ "rule": place + 1, "match": matches, "queues": rule["queues"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_row() {
        let matches = json!({ "project": "vision", "resources": { "gpu": "1" } });
        let row = shown((0, &json!({ "match": matches, "queues": ["eu/gpu"] })));
        assert_eq!(
            row,
            json!({ "rule": 1, "match": "project vision; resources gpu=1", "queues": ["eu/gpu"] })
        );
        assert_eq!(shown((1, &json!({ "match": {}, "queues": [] })))["match"], "all");
    }

    #[test]
    fn a_limit_is_a_line_and_none_is_none() {
        let answer = json!({ "concurrency": 7, "quotas": { "gpu": "8" }, "rate": "30/m" });
        assert_eq!(limited(&answer), ["concurrency: 7", "quota: gpu=8", "rate: 30/m"]);
        assert_eq!(limited(&json!({ "concurrency": -1, "quotas": {}, "rate": null })), Vec::<String>::new());
    }
}
