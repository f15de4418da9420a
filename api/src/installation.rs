//! What the stock client asks before anything else: which edition this is, who it is, and where to log to.

use axum::Json;
use axum::extract::{Path, State};
use berth_domain::access::{Action, Resource};
use berth_domain::name::DEFAULT;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::AppState;
use crate::authenticate::Caller;
use crate::problem::Problem;

/// The version of Polyaxon's API that is spoken.
pub(crate) const POLYAXON: &str = "2.18.0";

/// `GET /api/v1/installation`. `dist` tells the stock client whether to sign in.
pub(crate) async fn installation(State(app): State<AppState>) -> Result<Json<Value>, Problem> {
    facts(&app).await.map(Json)
}

/// What anybody may know of this installation.
pub(crate) async fn facts(app: &AppState) -> Result<Value, Problem> {
    let epoch = app.store.epoch().await?;
    // Stable, and tells nothing of the store.
    let digest = Sha256::digest(epoch.as_bytes());
    let key: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let dist = if app.is_open() { "ce" } else { "ee" };
    Ok(json!({ "key": key, "version": POLYAXON, "dist": dist, "mode": "default", "berth": app.release }))
}

/// `GET /api/v1/compatibility/{key}/{version}/{service}`: every client is fine.
pub(crate) async fn compatibility(Path(_asked): Path<(String, String, String)>) -> Json<Value> {
    let any = json!({ "min": "1.0.0", "latest": POLYAXON });
    Json(json!({ "cli": any, "platform": any, "agent": any, "ui": any }))
}

/// `GET /api/v1/log_handler`: none.
pub(crate) async fn log_handler() -> Json<Value> {
    Json(json!({}))
}

/// `GET /api/v1/users`: whoever asks.
pub(crate) async fn user(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.may(Action::View, Resource::Installation)?;
    let name = caller.principal.name();
    Ok(Json(json!({
        "username": name, "email": "", "name": name, "kind": "user", "theme": 0, "organization": DEFAULT,
    })))
}
