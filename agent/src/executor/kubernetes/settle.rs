//! How a pod is brought to its end and let go: stopped, given up, released, removed. Every change has the pod's own
//! UID as its condition, so that it never hits another one of the same name; and any replica may make it.

use std::collections::HashMap;
use std::time::Duration;

use berth_domain::lifecycle::{End, Outcome};
use berth_domain::protocol::AttemptRef;
use berth_domain::time::Time;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::json;

use super::super::{Release, Trouble};
use super::status::{self, Reading, annotation, label};
use super::transfer::COLLECTOR;
use super::{Inner, addresses, api, names, parts};
use crate::shim::exit;

/// How long an end is reported before it is let go because its namespace goes.
const REPORTED: Duration = Duration::from_secs(5);

/// A pod that is deleted with no grace at all is gone for Kubernetes before its containers are.
const LEAST_GRACE: Duration = Duration::from_secs(1);

/// Where one pod is.
pub(super) struct Place {
    api: Api<Pod>,
    name: String,
    uid: String,
}

impl Place {
    pub(super) fn of(inner: &Inner, pod: &Pod) -> Option<Self> {
        let namespace = pod.metadata.namespace.as_deref()?;
        let (name, uid) = (pod.metadata.name.clone()?, pod.metadata.uid.clone()?);
        Some(Self { api: api::pods(&inner.client, namespace), name, uid })
    }

    /// Changes it; true if it is still there.
    async fn patch(&self, patch: Patch<serde_json::Value>) -> Result<bool, Trouble> {
        let params = PatchParams::default();
        let patched = self.api.patch_metadata(&self.name, &params, &patch);
        gone_is_none(self, "change", patched).await
    }

