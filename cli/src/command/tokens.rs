//! `berth tokens`.

use serde_json::{Map, Value, json};

use super::{Session, results};
use crate::arguments::TokensAction;
use crate::failure::Failure;
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("UUID", id),
    ("NAME", |item| text(item, "name")),
    ("KEY", |item| text(item, "key")),
    ("SCOPES", |item| text(item, "scopes")),
    ("EXPIRES", |item| text(item, "expires_at")),
    ("CREATED", |item| text(item, "created_at")),
];

fn id(item: &Value) -> String {
    text(item, "uuid")
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn act(mut session: Session, action: TokensAction) -> Result<(), Failure> {
    const PATH: &[&str] = &["api", "v1", "users", "tokens"];
    match action {
        TokensAction::Ls => {
            let answer = session.client.get(PATH, &[]).await?;
            session.output.list(results(&answer), COLUMNS, id)
        }
        TokensAction::Create { name, scopes, expires_days } => {
            let mut body = Map::from_iter([("name".to_owned(), json!(name))]);
            if !scopes.is_empty() {
                body.insert("scopes".to_owned(), json!(scopes));
            }
            body.extend(expires_days.map(|days| ("expiration".to_owned(), json!(days))));
            let answer = session.client.post(PATH, Value::Object(body)).await?;
            session.output.one(&answer, COLUMNS, |item| text(item, "key"))
        }
        TokensAction::Revoke { uuid } => {
            session.client.delete(&["api", "v1", "users", "tokens", &uuid]).await?;
            session.output.line(&format!("token {uuid} is revoked"))
        }
    }
}
