//! One attempt, one pod, and what a service has beside it: asked for within its claim's validity, again where trying
//! again may help, and never taken for refused while an earlier try may have landed.
//!
//! The first pod comes first: it stands for the attempt, and owns the rest. When all is there it is marked. A set that
//! could not be completed is ended, and one that its agent left half-made is ended when its claim is over.

use std::io;

use berth_domain::time::Time;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde_json::Value;

use super::super::{CreateError, Object, Order, Refusal, Trouble};
use super::api::{self, Created};
use super::pace::Turn;
use super::status::{self, annotation, label};
use super::{Inner, names, parts, pod, settle};

/// What became of an object that was asked for.
#[derive(Debug)]
pub(super) enum Made {
    /// It is there.
    New(Box<ObjectMeta>),
    /// One of that name was there already.
    Exists,
    /// It was refused for what it is, in the server's own words.
    Refused(String),
    /// This agent may not create it.
    Forbidden(String),
    /// The claim was over before it was there.
    Not {
        /// What the server said last.
        words: Option<String>,
        /// Whether it may be there all the same, or yet be.
        may_have_landed: bool,
    },
}

/// Creates the attempt's objects, or finds them created already. The turn is the first one's.
pub(super) async fn create(inner: &Inner, order: &Order, turn: Turn) -> Result<Object, CreateError> {
    let attempt = order.attempt;
    inner.may_create().map_err(|source| CreateError::Trouble { attempt, source })?;
    let refused = |refusal| CreateError::Refused { attempt, refusal };
    let plan = pod::plan(order, &inner.defaults()).map_err(refused)?.until(claim_over(inner, order));
    let first = match ask::<Pod>(inner, order, &plan.namespace, &plan.pod, Some(turn)).await {
        Made::New(metadata) => Pod { metadata: *metadata, ..Pod::default() },
        Made::Exists => return existing(inner, order, &plan).await?.ok_or(CreateError::Late(attempt)),
        Made::Refused(words) => return Err(refused(Refusal { reason: "Refused", message: words })),
        Made::Forbidden(words) => return Err(trouble(order, io::Error::other(words))),
        Made::Not { words, may_have_landed } => {
            if may_have_landed && let Ok(Some(found)) = existing(inner, order, &plan).await {
                return Ok(found);
            }
            return Err(match words {
                Some(words) => trouble(order, io::Error::other(words)),
                None => CreateError::Late(attempt),
            });
        }
    };
    let object = noted(inner, order, &first)?;
    complete(inner, order, &plan, &first).await;
    Ok(object)
}

/// Asks for an object until it is there, is refused, or its claim is over; first in `turn`'s place, if there is one.
pub(super) async fn ask<K>(
    inner: &Inner,
    order: &Order,
    namespace: &str,
    object: &Value,
    mut turn: Option<Turn>,
) -> Made
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let mut last = None;
    let mut may_have_landed = false;
    loop {
        let left = order.create_by.since(inner.settings.uptime.now());
        let mine = async {
            match turn.take() {
                Some(turn) => turn.place().await,
                None => inner.pace.place().await,
            }
        };
        let Ok(place) = tokio::time::timeout(left, mine).await else { break };
        // As close as can be to the request.
        if inner.settings.uptime.now() >= order.create_by {
            break;
        }
        match api::create::<K>(&inner.client, namespace, object).await {
            Created::Object(metadata) => {
                place.went_well();
                return Made::New(metadata);
            }
            Created::Exists => {
                place.went_well();
                return Made::Exists;
            }
            Created::Refused(words) if !may_have_landed => {
                place.went_well();
                return Made::Refused(words);
            }
            Created::Forbidden(words) if !may_have_landed => return Made::Forbidden(words),
            Created::Refused(words) | Created::Forbidden(words) => {
                last = Some(words);
                break;
            }
            Created::Busy { retry_after, words } => {
                place.was_pushed_back(retry_after);
                last = Some(words);
            }
            Created::Unsure(words) => {
                place.was_pushed_back(None);
                may_have_landed = true;
                last = Some(words);
            }
        }
    }
    Made::Not { words: last, may_have_landed }
}

/// Creates what a service has beside its first pod, and marks that one. What can't be created ends the attempt.
async fn complete(inner: &Inner, order: &Order, plan: &pod::Plan, first: &Pod) {
    let Some(set) = &plan.set else { return };
    let attempt = order.attempt;
    let completed = match parts::complete(inner, order, plan, set, first).await {
        Ok(()) => settle::mark_whole(inner, first).await,
        Err(end) => {
            tracing::warn!(run.uuid = %attempt.run, reason = end.reason, "agent.service.incomplete: {}", end.message);
            settle::finish(inner, attempt, &end, None).await
        }
    };
    if let Err(error) = completed {
        // Unmarked, it is ended when its claim is over.
        tracing::warn!(run.uuid = %attempt.run, error = %crate::control::chain(&error), "agent.service.unmarked");
    }
}

/// Until when a create of this claim can still land, by the wall clock.
fn claim_over(inner: &Inner, order: &Order) -> Time {
    let left = order.create_by.since(inner.settings.uptime.now());
    inner.settings.clock.now().plus(left + inner.settings.create_grace())
}

fn trouble(order: &Order, source: io::Error) -> CreateError {
    let doing = format!("can't create the pod {}", names::pod_name(order.attempt));
    CreateError::Trouble { attempt: order.attempt, source: Trouble { doing, source } }
}

/// The attempt's objects that are there already, completed if they are not.
async fn existing(inner: &Inner, order: &Order, plan: &pod::Plan) -> Result<Option<Object>, CreateError> {
    let attempt = order.attempt;
    let found = inner.find(attempt).await.map_err(|source| CreateError::Trouble { attempt, source })?;
    let Some(pod) = found else { return Ok(None) };
    let object = noted(inner, order, &pod)?;
    let is_ending = pod.metadata.deletion_timestamp.is_some() || object.is_ended();
    if !is_ending && annotation(&pod, names::WHOLE).is_none() {
        complete(inner, order, plan, &pod).await;
    }
    Ok(Some(object))
}

fn noted(inner: &Inner, order: &Order, pod: &Pod) -> Result<Object, CreateError> {
    let agent = label(pod, names::AGENT).unwrap_or_default();
    let spec_hash = annotation(pod, names::SPEC_HASH).unwrap_or_default();
    let reading = status::read(pod, inner.settings.patience).filter(|reading| {
        (reading.object.attempt, agent, spec_hash) == (order.attempt, &order.agent, &order.spec_hash)
    });
    let Some(reading) = reading else {
        let found = format!("agent `{agent}`, spec `{spec_hash}`");
        return Err(CreateError::Foreign { attempt: order.attempt, found });
    };
    let mut object = reading.object.clone();
    // A look at all must not miss it before the watch has told of it.
    if label(pod, names::RELEASED).is_none() {
        inner.view.note(reading);
        // What its other pods are is known there, if it is.
        object = inner.view.get(order.attempt, inner.settings.clock.now()).unwrap_or(object);
    }
    Ok(object)
}
