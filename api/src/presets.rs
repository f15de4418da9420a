//! Saved presets, in the shape of Polyaxon's `V1Preset`: by uuid or by name. What they say is laid under the
//! operations that name them, and under those of agents and queues whose defaults do.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_domain::access::Action;
use berth_domain::compile::{Layer, Origin};
use berth_domain::id::PresetId;
use berth_domain::redact::redact;
use berth_domain::spec::{Format, Limits, Operation, parse_preset};
use berth_domain::time::Time;
use berth_store::{Error as StoreError, Preset, PresetPatch};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::agents::part;
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::defaults::MAX_BYTES;
use crate::given::given;
use crate::listing;
use crate::params::shown;
use crate::path::InOwner;
use crate::problem::Problem;
use crate::submit::invalid_as;

/// `V1Preset`, as far as it can be set. The rest is taken and left alone, since clients send back what they got.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    tags: Option<Option<Vec<String>>>,
    /// The patch: a text that holds JSON or YAML, or the JSON object itself.
    content: Option<Value>,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(rename = "live_state")]
    _live_state: IgnoredAny,
    #[serde(rename = "settings")]
    _settings: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
}

impl Body {
    /// The patch, normalized, as JSON.
    fn content(&self, limits: &Limits) -> Result<Option<String>, Problem> {
        let text = match &self.content {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(object) => object.to_string(),
        };
        let patch = parse_preset(&text, Format::Auto, limits)
            .map_err(|errors| invalid_as("The preset is invalid", errors))?;
        let content = patch.to_value().to_string();
        if content.len() > MAX_BYTES {
            let message = format!("it has {} bytes; allowed are at most {MAX_BYTES}", content.len());
            return Err(Problem::field("content", message));
        }
        Ok(Some(content))
    }
}

async fn find(app: &App, owner: &str, asked: &str) -> Result<Preset, Problem> {
    if asked.len() >= 32
        && let Ok(id) = asked.parse::<PresetId>()
    {
        let preset = app.store.preset_by_id(id).await?;
        return if preset.owner == owner { Ok(preset) } else { Err(Problem::not_found("preset", id)) };
    }
    Ok(app.store.preset(owner, asked).await?)
}

/// `GET /api/v1/orgs/{owner}/presets`, and `/names`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let presets: Vec<Value> = app.store.presets(&at.owner).await?.iter().map(shape).collect();
    Ok(axum::Json(listing::whole(&presets)))
}

/// `POST /api/v1/orgs/{owner}/presets`.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManagePresets, at.resource())?;
    let name = body.name.clone().ok_or_else(|| Problem::field("name", "This field is required."))?;
    let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 128 || !name.chars().all(is_slug) || name == "names" {
        let message = format!("`{}` is not allowed: use 1 to 128 of a-z, A-Z, 0-9, `-`, `_`", shown(&name));
        return Err(Problem::field("name", message));
    }
    let content = body.content(&app.spec_limits)?;
    let new = Preset {
        id: PresetId::new(),
        owner: at.owner,
        name,
        description: body.description.flatten(),
        tags: body.tags.flatten().unwrap_or_default(),
        content: content.ok_or_else(|| Problem::field("content", "This field is required."))?,
        username: Some(caller.principal.name().to_owned()),
        created_at: caller.now,
        updated_at: caller.now,
    };
    let preset = app.store.create_preset(new, &caller.audit("preset.create")).await?;
    Ok((StatusCode::CREATED, axum::Json(shape(&preset))))
}

/// `GET /api/v1/orgs/{owner}/presets/{preset}`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    Ok(axum::Json(shape(&find(&app, &at.owner, &part(&path, "preset")).await?)))
}

/// `PATCH` and `PUT /api/v1/orgs/{owner}/presets/{preset}`: what is not given stays. A name stays for good.
pub(crate) async fn update(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
    Json(body): Json<Body>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManagePresets, at.resource())?;
    let preset = find(&app, &at.owner, &part(&path, "preset")).await?;
    if body.name.as_ref().is_some_and(|name| *name != preset.name) {
        return Err(Problem::field("name", "a preset keeps its name: operations and queues carry it"));
    }
    let content = body.content(&app.spec_limits)?;
    let patch = PresetPatch {
        description: body.description,
        tags: body.tags.map(Option::unwrap_or_default),
        content,
    };
    let preset = app.store.update_preset(preset.id, patch, &caller.audit("preset.update")).await?;
    Ok(axum::Json(shape(&preset)))
}

/// `DELETE /api/v1/orgs/{owner}/presets/{preset}`.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Path(path): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManagePresets, at.resource())?;
    let preset = find(&app, &at.owner, &part(&path, "preset")).await?;
    app.store.delete_preset(preset.id, &caller.audit("preset.delete")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `V1Preset`; what may be secret in it is masked.
fn shape(preset: &Preset) -> Value {
    let time = |time: Time| json!(time);
    let mut shape = json!({
        "uuid": preset.id,
        "name": preset.name,
        "description": preset.description,
        "tags": preset.tags,
        "user": preset.username,
        "content": preset.content,
        "live_state": 1,
        "settings": null,
        "created_at": time(preset.created_at),
        "updated_at": time(preset.updated_at),
    });
    redact(&mut shape);
    shape
}

/// The presets that an operation names: its component's first.
pub(crate) fn named(operation: &Operation) -> impl Iterator<Item = &String> {
    let component = operation.component.iter().flat_map(|component| &component.header.presets);
    component.chain(&operation.header.presets).flatten()
}

/// The layers of presets, each once.
///
/// # Errors
/// 400 if one doesn't exist, naming those that do.
pub(crate) async fn layers(
    app: &App,
    owner: &str,
    names: impl Iterator<Item = &String>,
) -> Result<Vec<Layer>, Problem> {
    let mut layers: Vec<Layer> = Vec::new();
    for name in names {
        let origin = Origin::Preset(name.clone());
        if layers.iter().any(|layer| layer.origin == origin) {
            continue;
        }
        let preset = match app.store.preset(owner, name).await {
            Ok(preset) => preset,
            Err(StoreError::NotFound { .. }) => return Err(unknown(app, owner, name).await?),
            Err(error) => return Err(error.into()),
        };
        let patch = parse_preset(&preset.content, Format::Json, &app.spec_limits)
            .map_err(|errors| invalid_as(&format!("Preset `{name}` can't be read"), errors))?;
        layers.push(Layer { origin, patch });
    }
    Ok(layers)
}

async fn unknown(app: &App, owner: &str, name: &str) -> Result<Problem, Problem> {
    let known: Vec<String> =
        app.store.presets(owner).await?.into_iter().map(|preset| preset.name).take(20).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Ok(Problem::field("presets", format!("preset `{}` does not exist; there are: {known}", shown(name))))
}
