//! Queues, in the shape of Polyaxon's `V1Queue`: by uuid or by name in their agent; paused and resumed.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use berth_domain::access::Action;
use berth_domain::compile::{OnAgentLoss, UnknownOnAgentLoss};
use berth_domain::id::QueueId;
use berth_domain::lifecycle::Status;
use berth_domain::name::{InvalidName, QueueName};
use berth_domain::scheduling::{
    FairnessBy, InvalidFairness, InvalidPreemption, LONGEST_ANSWER, LONGEST_PATIENCE, Preemption,
    QueueProtocol, SharingPatch, UnknownProtocol,
};
use berth_store::{Audit, NewQueue, PageOf, Queue, QueuePatch};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::agents::{find as find_agent, name_search};
use crate::app::{App, AppState};
use crate::authenticate::Caller;
use crate::body::Json;
use crate::defaults;
use crate::given::{Concurrency, given};
use crate::history;
use crate::limits::{self, Given, GivenQuota};
use crate::listing;
use crate::params::{Params, shown};
use crate::path::{InAgent, InOwner, InQueue};
use crate::pause::{self, Pause};
use crate::problem::Problem;
use crate::runs::filter;
use crate::runs::many::{self, Deed};
use crate::runs::verbs::Verb;

/// Items on a page, if nothing is said.
const PAGE: u32 = 100;

/// What lists of queues take: as all lists, and `series`, which adds the backlogs of the last hour.
pub(crate) const PARAMS: [&str; 9] =
    ["limit", "offset", "sort", "query", "cursor", "no_page", "bookmarks", "mode", "series"];

/// `V1Queue`, as far as it can be set. The rest is taken and left alone, since clients send back what they got.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    tags: Option<Option<Vec<String>>>,
    priority: Option<i32>,
    #[serde(deserialize_with = "given")]
    concurrency: Option<Concurrency>,
    on_agent_loss: Option<String>,
    #[serde(deserialize_with = "given")]
    defaults: Option<Option<Value>>,
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    #[serde(rename = "agent")]
    _agent: IgnoredAny,
    #[serde(rename = "user")]
    _user: IgnoredAny,
    resource: Option<String>,
    #[serde(deserialize_with = "given")]
    quota: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    quotas: Option<Option<GivenQuota>>,
    #[serde(deserialize_with = "given")]
    rate: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    fairness: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    weights: Option<Option<BTreeMap<String, u32>>>,
    #[serde(deserialize_with = "given")]
    reserve_after_seconds: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    max_backlog: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    overflow_after_seconds: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    preemption: Option<Option<String>>,
    protocol: Option<String>,
    answer_within_seconds: Option<u64>,
    #[serde(rename = "stats")]
    _stats: IgnoredAny,
    #[serde(deserialize_with = "given")]
    paused: Option<Option<Pause>>,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
}

impl Body {
    fn on_agent_loss(&self) -> Result<Option<OnAgentLoss>, Problem> {
        let found = self.on_agent_loss.as_deref().map(str::parse).transpose();
        found.map_err(|error: UnknownOnAgentLoss| Problem::field("on_agent_loss", error.to_string()))
    }

    fn protocol(&self) -> Result<Option<QueueProtocol>, Problem> {
        let found = self.protocol.as_deref().map(str::parse).transpose();
        found.map_err(|error: UnknownProtocol| Problem::field("protocol", error.to_string()))
    }

    fn answer_within(&self) -> Result<Option<Duration>, Problem> {
        let Some(seconds) = self.answer_within_seconds else { return Ok(None) };
        let longest = LONGEST_ANSWER.as_secs();
        if !(1..=longest).contains(&seconds) {
            let message = format!("{seconds} is not allowed: use 1 to {longest}");
            return Err(Problem::field("answer_within_seconds", message));
        }
        Ok(Some(Duration::from_secs(seconds)))
    }

