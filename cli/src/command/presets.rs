//! `berth presets`.

use serde_json::{Map, Value, json};

use super::run::preset;
use super::{Session, Surroundings, results};
use crate::arguments::{AboutProject, PresetsAction};
use crate::failure::Failure;
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("NAME", name),
    ("DESCRIPTION", |item| text(item, "description")),
    ("TAGS", |item| text(item, "tags")),
    ("USER", |item| text(item, "user")),
    ("UPDATED", |item| text(item, "updated_at")),
];

fn name(item: &Value) -> String {
    text(item, "name")
}

/// Does what was asked.
///
/// # Errors
/// If a file can't be used, or the server can't be reached or refuses.
pub async fn act(
    surroundings: &Surroundings<'_>,
    mut session: Session,
    action: PresetsAction,
) -> Result<(), Failure> {
    let answer = match action {
        PresetsAction::Ls => {
            let answer = session.client.get(&session.org_path(&["presets"]), &[]).await?;
            return session.output.list(results(&answer), COLUMNS, name);
        }
        PresetsAction::Get(preset) => {
            session.client.get(&session.org_path(&["presets", &preset.name]), &[]).await?
        }
        PresetsAction::Create { preset: one, file, about } => {
            let mut body = body(about);
            body.insert("name".to_owned(), json!(one.name));
            body.insert("content".to_owned(), preset(surroundings.read, &file)?);
            session.client.post(&session.org_path(&["presets"]), Value::Object(body)).await?
        }
        PresetsAction::Update { preset: one, file, about } => {
            let mut body = body(about);
            if let Some(file) = file {
                body.insert("content".to_owned(), preset(surroundings.read, &file)?);
            }
            session.client.patch(&session.org_path(&["presets", &one.name]), Value::Object(body)).await?
        }
        PresetsAction::Delete(preset) => {
            session.client.delete(&session.org_path(&["presets", &preset.name])).await?;
            return session.output.line(&format!("preset {} is deleted", preset.name));
        }
    };
    session.output.one(&answer, COLUMNS, name)
}

fn body(about: AboutProject) -> Map<String, Value> {
    let mut body = Map::new();
    body.extend(about.description.map(|text| ("description".to_owned(), json!(text))));
    body.extend(about.tags.map(|tags| ("tags".to_owned(), json!(tags))));
    body
}
