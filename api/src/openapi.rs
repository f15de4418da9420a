//! `/openapi.json`: what paths there are, and some of the bodies.

#[path = "openapi/bodies.rs"]
mod bodies;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::app::AppState;
use crate::installation::POLYAXON;
use crate::routes::{self, Route};

/// The document.
pub(crate) async fn get(State(app): State<AppState>) -> Json<Value> {
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
            let plain = || json!({ "responses": { "default": { "description": "" } } });
            item.insert(method.to_owned(), bodies::operation(method, path).unwrap_or_else(plain));
        }
        paths.insert(path.to_owned(), Value::Object(item));
    }
    let description = format!("Speaks Polyaxon's API {POLYAXON}, and more.");
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Berth", "version": app.release, "description": description },
        "paths": paths,
        "components": { "schemas": bodies::schemas() },
    }))
}
