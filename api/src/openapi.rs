//! `/openapi.json`: what paths there are, what each operation does and takes, and some of the bodies.

mod answers;
mod bodies;
mod notation;
mod operations;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::app::AppState;
use crate::installation::POLYAXON;
use crate::routes::{self, Route};

/// Answers with it.
pub(crate) async fn get(State(app): State<AppState>) -> Json<Value> {
    Json(document(&app.release))
}

/// The document.
#[must_use]
pub fn document(release: &str) -> Value {
    let mut paths = Map::new();
    for Route { path, methods, .. } in routes::table() {
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let mut item = Map::new();
        item.insert("parameters".to_owned(), Value::Array(parameters));
        for method in methods {
            item.insert(method.to_owned(), operation(method, path));
        }
        paths.insert(path.to_owned(), Value::Object(item));
    }
    let tags: Vec<Value> = operations::ALL.iter().map(|group| json!({ "name": group.name })).collect();
    let description = format!("Speaks Polyaxon's API {POLYAXON}, and more.");
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Berth", "version": release, "description": description },
        "tags": tags,
        "paths": paths,
        "components": { "schemas": bodies::schemas(), "parameters": parameters() },
    })
}

fn operation(method: &str, path: &str) -> Value {
    let mut operation = bodies::of(method, path)
        .unwrap_or_else(|| json!({ "responses": { "default": { "description": "" } } }));
    // A test holds that every operation of the routes is told.
    if let Some((tag, summary, query)) = operations::of(method, path) {
        operation["tags"] = json!([tag]);
        operation["summary"] = json!(summary);
        if !query.is_empty() {
            let reference = |name: &&str| json!({ "$ref": format!("#/components/parameters/{name}") });
            operation["parameters"] = query.iter().map(reference).collect();
        }
    }
    operation
}

/// The query parameters by name.
fn parameters() -> Value {
    let parameter = |&(name, description): &(&str, &str)| {
        let schema = json!({ "type": "string" });
        let parameter = json!({ "name": name, "in": "query", "description": description, "schema": schema });
        (name.to_owned(), parameter)
    };
    Value::Object(operations::PARAMETERS.iter().map(parameter).collect())
}
