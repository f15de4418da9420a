//! Agents, in the shape of Polyaxon's `V1Agent`: by uuid or by name; with what an operator may do to them.

use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_broker_config::names::RESERVED_AGENT_NAMES;
use berth_domain::access::Action;
use berth_domain::id::AgentId;
use berth_domain::labels::{self, Labels};
use berth_domain::name::AgentName;
use berth_domain::query::{self, Condition};
use berth_domain::time::Time;
use berth_store::{Agent, AgentPatch, NewAgent};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::credentials;
use crate::defaults;
use crate::given::{Concurrency, given};
use crate::limits::{self, Given, GivenQuota};
use crate::listing;
use crate::params::{Params, shown};
use crate::path::{InAgent, InOwner};
use crate::pause::{self, Pause};
use crate::problem::Problem;

/// Items on a page, if nothing is said.
const PAGE: u32 = 100;

/// `V1Agent`, as far as it can be set. The rest is taken and left alone, since clients send back what they got.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    tags: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    labels: Option<Option<Labels>>,
    #[serde(deserialize_with = "given")]
    concurrency: Option<Concurrency>,
    resource: Option<String>,
    #[serde(deserialize_with = "given")]
    quota: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    quotas: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    rate: Option<Option<String>>,
    cordoned: Option<bool>,
    draining: Option<bool>,
    is_default: Option<bool>,
    #[serde(deserialize_with = "given")]
    defaults: Option<Option<Value>>,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    #[serde(rename = "live_state")]
    _live_state: IgnoredAny,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(rename = "namespace")]
    _namespace: IgnoredAny,
    #[serde(rename = "version_api")]
    _version_api: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(rename = "content")]
    _content: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(rename = "status")]
    _status: IgnoredAny,
    #[serde(rename = "status_conditions")]
    _status_conditions: IgnoredAny,
    #[serde(rename = "is_ui_managed")]
    _is_ui_managed: IgnoredAny,
    #[serde(rename = "settings")]
    _settings: IgnoredAny,
    #[serde(rename = "stats")]
    _stats: IgnoredAny,
}

/// The value of a path parameter.
pub(crate) fn part(path: &HashMap<String, String>, name: &str) -> String {
    path.get(name).cloned().unwrap_or_default()
}

/// The agent that a path names by uuid or by name.
pub(crate) async fn find(app: &App, owner: &str, asked: &str) -> Result<Agent, Problem> {
    if asked.len() >= 32
        && let Ok(id) = asked.parse::<AgentId>()
    {
        let agent = app.store.agent_by_id(id).await?;
        return if agent.owner == owner { Ok(agent) } else { Err(Problem::not_found("agent", id)) };
    }
    if asked.parse::<AgentName>().is_err() {
        return Err(Problem::not_found("agent", shown(asked)));
    }
    Ok(app.store.agent(owner, asked).await?)
}

/// A name as a query asks for it: a list of agents or queues is searched by nothing else.
pub(crate) fn name_search(params: &Params) -> Result<Option<String>, Problem> {
    let mut name = None;
    for clause in
        query::parse(params.text("query").unwrap_or_default()).map_err(|error| Problem::query(&error))?
    {
        match (clause.field.as_str(), clause.negated, clause.condition) {
            ("name", false, Condition::Contains(text)) => name = Some(text),
            ("name", false, Condition::In(values)) if values.len() == 1 => name = values.into_iter().next(),
            ("name", ..) => return Err(Problem::field("query", "here `name` takes one name, or `%part%`")),
            ("live_state", ..) => {}
            (field, ..) => {
                return Err(Problem::field("query", format!("unknown field `{field}`; allowed: name")));
            }
        }
    }
    Ok(name)
}

/// `GET /api/v1/orgs/{owner}/agents`, and `/names`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &listing::PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let agents = app.store.agents(&at.owner, name_search(&params)?.as_deref(), &page).await?;
    Ok(axum::Json(listing::answer(&uri, &agents, |agent| shape(agent, caller.now))))
}

