//! `globals.*`: what every template knows of its run.
//!
//! Source: Polyaxon's `contexts` (names and paths). Names whose value exists only later or only at the agent are
//! listed in [`LATER`], so that a warning can say so.

use serde_json::{Map, Value, json};

use super::Context;
use crate::time::Time;

/// Where a run finds its files, in its container.
const CONTEXT_PATH: &str = "/plx-context";

/// Globals that Polyaxon has, and that nobody knows at compile time.
pub(super) const LATER: &[&str] = &[
    "store_path",
    "started_at",
    "finished_at",
    "duration",
    "status",
    "condition",
    "ports",
    "base_url",
    "base_urls",
    "run_relative_outputs_path",
];

pub(super) fn globals(context: &Context, name: Option<&str>) -> Map<String, Value> {
    let uuid = context.uuid.simple().to_string();
    let artifacts = format!("{CONTEXT_PATH}/artifacts");
    let unique = format!("{}.{}", context.owner, context.project);
    let time = |time: Time| json!(time.to_string());
    let globals = json!({
        "owner_name": context.owner,
        "project_name": context.project,
        "project_unique_name": unique,
        "project_uuid": context.project_uuid.simple().to_string(),
        "username": context.username,
        "user_email": context.user_email,
        "run_info": format!("{unique}.runs.{uuid}"),
        "name": name,
        "namespace": context.namespace,
        "iteration": context.iteration,
        "context_path": CONTEXT_PATH,
        "artifacts_path": artifacts,
        "run_artifacts_path": format!("{artifacts}/{uuid}"),
        "run_outputs_path": format!("{artifacts}/{uuid}/outputs"),
        "created_at": time(context.created_at),
        "compiled_at": time(context.compiled_at),
        "schedule_at": context.schedule_at.map(time),
        "cloning_kind": context.cloning_kind,
        "original_uuid": context.original_uuid.map(|uuid| uuid.simple().to_string()),
        "is_independent": context.is_independent,
        "uuid": uuid,
    });
    match globals {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