    fn limits(&self) -> Given<'_> {
        let quota = self.quotas.as_ref().or(self.quota.as_ref());
        Given { quota, resource: self.resource.as_deref(), rate: self.rate.as_ref() }
    }

    fn sharing(&self) -> Result<SharingPatch, Problem> {
        let fairness = self.fairness.as_ref().map(|given| match given.as_deref() {
            None | Some("") => Ok(FairnessBy::default()),
            Some(text) => {
                text.parse().map_err(|error: InvalidFairness| Problem::field("fairness", error.to_string()))
            }
        });
        let preemption = self.preemption.as_ref().map(|given| match given.as_deref() {
            None | Some("") => Ok(Preemption::default()),
            Some(text) => text
                .parse()
                .map_err(|error: InvalidPreemption| Problem::field("preemption", error.to_string())),
        });
        let weights = self.weights.clone().map(Option::unwrap_or_default);
        if let Some((key, weight)) =
            weights.iter().flatten().find(|(_, weight)| !(1..=1_000).contains(*weight))
        {
            let message = format!("the weight of `{}` is {weight}: use 1 to 1000", shown(key));
            return Err(Problem::field("weights", message));
        }
        if let Some(Some(seconds)) = self.overflow_after_seconds
            && u64::from(seconds) > LONGEST_PATIENCE.as_secs()
        {
            let message =
                format!("{seconds} is not allowed: use 0 for never, or 1 to {}", LONGEST_PATIENCE.as_secs());
            return Err(Problem::field("overflow_after_seconds", message));
        }
        Ok(SharingPatch {
            fairness: fairness.transpose()?,
            weights,
            reserve_after_seconds: self.reserve_after_seconds,
            max_backlog: self.max_backlog,
            overflow_after_seconds: self.overflow_after_seconds,
            preemption: preemption.transpose()?,
        })
    }
}

/// The queue that a path names.
pub(crate) async fn find(app: &App, at: &InQueue) -> Result<Queue, Problem> {
    let agent = find_agent(app, &at.owner, &at.agent).await?;
    let asked = at.queue.as_str();
    if asked.len() >= 32
        && let Ok(id) = asked.parse::<QueueId>()
    {
        let queue = app.store.queue_by_id(id).await?;
        return if queue.agent_id == agent.id { Ok(queue) } else { Err(Problem::not_found("queue", id)) };
    }
    if asked.parse::<QueueName>().is_err() {
        return Err(Problem::not_found("queue", format!("{}/{}", agent.name, shown(asked))));
    }
    Ok(app.store.queue(&agent.owner, agent.name.as_str(), asked).await?)
}

/// `GET /api/v1/orgs/{owner}/queues`, and `/names`: of all agents.
pub(crate) async fn list_all(
    State(app): State<AppState>,
    caller: Caller,
    at: InOwner,
    OriginalUri(uri): OriginalUri,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let queues = app.store.queues(&at.owner, None, name_search(&params)?.as_deref(), &page).await?;
    listed(&app, &at.owner, &uri, &params, &queues).await
}

/// `GET /api/v1/orgs/{owner}/agents/{agent}/queues`, and `/names`.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
    OriginalUri(uri): OriginalUri,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    let params = Params::read(&uri, &PARAMS)?;
    let page = listing::page(&params, PAGE)?;
    let agent = find_agent(&app, &at.owner, &at.agent).await?;
    let search = name_search(&params)?;
    let queues = app.store.queues(&at.owner, Some(agent.name.as_str()), search.as_deref(), &page).await?;
    listed(&app, &at.owner, &uri, &params, &queues).await
}

/// `POST /api/v1/orgs/{owner}/agents/{agent}/queues`.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
    Json(body): Json<Body>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let agent = find_agent(&app, &at.owner, &at.agent).await?;
    let Some(name) = &body.name else { return Err(Problem::field("name", "This field is required.")) };
    let name: QueueName =
        name.parse().map_err(|error: InvalidName| Problem::field("name", error.to_string()))?;
    if name.as_str() == "names" {
        return Err(Problem::field("name", "`names` is taken by Berth itself; use another"));
    }
    let mut new = NewQueue::named(agent.id, name);
    new.limits = body.limits().limits()?;
    body.sharing()?.apply(&mut new.sharing);
    new.on_agent_loss = body.on_agent_loss()?.unwrap_or_default();
    new.protocol = body.protocol()?.unwrap_or_default();
    new.answer_within = body.answer_within()?.unwrap_or(new.answer_within);
    new.paused = body.paused.flatten().map(|pause| pause.by(&caller)).transpose()?;
    new.description = body.description.flatten();
    new.defaults = defaults::check(body.defaults.flatten(), &app.spec_limits)?;
    new.tags = body.tags.flatten().unwrap_or_default();
    new.priority = body.priority.unwrap_or(new.priority);
    new.concurrency = body.concurrency.and_then(|limit| limit.0);
    let queue = app.store.create_queue(new, &caller.audit("queue.create")).await?;
    app.wake.settings_changed();
    Ok((StatusCode::CREATED, axum::Json(with_stats(&app, &queue).await?)))
}