    pub(super) async fn delete(&self, grace: Option<Duration>) -> Result<bool, Trouble> {
        let seconds = |grace: Duration| u32::try_from(grace.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX);
        let params = DeleteParams {
            grace_period_seconds: grace.map(seconds),
            preconditions: Some(Preconditions { uid: Some(self.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        gone_is_none(self, "delete", self.api.delete(&self.name, &params)).await
    }

    /// Writes down how it ends, once, and has Kubernetes end it.
    pub(super) async fn end(&self, pod: &Pod, end: &End, grace: Option<Duration>) -> Result<(), Trouble> {
        if annotation(pod, names::VERDICT).is_none() {
            let verdict = json!(end).to_string();
            let patch = json!({"metadata": {"uid": self.uid, "annotations": {names::VERDICT: verdict}}});
            if !self.patch(Patch::Merge(patch)).await? {
                return Ok(());
            }
        }
        if pod.metadata.deletion_timestamp.is_none() || grace.is_some() {
            self.delete(grace).await?;
        }
        Ok(())
    }

    /// Takes the finalizer off, and says that the end was taken in.
    pub(super) async fn let_go(&self) -> Result<(), Trouble> {
        let patch = json!({"metadata": {
            "uid": self.uid,
            "labels": {names::RELEASED: "true"},
            "$deleteFromPrimitiveList/finalizers": [names::FINALIZER],
        }});
        self.patch(Patch::Strategic(patch)).await?;
        Ok(())
    }
}

/// Makes a change to a pod that may be gone, or be another by now; false if it is.
async fn gone_is_none<T>(
    place: &Place,
    what: &str,
    work: impl Future<Output = kube::Result<T>>,
) -> Result<bool, Trouble> {
    let work = async {
        match work.await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    };
    let doing = || format!("can't {what} the pod {}", place.name);
    Ok(api::call(doing, work).await?.unwrap_or(false))
}

/// An attempt, if it is this agent's: its first pod, and what all of its pods together mean.
async fn ours(inner: &Inner, attempt: AttemptRef) -> Result<Option<(Pod, Place, Reading)>, Trouble> {
    let found = inner.ours(attempt).await?;
    Ok(found.and_then(|(pod, reading)| {
        let place = Place::of(inner, &pod)?;
        Some((pod, place, reading))
    }))
}

/// Says on a service's first pod that all of its objects were created.
pub(super) async fn mark_whole(inner: &Inner, first: &Pod) -> Result<(), Trouble> {
    let Some(place) = Place::of(inner, first) else { return Ok(()) };
    let patch = json!({"metadata": {"uid": place.uid, "annotations": {names::WHOLE: "true"}}});
    place.patch(Patch::Merge(patch)).await?;
    Ok(())
}

/// Has an attempt's pod ended because somebody asked for it.
pub(super) async fn stop(inner: &Inner, attempt: AttemptRef, grace: Option<Duration>) -> Result<(), Trouble> {
    let end = End {
        outcome: Outcome::Stopped,
        exit_code: None,
        reason: "Stopped".to_owned(),
        message: "Ended because a stop was asked for".to_owned(),
    };
    finish(inner, attempt, &end, grace).await
}

/// Has the pods ended that may be replaced: their agent has been without a lease for too long. One that can't be ended
/// saves no other, and the first trouble is told.
pub(super) async fn fence(inner: &Inner, grace: Duration) -> Result<(), Trouble> {
    let mut trouble = None;
    for namespace in &inner.namespaces {
        let mut pods = Vec::new();
        let selector = names::replaceable(&inner.settings.agent);
        if let Err(error) = inner.each_pod(namespace, &selector, |pod| pods.push(pod)).await {
            trouble.get_or_insert(error);
        }
        for pod in pods {
            let has_ended =
                status::read(&pod, inner.settings.patience).is_none_or(|one| one.object.is_ended());
            if has_ended {
                continue;
            }
            let Some(place) = Place::of(inner, &pod) else { continue };
            if let Err(error) = place.end(&pod, &exit::fenced(), Some(grace.max(LEAST_GRACE))).await {
                trouble.get_or_insert(error);
            }
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// Has an attempt's objects ended as `end` says, unless it has ended.
pub(super) async fn finish(
    inner: &Inner,
    attempt: AttemptRef,
    end: &End,
    grace: Option<Duration>,
) -> Result<(), Trouble> {
    let Some((pod, place, reading)) = ours(inner, attempt).await? else { return Ok(()) };
    let has_ended = status::read(&pod, inner.settings.patience).is_some_and(|one| one.object.is_ended());
    if !has_ended {
        place.end(&pod, end, grace.or_else(|| own_grace(inner, &pod))).await?;
    }
    // After the first: whatever ends before it would be taken for why all ends.
    if reading.object.is_ended() { Ok(()) } else { parts::end(inner, &reading).await }
}

/// The executor's grace, where Kubernetes would wait longer for what a run has left to be collected.
fn own_grace(inner: &Inner, pod: &Pod) -> Option<Duration> {
    let steps = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let collects = steps.into_iter().any(|container| container.name == COLLECTOR);
    collects.then(|| inner.settings.grace.max(LEAST_GRACE))
}

/// Lets go of a pod whose end was taken in, unless a create of its claim may still come.
pub(super) async fn release(inner: &Inner, attempt: AttemptRef) -> Result<Release, Trouble> {
    let Some((pod, place, reading)) = ours(inner, attempt).await? else {
        return Ok(Release::Done);
    };
    let now = inner.settings.clock.now();
    if !reading.object.is_ended() {
        return Ok(Release::NotYet);
    }
    let is_released = label(&pod, names::RELEASED).is_some();
    let over = claim_over(&pod);
    if !is_released && now < over {
        return Ok(Release::NotBefore(over));
    }
    if !is_released && !parts::clear(inner, &reading).await? {
        return Ok(Release::NotYet);
    }
    if now >= reading.object.at.plus(keep(&pod)) {
        // While its finalizer still holds it: whatever goes wrong between the two, it is found again.
        place.delete(Some(Duration::ZERO)).await?;
    }
    if !is_released {
        place.let_go().await?;
    }
    inner.view.forget(attempt, &reading.object.uid);
    Ok(Release::Done)
}

/// Until when a create of the same attempt can still come.
pub(super) fn claim_over(pod: &Pod) -> Time {
    let written = annotation(pod, names::CLAIM_OVER).and_then(|text| Time::parse(text).ok());
    written.unwrap_or(Time::from_micros(0))
}

/// For how long a pod stays after its end.
fn keep(pod: &Pod) -> Duration {
    let seconds = annotation(pod, names::KEEP).and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// Removes released pods whose time is over.
pub(super) async fn tidy(inner: &Inner) -> Result<(), Trouble> {
    let now = inner.settings.clock.now();
    for namespace in &inner.namespaces {
        let mut due = Vec::new();
        let selector = names::released(&inner.settings.agent);
        inner
            .each_pod(namespace, &selector, |pod| {
                let ended = status::read(&pod, inner.settings.patience).map(|reading| reading.object.at);
                if ended.is_none_or(|at| now >= at.plus(keep(&pod))) {
                    due.extend(Place::of(inner, &pod));
                }
            })
            .await?;
        for place in due {
            place.delete(Some(Duration::ZERO)).await?;
        }
    }
    parts::tidy(inner).await
}

/// Gives up what won't heal, and lets go of what would keep a namespace from being deleted.
pub(super) async fn settle(inner: &Inner) {
    let now = inner.settings.clock.now();
    for (attempt, doom) in inner.view.doomed(now) {
        tracing::info!(run.uuid = %attempt.run, reason = doom.end.reason, "agent.pod.given_up: {}", doom.end.message);
        if let Err(error) = give_up(inner, attempt).await {
            tracing::warn!(run.uuid = %attempt.run, error = %crate::control::chain(&error), "agent.pod.give_up_failed");
        }
    }
    for attempt in inner.view.remains() {
        if let Err(error) = end_the_rest(inner, attempt).await {
            tracing::warn!(run.uuid = %attempt.run, error = %crate::control::chain(&error), "agent.service.end_failed");
        }
    }
    if let Err(error) = addresses::restore(inner).await {
        tracing::warn!(error = %crate::control::chain(&error), "agent.service.restore_failed");
    }
    let mut going = HashMap::new();
    for reading in inner.view.ended_by_deletion(now) {
        if now.since(reading.object.at) < REPORTED {
            continue;
        }
        let is_going = match going.get(&reading.namespace) {
            Some(is_going) => *is_going,
            None => {
                let is_going = is_going(inner, &reading.namespace).await;
                going.insert(reading.namespace.clone(), is_going);
                is_going
            }
        };
        if is_going && let Err(error) = let_go(inner, reading.object.attempt).await {
            tracing::warn!(error = %crate::control::chain(&error), "agent.pod.release_failed");
        }
    }
}

/// Ends a pod that won't heal, if a look made now says so too.
async fn give_up(inner: &Inner, attempt: AttemptRef) -> Result<(), Trouble> {
    let Some((pod, place, reading)) = ours(inner, attempt).await? else { return Ok(()) };
    let due = inner.settings.clock.now();
    match reading.doom.clone().filter(|doom| doom.due <= due) {
        Some(doom) => {
            place.end(&pod, &doom.end, own_grace(inner, &pod)).await?;
            parts::end(inner, &reading).await
        }
        None => Ok(()),
    }
}

/// Ends what is left alive of an attempt whose first pod ends or has ended.
async fn end_the_rest(inner: &Inner, attempt: AttemptRef) -> Result<(), Trouble> {
    match ours(inner, attempt).await? {
        Some((_, _, reading)) if reading.is_terminating => parts::end(inner, &reading).await,
        _ => Ok(()),
    }
}

async fn let_go(inner: &Inner, attempt: AttemptRef) -> Result<(), Trouble> {
    match ours(inner, attempt).await? {
        Some((_, place, _)) => place.let_go().await,
        None => Ok(()),
    }
}

/// Whether a namespace is being deleted. What can't be looked at is not.
pub(super) async fn is_going(inner: &Inner, name: &str) -> bool {
    let api: Api<Namespace> = Api::all(inner.client.clone());
    let found = api::call(|| format!("can't look at the namespace {name}"), api.get(name)).await;
    matches!(found, Ok(Some(namespace)) if namespace.metadata.deletion_timestamp.is_some())
}
