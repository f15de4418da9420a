//! `berth agents credentials`, and what `berth agents create` prints of them. A password is shown once.

use std::io::Write as _;

use serde_json::{Value, json};

use super::{Session, results};
use crate::failure::Failure;
use crate::output::{Column, text};
use crate::settings::Format;

const LISTED: &[Column] = &[
    ("GENERATION", |item| text(item, "generation")),
    ("USER", user),
    ("MADE", |item| text(item, "created_at")),
    ("BY", |item| text(item, "created_by")),
];

const MADE: &[Column] = &[
    ("GENERATION", |item| text(item, "generation")),
    ("USER", user),
    ("PASSWORD", |item| text(item, "password")),
    ("URL", |item| text(item, "url")),
    ("GOOD ARE", |item| text(item, "valid")),
];

fn user(item: &Value) -> String {
    text(item, "user")
}

/// Makes new ones and prints them.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn create(session: &mut Session, agent: &str) -> Result<(), Failure> {
    let made = post(session, agent).await?;
    print(session, &made)
}

/// Lists which are good.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn list(session: &mut Session, agent: &str) -> Result<(), Failure> {
    let there = get(session, agent).await?;
    session.output.list(results(&there), LISTED, user)
}

/// Takes all but the newest away, and prints those.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn retire(session: &mut Session, agent: &str) -> Result<(), Failure> {
    let there = get(session, agent).await?;
    let mut retired = Vec::new();
    for generation in older(results(&there)) {
        let path = session.org_path(&["agents", agent, "credentials", &generation]);
        let answer = session.client.delete(&path).await?;
        note(&answer);
        retired.push(answer);
    }
    if retired.is_empty() && session.output.format == Format::Table {
        return session.output.line(&format!("agent {agent} has no older credentials"));
    }
    session.output.list(&retired, LISTED, user)
}

/// Prints an agent that was just made, with credentials if it needs some: as its field `credentials`. Whoever asks for
/// the name alone gets none, since they could never be shown again.
///
/// # Errors
/// If it can't be written.
pub async fn with_agent(
    session: &mut Session,
    agent: &str,
    made: &mut Value,
    columns: &[Column],
) -> Result<(), Failure> {
    let name = |item: &Value| text(item, "name");
    if session.output.format == Format::Name {
        return session.output.one(made, columns, name);
    }
    let mut are_needed = true;
    let credentials = match get(session, agent).await {
        Ok(there) if there["needed"] == false => {
            are_needed = false;
            Ok(None)
        }
        Ok(_) => post(session, agent).await.map(Some),
        Err(failure) => Err(failure),
    };
    let credentials = credentials.unwrap_or_else(|failure| {
        // The agent is there all the same, and a second `create` would be refused.
        let next = format!("make them by `berth agents credentials {agent}`");
        said(&format!("agent {agent} has no credentials yet: {failure}; {next}"));
        None
    });
    made["credentials"] = json!(credentials);
    session.output.one(made, columns, name)?;
    if session.output.format != Format::Table {
        return Ok(());
    }
    match credentials {
        Some(credentials) => {
            session.output.line("")?;
            print(session, &credentials)
        }
        None if !are_needed => {
            session.output.line("\nThe broker is inside the server's process: no credentials are needed.")
        }
        None => Ok(()),
    }
}

/// The generations that are not the newest.
fn older(there: &[Value]) -> Vec<String> {
    let newest = there.iter().filter_map(|item| item["generation"].as_i64()).max();
    let others = there.iter().filter(|item| item["generation"].as_i64() != newest);
    others.map(|item| text(item, "generation")).collect()
}

async fn get(session: &Session, agent: &str) -> Result<Value, Failure> {
    session.client.get(&session.org_path(&["agents", agent, "credentials"]), &[]).await
}

async fn post(session: &Session, agent: &str) -> Result<Value, Failure> {
    session.client.post(&session.org_path(&["agents", agent, "credentials"]), json!({})).await
}

fn print(session: &mut Session, made: &Value) -> Result<(), Failure> {
    note(made);
    session.output.one(made, MADE, user)?;
    if session.output.format == Format::Table {
        let values = text(made, "helm_values");
        session
            .output
            .line(&format!("\nThe password is not shown again. Helm values:\n\n{}", values.trim_end()))?;
    }
    Ok(())
}

/// What is left to do.
fn note(answer: &Value) {
    if let Some(note) = answer["note"].as_str() {
        said(&format!("note: {note}"));
    }
}

fn said(text: &str) {
    // A note that nobody reads is no failure.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_newest_are_older() {
        let there = |generations: &[i64]| -> Vec<Value> {
            generations.iter().map(|generation| json!({ "generation": generation })).collect()
        };
        assert_eq!(older(&there(&[4, 5])), ["4"]);
        assert_eq!(older(&there(&[5, 4])), ["4"]);
        assert!(older(&there(&[5])).is_empty() && older(&[]).is_empty());
    }
}