/// `GET .../queues/{queue}`.
pub(crate) async fn get(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::View, at.resource())?;
    Ok(axum::Json(with_stats(&app, &find(&app, &at).await?).await?))
}

/// `PATCH` and `PUT .../queues/{queue}`: what is not given stays. A name stays for good.
pub(crate) async fn update(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    Json(body): Json<Body>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let queue = find(&app, &at).await?;
    if body.name.as_ref().is_some_and(|name| *name != queue.name.as_str()) {
        return Err(Problem::field("name", "a queue keeps its name: its offers on the broker carry it"));
    }
    let on_agent_loss = body.on_agent_loss()?;
    if body.protocol()?.is_some_and(|protocol| protocol != queue.protocol) {
        let why = "a queue keeps its protocol: what is on the broker is written for who serves it; make another queue";
        return Err(Problem::field("protocol", why));
    }
    let answer_within = body.answer_within()?;
    let (limits, sharing) = (body.limits().patch()?, body.sharing()?);
    let paused = match body.paused {
        Some(Some(pause)) => Some(Some(pause.by(&caller)?)),
        Some(None) => Some(None),
        None => None,
    };
    let patch = QueuePatch {
        on_agent_loss,
        answer_within,
        paused,
        description: body.description,
        defaults: body.defaults.map(|given| defaults::check(given, &app.spec_limits)).transpose()?,
        tags: body.tags.map(Option::unwrap_or_default),
        priority: body.priority,
        concurrency: body.concurrency.map(|limit| limit.0),
        limits,
        sharing,
    };
    let told = patch.defaults.as_ref().map(|given| defaults::shown(given.as_ref()));
    changed(&app, &caller, &queue, patch, ("queue.update", told)).await
}

/// `POST .../queues/{queue}/pause`: it accepts runs and starts none.
pub(crate) async fn pause(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    Json(body): Json<Pause>,
) -> Result<axum::Json<Value>, Problem> {
    close(&app, &caller, &at, body.draining(false), "queue.pause").await
}

/// `POST .../queues/{queue}/drain`: it starts none, and accepts none either.
pub(crate) async fn drain(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    Json(body): Json<Pause>,
) -> Result<axum::Json<Value>, Problem> {
    close(&app, &caller, &at, body.draining(true), "queue.drain").await
}

async fn close(
    app: &AppState,
    caller: &Caller,
    at: &InQueue,
    pause: Pause,
    action: &str,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let paused = pause.by(caller)?;
    let queue = find(app, at).await?;
    let patch = QueuePatch { paused: Some(Some(paused)), ..QueuePatch::default() };
    changed(app, caller, &queue, patch, (action, None)).await
}

/// `POST .../queues/{queue}/resume`.
pub(crate) async fn resume(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let queue = find(&app, &at).await?;
    let patch = QueuePatch { paused: Some(None), ..QueuePatch::default() };
    changed(&app, &caller, &queue, patch, ("queue.resume", None)).await
}

/// Which of a queue's waiting runs; all, if nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Purge {
    query: Option<String>,
    cursor: Option<String>,
}

