//! The offer of a run's attempt to an agent: a Celery task `berth.run`.
//!
//! A stock Celery worker can read it; an agent reads it by [`decode`]. The compiled operation travels as it
//! was stored, byte for byte; what tools show of the arguments is names only, so that no spec ends up in a
//! monitor's database.

use berth_domain::feature::Features;
use berth_domain::trace::TraceContext;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::celery::repr::repr;
use crate::celery::task::{self, DecodeError, Task};
use crate::message::Message;

/// The task's name.
pub const TASK: &str = "berth.run";
/// The version of the offer that this release writes, and the newest that it reads.
pub const VERSION: u32 = 1;
/// The header with the version.
const VERSION_HEADER: &str = "berth-version";
/// The headers with the trace.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The header with the features that a reader must have.
const NEEDS_HEADER: &str = "berth-needs";

/// One attempt of a run, offered to a queue of an agent.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The run.
    pub run: Uuid,
    /// Its attempt, from 0: Celery's `retries`.
    pub attempt: u32,
    /// The agent it is for.
    pub agent: String,
    /// The agent's queue it is for.
    pub queue: String,
    /// The organization.
    pub owner: String,
    /// The project.
    pub project: String,
    /// What tools show of the run.
    pub name: Option<String>,
    /// The compiled operation.
    pub operation: Box<RawValue>,
    /// Its hash, which the objects on the agent's side carry too.
    pub spec_hash: String,
    /// Seconds until it is killed.
    pub hard_limit: Option<f64>,
    /// Seconds until it is told to end.
    pub soft_limit: Option<f64>,
    /// Not before: ISO 8601.
    pub eta: Option<String>,
    /// Not after: ISO 8601.
    pub expires: Option<String>,
    /// The outermost pipeline.
    pub root_id: Option<Uuid>,
    /// The pipeline it is in.
    pub parent_id: Option<Uuid>,
    /// Features that the agent must have to run it.
    pub needs: Vec<String>,
    /// Where it belongs in a trace, if it is in one.
    pub trace: Option<TraceContext>,
}

/// Why a message is not an offer that this release can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not a Celery task at all.
    #[error(transparent)]
    Task(#[from] DecodeError),
    /// A task of another name.
    #[error("the task is `{found}`, an offer is `{TASK}`")]
    Name {
        /// The task's name.
        found: String,
    },
    /// Written by a newer release.
    #[error("the offer's version is {found}, this release reads up to {VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// It needs what only newer releases know, of whose meaning nothing can be said.
    #[error("the offer needs `{found}`, which this release doesn't know")]
    Need {
        /// The feature's name.
        found: String,
    },
    /// A field is missing or wrong.
    #[error("the offer's {0}")]
    Field(String),
}

/// The offer's own keyword arguments, as they are read.
#[derive(Deserialize)]
struct Kwargs {
    agent: String,
    queue: String,
    owner: String,
    project: String,
    spec_hash: String,
    operation: Box<RawValue>,
}