/// `POST /api/v1/orgs/{owner}/agents`. The agent gets a queue `default`.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let Some(name) = &body.name else { return Err(Problem::field("name", "This field is required.")) };
    let name: AgentName =
        name.parse().map_err(|e: berth_domain::name::InvalidName| Problem::field("name", e.to_string()))?;
    if RESERVED_AGENT_NAMES.contains(&name.as_str()) || matches!(name.as_str(), "names" | "state" | "cron") {
        return Err(Problem::field("name", format!("`{name}` is taken by Berth itself; use another")));
    }
    check_labels(&body)?;
    let mut new = NewAgent::named(at.owner, name);
    new.limits = body.limits().limits()?;
    new.description = body.description.flatten();
    new.defaults = defaults::check(body.defaults.flatten(), &app.spec_limits)?;
    new.tags = body.tags.flatten().unwrap_or_default();
    new.labels = body.labels.flatten().unwrap_or_default();
    new.concurrency = body.concurrency.and_then(|limit| limit.0);
    new.is_default = body.is_default.unwrap_or(false);
    let agent = app.store.create_agent(new, &caller.audit("agent.create")).await?;
    app.wake.settings_changed();
    Ok((StatusCode::CREATED, axum::Json(shape(&agent, caller.now))))
}

impl Body {
    fn limits(&self) -> Given<'_> {
        let quota = self.quotas.as_ref().or(self.quota.as_ref());
        Given { quota, resource: self.resource.as_deref(), rate: self.rate.as_ref() }
    }
}

fn check_labels(body: &Body) -> Result<(), Problem> {
    let Some(Some(given)) = &body.labels else { return Ok(()) };
    labels::check(given).map_err(|error| Problem::field("labels", error.to_string()))
}

/// `GET /api/v1/orgs/{owner}/agents/{agent}`, with its replicas.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    let replicas = app.store.replicas(agent.id).await?;
    let mut shape = shape(&agent, caller.now);
    shape["nodes"] = json!(app.store.agent_nodes(agent.id).await?);
    shape["replicas"] = replicas
        .iter()
        .map(|replica| {
            json!({
                "name": replica.name,
                "lease_until": replica.lease_until,
                "last_seen": replica.last_seen,
                "is_live": replica.lease_until > caller.now,
                "version": replica.release,
                "executor": replica.executor,
                "live": replica.live,
                "held": replica.held_offers,
                "heartbeat_seconds": caller.now.since(replica.last_seen).as_secs_f64(),
                "creates_per_second": replica.handover_rate,
                "create_limit": replica.vitals.and_then(|vitals| vitals.creates_at_once),
                "pushbacks": replica.vitals.and_then(|vitals| vitals.pushbacks),
                "clock_skew_seconds": replica.clock_ahead_ms.map(|ahead| ahead as f64 / 1_000.0),
            })
        })
        .collect();
    Ok(axum::Json(shape))
}

/// `PATCH` and `PUT /api/v1/orgs/{owner}/agents/{agent}`: what is not given stays. A name stays for good.
pub(crate) async fn update(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
    Json(body): Json<Body>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    if body.name.as_ref().is_some_and(|name| *name != agent.name.as_str()) {
        return Err(Problem::field("name", "an agent keeps its name: its queues on the broker carry it"));
    }
    check_labels(&body)?;
    let hold = match (body.cordoned, body.draining) {
        (Some(true), _) | (_, Some(true)) => {
            let drain = body.draining.unwrap_or(agent.draining);
            Some(Some(Pause::default().draining(drain).by(&caller)?))
        }
        (None, None) => None,
        (cordoned, draining) => {
            let is_closed = cordoned.unwrap_or(agent.cordoned) || draining.unwrap_or(agent.draining);
            (!is_closed).then_some(None)
        }
    };
    let patch = AgentPatch {
        limits: body.limits().patch()?,
        description: body.description,
        defaults: body.defaults.map(|given| defaults::check(given, &app.spec_limits)).transpose()?,
        tags: body.tags.map(Option::unwrap_or_default),
        labels: body.labels.map(Option::unwrap_or_default),
        concurrency: body.concurrency.map(|limit| limit.0),
        cordoned: body.cordoned,
        draining: body.draining,
        hold,
        is_default: body.is_default,
    };
    let told = patch.defaults.as_ref().map(|given| defaults::shown(given.as_ref()));
    changed(&app, &caller, &agent, patch, ("agent.update", told)).await
}

