//! Organizations: where their runs go that name no queue, by rules and by default, and what of all of them is limited.

use axum::extract::State;
use berth_domain::access::Action;
use berth_domain::name::QueueRef;
use berth_domain::scheduling::routes::{RoutingRule, check};
use berth_store::{Error as StoreError, OrganizationPatch, OrganizationSettings};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::given::{Concurrency, given};
use crate::limits::{self, Given, GivenQuota};
use crate::params::shown;
use crate::path::InOwner;
use crate::problem::Problem;

/// What can be set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    #[serde(deserialize_with = "given")]
    default_queue: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    routes: Option<Option<Vec<RoutingRule>>>,
    #[serde(deserialize_with = "given")]
    concurrency: Option<Concurrency>,
    resource: Option<String>,
    #[serde(deserialize_with = "given")]
    quota: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    quotas: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    rate: Option<Option<String>>,
}

impl Body {
    fn limits(&self) -> Given<'_> {
        let quota = self.quotas.as_ref().or(self.quota.as_ref());
        Given { quota, resource: self.resource.as_deref(), rate: self.rate.as_ref() }
    }
}

/// `GET /api/v1/orgs/{owner}/settings`.
pub(crate) async fn settings(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    Ok(axum::Json(shape(&app.store.organization_settings(&at.owner).await?)))
}

/// `PATCH` and `PUT /api/v1/orgs/{owner}/settings`: what is not given stays.
pub(crate) async fn change_settings(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Json(body): Json<Body>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let limits = body.limits().patch()?;
    let rules = body.routes.map(Option::unwrap_or_default);
    if let Some(Some(name)) = &body.default_queue {
        exists(&app, &at.owner, "default_queue", None, name).await?;
    }
    for (place, rule) in rules.iter().flatten().enumerate() {
        check_rule(&app, &at.owner, place + 1, rule).await?;
    }
    check(rules.as_deref().unwrap_or_default())
        .map_err(|error| Problem::field("routes", error.to_string()))?;
    let patch = OrganizationPatch {
        default_queue: body.default_queue,
        rules,
        concurrency: body.concurrency.map(|limit| limit.0),
        limits,
    };
    let mut audit = caller.audit("organization.update");
    audit.details = patch.rules.as_ref().map(|rules| json!({ "routes": rules }));
    let settings = app.store.update_organization(&at.owner, patch, &audit).await?;
    app.wake.settings_changed();
    Ok(axum::Json(shape(&settings)))
}

/// Checks that what a rule names is there.
async fn check_rule(app: &App, owner: &str, place: usize, rule: &RoutingRule) -> Result<(), Problem> {
    for queue in &rule.queues {
        exists(app, owner, "routes", Some(place), &queue.to_string()).await?;
    }
    let Some(project) = &rule.matches.project else { return Ok(()) };
    match app.store.project(owner, project).await {
        Err(StoreError::NotFound { .. }) => {
            let name = shown(project);
            let message = format!("rule {place} can never match: project `{name}` does not exist");
            Err(Problem::field("routes", message))
        }
        other => Ok(other.map(|_| ())?),
    }
}

/// Checks that a queue is there.
async fn exists(app: &App, owner: &str, field: &str, rule: Option<usize>, name: &str) -> Result<(), Problem> {
    let of = rule.map(|place| format!("rule {place}: ")).unwrap_or_default();
    let asked: QueueRef = name
        .parse()
        .map_err(|error: berth_domain::name::InvalidName| Problem::field(field, format!("{of}{error}")))?;
    let places = app.directory.places(&app.store, owner, app.wake.settings(), true).await?;
    if places.queue(&asked).is_none() {
        let message = format!("{of}queue `{asked}` does not exist; there are: {}", places.names());
        return Err(Problem::field(field, message));
    }
    Ok(())
}

fn shape(settings: &OrganizationSettings) -> Value {
    let mut shape = json!({
        "default_queue": settings.default_queue,
        "routes": settings.rules,
        "concurrency": Concurrency::shown(settings.concurrency),
    });
    limits::show(&settings.limits, &mut shape);
    shape
}
