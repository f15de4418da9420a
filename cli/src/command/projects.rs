//! `berth projects`.

use serde_json::{Map, Value, json};

use super::Session;
use crate::arguments::{AboutProject, Limits, ProjectPlaces, ProjectsAction};
use crate::failure::Failure;
use crate::output::{Column, text};

const COLUMNS: &[Column] = &[
    ("NAME", name),
    ("DESCRIPTION", |item| text(item, "description")),
    ("TAGS", |item| text(item, "tags")),
    ("CREATED", |item| text(item, "created_at")),
];

fn name(item: &Value) -> String {
    text(item, "name")
}

/// Does what was asked.
///
/// # Errors
/// If the server can't be reached or refuses.
pub async fn act(mut session: Session, action: ProjectsAction) -> Result<(), Failure> {
    let owner = session.owner.clone();
    match action {
        ProjectsAction::Ls { limit, offset } => {
            let query = [("limit", limit.to_string()), ("offset", offset.to_string())];
            let answer = session.client.get(&["api", "v1", &owner, "projects", "list"], &query).await?;
            session.output.list(super::results(&answer), COLUMNS, name)
        }
        ProjectsAction::Get(project) => {
            let answer = session.client.get(&["api", "v1", &owner, &project.name], &[]).await?;
            session.output.one(&answer, COLUMNS, name)
        }
        ProjectsAction::Create { project, about, limits, places } => {
            let body = body(Some(project.name), about, limits, places);
            let answer = session.client.post(&["api", "v1", &owner, "projects", "create"], body).await?;
            session.output.one(&answer, COLUMNS, name)
        }
        ProjectsAction::Update { project, new_name, about, limits, places } => {
            let body = body(new_name, about, limits, places);
            let answer = session.client.patch(&["api", "v1", &owner, &project.name], body).await?;
            session.output.one(&answer, COLUMNS, name)
        }
        ProjectsAction::Delete(project) => {
            session.client.delete(&["api", "v1", &owner, &project.name]).await?;
            session.output.line(&format!("project {} is deleted", project.name))
        }
    }
}

fn body(name: Option<String>, about: AboutProject, limits: Limits, places: ProjectPlaces) -> Value {
    let mut body = Map::new();
    body.extend(name.map(|name| ("name".to_owned(), json!(name))));
    body.extend(about.description.map(|text| ("description".to_owned(), json!(text))));
    body.extend(about.tags.map(|tags| ("tags".to_owned(), json!(tags))));
    body.extend(limits.fields());
    body.extend(places.fields());
    Value::Object(body)
}