/// `POST .../agents/{agent}/{cordon|uncordon|drain|release}`.
pub(crate) async fn steer(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
    Path(path): Path<HashMap<String, String>>,
    Json(body): Json<Pause>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    let closed = |pause: Pause, drain: bool| -> Result<AgentPatch, Problem> {
        let hold = Some(Some(pause.draining(drain).by(&caller)?));
        Ok(AgentPatch { cordoned: Some(!drain), draining: Some(drain), hold, ..AgentPatch::default() })
    };
    let (patch, action) = match part(&path, "verb").as_str() {
        "cordon" => (closed(body, false)?, "agent.cordon"),
        "drain" => (closed(body, true)?, "agent.drain"),
        "uncordon" => (open(), "agent.uncordon"),
        "release" => {
            let audit = caller.audit("agent.release");
            let agent = app.store.release_agent(&at.owner, agent.name.as_str(), &audit).await?;
            app.wake.settings_changed();
            return Ok(axum::Json(shape(&agent, caller.now)));
        }
        other => {
            let message = format!(
                "`{}` can't be done to an agent; allowed: cordon, uncordon, drain, release",
                shown(other)
            );
            return Err(Problem::new(StatusCode::NOT_FOUND, message));
        }
    };
    changed(&app, &caller, &agent, patch, (action, None)).await
}

/// That it takes what comes.
fn open() -> AgentPatch {
    AgentPatch { cordoned: Some(false), draining: Some(false), hold: Some(None), ..AgentPatch::default() }
}

async fn changed(
    app: &App,
    caller: &Caller,
    agent: &Agent,
    patch: AgentPatch,
    (action, defaults): (&str, Option<Value>),
) -> Result<axum::Json<Value>, Problem> {
    let mut audit = caller.audit(action);
    audit.details = defaults.map(|defaults| json!({ "defaults": defaults }));
    if let Some(Some(hold)) = &patch.hold {
        audit.reason.get_or_insert_with(|| hold.reason.clone());
    }
    let agent = app.store.update_agent(&agent.owner, agent.name.as_str(), patch, &audit).await?;
    app.wake.settings_changed();
    Ok(axum::Json(shape(&agent, caller.now)))
}

/// `DELETE /api/v1/orgs/{owner}/agents/{agent}`, with its queues.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    app.store.delete_agent(&at.owner, agent.name.as_str(), &caller.audit("agent.delete")).await?;
    app.wake.settings_changed();
    credentials::lock_out(&app, agent.name.as_str()).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET .../agents/{agent}/statuses`.
pub(crate) async fn statuses(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    Ok(axum::Json(json!({
        "uuid": agent.id, "status": status(&agent, caller.now), "status_conditions": [], "meta_info": {},
    })))
}

fn status(agent: &Agent, now: Time) -> &'static str {
    match (agent.is_live(now), agent.last_seen) {
        (true, _) => "running",
        (false, Some(_)) => "unknown",
        (false, None) => "created",
    }
}

/// `V1Agent`, and beside it what Berth knows more.
fn shape(agent: &Agent, now: Time) -> Value {
    let mut answer = json!({
        "uuid": agent.id,
        "name": agent.name,
        "description": agent.description,
        "tags": agent.tags,
        "live_state": 1,
        "user": null,
        "namespace": null,
        "version_api": {},
        "version": agent.release,
        "content": null,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
        "status": status(agent, now),
        "settings": {},
        "labels": agent.labels,
        "reported_labels": agent.reported.as_ref().map(|reported| &reported.labels),
        "effective_labels": agent.effective_labels(),
        "namespaces": agent.reported.as_ref().map(|reported| &reported.namespaces),
        "connections": agent.reported.as_ref().map(|reported| &reported.connections),
        "concurrency": Concurrency::shown(agent.concurrency),
        "cordoned": agent.cordoned,
        "draining": agent.draining,
        "hold": pause::shape(agent.hold.as_ref()),
        "is_default": agent.is_default,
        "is_live": agent.is_live(now),
        "executor": agent.executor,
        "identity": agent.identity,
        "lease_until": agent.lease_until,
        "last_seen": agent.last_seen,
        "lost_at": agent.lost_at,
        "loss": agent.loss,
        "features": agent.features,
        "defaults": defaults::shown(agent.defaults.as_ref()),
        "handover_rate": agent.handover_rate,
    });
    limits::show(&agent.limits, &mut answer);
    answer
}
