//! Projects: create, list, get, change, delete. Polyaxon's archive and bookmarks have no counterpart here; they are
//! accepted, since stock clients call them, and change nothing.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_domain::access::Action;
use berth_domain::id::ProjectId;
use berth_domain::name::QueueRef;
use berth_domain::scheduling::Confinement;
use berth_store::{Error as StoreError, NewProject, Project, ProjectPatch};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::agents::name_search;
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::confinement;
use crate::given::{Concurrency, given};
use crate::limits::{self, Given, GivenQuota};
use crate::listing;
use crate::params::Params;
use crate::path::{InOwner, InProject};
use crate::problem::Problem;

/// Projects on a page, if nothing is said.
const PAGE: u32 = 20;
/// The longest name, in bytes.
const MAX_NAME: usize = 256;

/// `V1Project`, as far as it can be set. The rest is taken and left alone, since clients send back what they got.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    tags: Option<Option<Vec<String>>>,
    is_public: Option<bool>,
    #[serde(deserialize_with = "given")]
    readme: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    concurrency: Option<Concurrency>,
    resource: Option<String>,
    #[serde(deserialize_with = "given")]
    quota: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    quotas: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    rate: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    default_queue: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    queues: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    agents: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    namespaces: Option<Option<Vec<String>>>,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    #[serde(rename = "owner")]
    _owner: IgnoredAny,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(rename = "bookmarked")]
    _bookmarked: IgnoredAny,
    #[serde(rename = "excluded_features")]
    _excluded_features: IgnoredAny,
    #[serde(rename = "excluded_runtimes")]
    _excluded_runtimes: IgnoredAny,
    #[serde(rename = "archived_deletion_interval")]
    _archived_deletion_interval: IgnoredAny,
    #[serde(rename = "settings")]
    _settings: IgnoredAny,
    #[serde(rename = "role")]
    _role: IgnoredAny,
    #[serde(rename = "contributors")]
    _contributors: IgnoredAny,
    #[serde(rename = "live_state")]
    _live_state: IgnoredAny,
}

/// `V1ProjectSettings`, as far as they mean something here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    #[serde(deserialize_with = "given")]
    queue: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    queues: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    agents: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    namespaces: Option<Option<Vec<String>>>,
}

impl Body {
    fn limits(&self) -> Given<'_> {
        let quota = self.quotas.as_ref().or(self.quota.as_ref());
        Given { quota, resource: self.resource.as_deref(), rate: self.rate.as_ref() }
    }

    fn confined(&self) -> confinement::Given<'_> {
        confinement::Given { queues: &self.queues, agents: &self.agents, namespaces: &self.namespaces }
    }

    /// # Errors
    /// If a value is not allowed.
    fn check(&self) -> Result<(), Problem> {
        if let Some(name) = &self.name {
            let bad = name.trim().is_empty() || name.len() > MAX_NAME || name.contains('/');
            if bad || name.chars().any(char::is_control) {
                let message = format!("a name has 1 to {MAX_NAME} bytes, without `/` and control characters");
                return Err(Problem::field("name", message));
            }
        }
        if let Some(Some(queue)) = &self.default_queue {
            queue.parse::<QueueRef>().map_err(|error| Problem::field("default_queue", error.to_string()))?;
        }
        Ok(())
    }
}

/// `POST /api/v1/{owner}/projects/create`.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ChangeProject, at.resource())?;
    body.check()?;
    let limits = body.limits().limits()?;
    let mut confinement = Confinement::default();
    body.confined().patch(&app, &at.owner).await?.apply(&mut confinement);
    let Some(name) = body.name else {
        return Err(Problem::field("name", "This field is required."));
    };
    let new = NewProject {
        limits,
        confinement,
        id: ProjectId::new(),
        owner: at.owner,
        name,
        description: body.description.flatten(),
        tags: body.tags.flatten().unwrap_or_default(),
        is_public: body.is_public.unwrap_or(false),
        readme: body.readme.flatten(),
        concurrency: body.concurrency.and_then(|limit| limit.0),
        default_queue: body.default_queue.flatten(),
    };
    let project = app.store.create_project(new, &caller.audit("project.create")).await.map_err(taken)?;
    app.wake.settings_changed();
    Ok((StatusCode::CREATED, axum::Json(created(&project))))
}

/// Polyaxon's own words.
fn taken(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict { .. } => Problem::field("name", "project with this name already exists."),
        other => other.into(),
    }
}