/// `POST .../queues/{queue}/purge`: what waits in it is stopped, and what is offered of it and not claimed.
pub(crate) async fn purge(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
    OriginalUri(uri): OriginalUri,
    Json(body): Json<Purge>,
) -> Result<axum::Json<Value>, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let queue = find(&app, &at).await?;
    let query = body.query.as_deref().unwrap_or_default();
    let mut filter = filter::read(&app, &at.owner, None, query).await?;
    filter.queue_id = Some(queue.id);
    let given = std::mem::take(&mut filter.statuses);
    let waits = |status: &Status| status.is_waiting() || *status == Status::Scheduled;
    let is_meant = |status: &Status| waits(status) && (given.is_empty() || given.contains(status));
    filter.statuses = Status::ALL.into_iter().filter(is_meant).collect();
    if filter.statuses.is_empty() {
        // It asks for what doesn't wait: for none at all.
        filter.ids = Some(Vec::new());
    }
    filter.live_state = None;
    let details = json!({ "query": query, "purged": format!("{}/{}", queue.agent, queue.name) });
    let audit = Audit { details: Some(details), ..caller.audit("run.stop") };
    let deed = Deed::Steer(Verb::Stop);
    let cursor = body.cursor.as_deref();
    many::through(&app, &caller, &deed, filter, &audit, (cursor, &uri)).await.map(axum::Json)
}

async fn changed(
    app: &AppState,
    caller: &Caller,
    queue: &Queue,
    patch: QueuePatch,
    (action, defaults): (&str, Option<Value>),
) -> Result<axum::Json<Value>, Problem> {
    let (agent, name) = (queue.agent.as_str(), queue.name.as_str());
    let mut audit = caller.audit(action);
    audit.details = defaults.map(|defaults| json!({ "defaults": defaults }));
    if let Some(Some(paused)) = &patch.paused {
        audit.reason.get_or_insert_with(|| paused.reason.clone());
    }
    let queue = app.store.update_queue(&queue.owner, agent, name, patch, &audit).await?;
    app.wake.settings_changed();
    Ok(axum::Json(with_stats(app, &queue).await?))
}

/// `DELETE .../queues/{queue}`.
pub(crate) async fn delete(
    State(app): State<AppState>,
    caller: Caller,
    at: InQueue,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageQueues, at.resource())?;
    let queue = find(&app, &at).await?;
    let audit = caller.audit("queue.delete");
    app.store.delete_queue(&at.owner, queue.agent.as_str(), queue.name.as_str(), &audit).await?;
    app.wake.settings_changed();
    Ok(StatusCode::NO_CONTENT)
}

/// A page of queues with their numbers.
async fn listed(
    app: &AppState,
    owner: &str,
    uri: &Uri,
    params: &Params,
    queues: &PageOf<Queue>,
) -> Result<axum::Json<Value>, Problem> {
    let numbers = app.stats.of(app, owner).await?;
    let (steps, backlogs) = if params.flag("series")? {
        app.store.backlogs(owner, app.clock.now()).await?
    } else {
        Default::default()
    };
    Ok(axum::Json(listing::answer(uri, queues, |queue| {
        let mut stats = numbers.shape(queue);
        if !steps.is_empty() {
            stats["series"] = json!(history::series(&steps, backlogs.get(&queue.id)));
        }
        shape(queue, &stats)
    })))
}

async fn with_stats(app: &AppState, queue: &Queue) -> Result<Value, Problem> {
    let numbers = app.stats.of(app, &queue.owner).await?;
    Ok(shape(queue, &numbers.shape(queue)))
}

/// `V1Queue`, and beside it what Berth knows more.
fn shape(queue: &Queue, stats: &Value) -> Value {
    let mut answer = json!({
        "uuid": queue.id,
        "agent": queue.agent,
        "name": queue.name,
        "description": queue.description,
        "tags": queue.tags,
        "user": null,
        "priority": queue.priority,
        "concurrency": Concurrency::shown(queue.concurrency),
        "fairness": queue.sharing.fairness,
        "weights": queue.sharing.weights,
        "reserve_after_seconds": queue.sharing.reserve_after().map_or(0, |after| after.as_secs()),
        "max_backlog": queue.sharing.max_backlog,
        "overflow_after_seconds": queue.sharing.overflow_after().map_or(0, |after| after.as_secs()),
        "preemption": queue.sharing.preemption,
        "stats": stats,
        "created_at": queue.created_at,
        "updated_at": queue.updated_at,
        "paused": pause::shape(queue.paused.as_ref()),
        "on_agent_loss": queue.on_agent_loss.as_str(),
        "protocol": queue.protocol.as_str(),
        "answer_within_seconds": queue.answer_within.as_secs(),
        "defaults": defaults::shown(queue.defaults.as_ref()),
    });
    limits::show(&queue.limits, &mut answer);
    answer
}