/// Writes an offer as a task message. It is persistent, and has no priority of its own: the window is short
/// and in order.
pub fn encode(offer: &Offer) -> Message {
    let kwargs: [(&str, Value); 5] = [
        ("agent", json!(offer.agent)),
        ("queue", json!(offer.queue)),
        ("owner", json!(offer.owner)),
        ("project", json!(offer.project)),
        ("spec_hash", json!(offer.spec_hash)),
    ];
    let mut shown = Map::new();
    shown.extend(kwargs.iter().take(4).map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut extra = Map::new();
    extra.insert(VERSION_HEADER.to_owned(), json!(VERSION));
    extra.insert(NEEDS_HEADER.to_owned(), json!(offer.needs));
    extra.extend(trace_headers(offer));
    let task = Task {
        name: TASK.to_owned(),
        id: offer.run.to_string(),
        root_id: offer.root_id.map(|id| id.to_string()),
        parent_id: offer.parent_id.map(|id| id.to_string()),
        retries: offer.attempt.into(),
        eta: offer.eta.clone(),
        expires: offer.expires.clone(),
        hard_limit: offer.hard_limit,
        soft_limit: offer.soft_limit,
        argsrepr: Some("()".to_owned()),
        kwargsrepr: Some(repr(&Value::Object(shown))),
        shadow: offer.name.clone(),
        ignore_result: Some(true),
        extra,
        ..Task::default()
    };
    let mut message = task::encode(&task);
    // The operation is copied as it is, not parsed and written anew.
    let mut body = String::with_capacity(offer.operation.get().len() + 512);
    body.push_str("[[], {");
    for (name, value) in kwargs {
        body.push_str(&format!("\"{name}\": {value}, "));
    }
    body.push_str("\"operation\": ");
    body.push_str(offer.operation.get());
    body.push_str("}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}]");
    message.body = body.into();
    message
}

/// The headers by which others join the trace: the W3C's, as instrumentation of Celery has them.
pub(crate) fn trace_headers(offer: &Offer) -> impl Iterator<Item = (String, Value)> {
    let parent = offer.trace.as_ref().map(|trace| (TRACEPARENT.to_owned(), Value::from(trace.traceparent())));
    let state = offer.trace.as_ref().and_then(TraceContext::tracestate);
    parent.into_iter().chain(state.map(|state| (TRACESTATE.to_owned(), Value::from(state))))
}

/// Reads an offer.
///
/// # Errors
/// If it is not an offer, is malformed, or is of a newer version; it is then reported, raw, and acked.
pub fn decode(message: &Message) -> Result<Offer, OfferError> {
    let task = task::decode(message)?;
    if task.name != TASK {
        return Err(OfferError::Name { found: task.name.chars().take(64).collect() });
    }
    let version = task.extra.get(VERSION_HEADER).and_then(Value::as_u64).unwrap_or(0);
    if version == 0 || version > u64::from(VERSION) {
        return Err(OfferError::Version { found: version });
    }
    let (_, kwargs, _): (Vec<Value>, Kwargs, Value) = serde_json::from_slice(&message.body)
        .map_err(|error| OfferError::Field(format!("arguments are wrong: {error}")))?;
    let id = |field: &str, text: &str| {
        text.parse::<Uuid>().map_err(|_| OfferError::Field(format!("{field} is not a UUID")))
    };
    let needs = match task.extra.get(NEEDS_HEADER) {
        None => Vec::new(),
        Some(needs) => Vec::<String>::deserialize(needs)
            .map_err(|_| OfferError::Field(format!("{NEEDS_HEADER} is not a list of texts")))?,
    };
    if let Some(found) = Features::unknown(needs.iter().map(String::as_str)) {
        return Err(OfferError::Need { found: found.chars().take(64).collect() });
    }
    let run = id("id", &task.id)?;
    let header = |name: &str| task.extra.get(name).and_then(Value::as_str);
    Ok(Offer {
        run,
        attempt: u32::try_from(task.retries)
            .map_err(|_| OfferError::Field("retries are too many".to_owned()))?,
        agent: kwargs.agent,
        queue: kwargs.queue,
        owner: kwargs.owner,
        project: kwargs.project,
        name: task.shadow,
        operation: kwargs.operation,
        spec_hash: kwargs.spec_hash,
        hard_limit: task.hard_limit,
        soft_limit: task.soft_limit,
        eta: task.eta,
        expires: task.expires,
        // Celery writes a task's own id where it has no root.
        root_id: task.root_id.map(|text| id("root_id", &text)).transpose()?.filter(|root| *root != run),
        parent_id: task.parent_id.map(|text| id("parent_id", &text)).transpose()?,
        needs,
        // One that is wrong is none.
        trace: header(TRACEPARENT).and_then(|parent| TraceContext::read(parent, header(TRACESTATE))),
    })
}