/// `GET /api/v1/{owner}/projects/list`, and `/names`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &listing::PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    // Polyaxon's sort orders are taken; the list is always that of `-updated_at`, its default.
    let search = name_search(&params)?;
    let projects = app.store.projects(&at.owner, search.as_deref(), &page).await?;
    Ok(axum::Json(listing::answer(&uri, &projects, |project| {
        let mut item = summary(project);
        item["bookmarked"] = json!(false);
        item
    })))
}

/// `GET /api/v1/{owner}/{project}`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let project = app.store.project(&at.owner, &at.project).await?;
    Ok(axum::Json(full(&project)))
}

/// `PATCH` and `PUT /api/v1/{owner}/{project}`: what is not given stays.
pub(crate) async fn update(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    Json(body): Json<Body>,
) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(full(&changed(&app, &caller, &at, body).await?)))
}

async fn changed(app: &App, caller: &Caller, at: &InProject, body: Body) -> Result<Project, Problem> {
    caller.may(Action::ChangeProject, at.resource())?;
    body.check()?;
    let patch = ProjectPatch {
        limits: body.limits().patch()?,
        confinement: body.confined().patch(app, &at.owner).await?,
        name: body.name,
        description: body.description,
        tags: body.tags.map(Option::unwrap_or_default),
        is_public: body.is_public,
        readme: body.readme,
        concurrency: body.concurrency.map(|limit| limit.0),
        default_queue: body.default_queue,
    };
    let audit = caller.audit("project.update");
    let project = app.store.update_project(&at.owner, &at.project, patch, &audit).await.map_err(taken)?;
    app.wake.settings_changed();
    Ok(project)
}

/// `DELETE /api/v1/{owner}/{project}`.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
) -> Result<StatusCode, Problem> {
    caller.may(Action::DeleteProject, at.resource())?;
    let deleted = app.store.delete_project(&at.owner, &at.project, &caller.audit("project.delete")).await;
    deleted.map_err(|error| match error {
        // The stock client shows the words of a 400, and of a 409 nothing but the number.
        StoreError::Conflict { message } => Problem::bad_request(message),
        other => other.into(),
    })?;
    app.wake.settings_changed();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET .../settings`: Polyaxon's `V1ProjectSettings`, as far as they mean something here.
pub(crate) async fn settings(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    Ok(axum::Json(set(&app.store.project(&at.owner, &at.project).await?)))
}

/// `PATCH` and `PUT .../settings`: what is not given stays.
pub(crate) async fn change_settings(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
    Json(body): Json<Settings>,
) -> Result<axum::Json<Value>, Problem> {
    let body = Body {
        default_queue: body.queue,
        queues: body.queues,
        agents: body.agents,
        namespaces: body.namespaces,
        ..Body::default()
    };
    let project = changed(&app, &caller, &at, body).await?;
    Ok(axum::Json(set(&project)))
}

fn set(project: &Project) -> Value {
    let mut shape = json!({ "queue": project.default_queue });
    confinement::show(&project.confinement, &mut shape);
    shape
}

/// `POST .../archive`, `/restore`, `/bookmark`, `DELETE .../unbookmark`: accepted, without effect.
pub(crate) async fn accept(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ChangeProject, at.resource())?;
    app.store.project(&at.owner, &at.project).await?;
    Ok(axum::Json(json!({})))
}

/// `GET .../stats`: none are kept.
pub(crate) async fn stats(
    State(app): State<AppState>,
    caller: Caller,
    at: InProject,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    app.store.project(&at.owner, &at.project).await?;
    Ok(axum::Json(json!({})))
}

fn summary(project: &Project) -> Value {
    json!({
        "uuid": project.id,
        "name": project.name,
        "description": project.description,
        "tags": project.tags,
        "user": null,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    })
}

fn created(project: &Project) -> Value {
    let mut shape = summary(project);
    shape["readme"] = json!(project.readme);
    shape
}

fn full(project: &Project) -> Value {
    let mut shape = created(project);
    shape["owner"] = json!(project.owner);
    shape["is_public"] = json!(project.is_public);
    shape["bookmarked"] = json!(false);
    shape["live_state"] = json!(1);
    shape["concurrency"] = json!(Concurrency::shown(project.concurrency));
    shape["default_queue"] = json!(project.default_queue);
    confinement::show(&project.confinement, &mut shape);
    limits::show(&project.limits, &mut shape);
    shape
}
