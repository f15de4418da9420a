//! What a service has beside its first pod, on the API server: found by its labels, created after that one and marked
//! on it, and removed before it is let go. Every removal has the object's own UID as its condition.

use std::collections::BTreeMap;
use std::fmt::Debug;

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::AttemptRef;
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{Order, Trouble};
use super::create::{self, Made};
use super::set::Place;
use super::status::{self, Reading};
use super::{Inner, api, names, pod, service};

/// How many of a service's objects are created at once.
const AT_ONCE: usize = 16;

/// The further pods of the attempt that `first` stands for, by a look made now.
pub(super) async fn read(inner: &Inner, first: &Reading) -> Result<BTreeMap<u32, Reading>, Trouble> {
    let mut parts = BTreeMap::new();
    let Some(Place::First { pods: 2.., .. }) = first.member.as_deref().map(|member| &member.place) else {
        return Ok(parts);
    };
    let selector = names::parts(&inner.settings.agent, first.object.attempt);
    inner
        .each_pod(&first.namespace, &selector, |pod| {
            let reading = status::read(&pod, inner.settings.patience);
            parts.extend(reading.and_then(|reading| Some((reading.part()?, reading))));
        })
        .await?;
    Ok(parts)
}

/// Creates what belongs to a service beside `first`, its first pod. What can't be created ends it, as is returned.
pub(super) async fn complete(
    inner: &Inner,
    order: &Order,
    plan: &pod::Plan,
    set: &service::Set,
    first: &Pod,
) -> Result<(), End> {
    let uid = first.metadata.uid.as_deref().unwrap_or_default();
    let service = service::owned(set.service.clone(), &plan.pod, uid);
    one::<Service>(inner, order, &plan.namespace, &service, uid).await?;
    stream::iter(1..set.pods)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |index| {
            let part = service::part(&plan.pod, index, uid);
            one::<Pod>(inner, order, &plan.namespace, &part, uid).await
        })
        .await
}

/// Creates one object that the pod of the UID `owner` owns, or finds it created already.
async fn one<K>(inner: &Inner, order: &Order, namespace: &str, object: &Value, owner: &str) -> Result<(), End>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let failed = |class, reason: &str, message| End {
        outcome: Outcome::Failed(class),
        exit_code: None,
        reason: reason.to_owned(),
        message,
    };
    let incomplete = |words: String| {
        let message = format!("Not all of its objects could be created: {words}");
        failed(FailureClass::NodeLost, "Incomplete", message)
    };
    match create::ask::<K>(inner, order, namespace, object, None).await {
        Made::New(_) => Ok(()),
        Made::Refused(words) | Made::Forbidden(words) => Err(failed(FailureClass::Config, "Refused", words)),
        Made::Not { words, .. } => Err(incomplete(words.unwrap_or_else(|| "its claim was over".to_owned()))),
        Made::Exists => {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let api: Api<K> = Api::namespaced(inner.client.clone(), namespace);
            let doing = || format!("can't look at {namespace}/{name}");
            match api::call(doing, api.get(name)).await {
                // It has the attempt's agent and spec if it has its first pod as owner: that was compared.
                Ok(Some(found)) if found.owner_references().iter().any(|one| one.uid == owner) => Ok(()),
                Ok(Some(_)) => {
                    let message = format!("{namespace}/{name} is there, and is not this attempt's");
                    Err(failed(FailureClass::Config, "NameTaken", message))
                }
                Ok(None) => Err(incomplete(format!("{namespace}/{name} was removed meanwhile"))),
                Err(error) => Err(incomplete(crate::control::chain(&error))),
            }
        }
    }
}

/// Has what a service has beside its first pod ended: its address goes, and pods that are alive are asked to end.
pub(super) async fn end(inner: &Inner, first: &Reading) -> Result<(), Trouble> {
    if first.member.is_none() {
        return Ok(());
    }
    remove_services(inner, &first.namespace, first.object.attempt).await?;
    let parts = read(inner, first).await?;
    let alive = parts.into_values().filter(|part| !part.is_terminating && !part.object.is_ended());
    stream::iter(alive)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |part| remove(inner, &part).await)
        .await
}

/// Removes all that a service has beside its first pod; true if nothing is left.
pub(super) async fn clear(inner: &Inner, first: &Reading) -> Result<bool, Trouble> {
    if first.member.is_none() {
        return Ok(true);
    }
    remove_services(inner, &first.namespace, first.object.attempt).await?;
    let parts = read(inner, first).await?;
    let is_clear = parts.is_empty();
    let there = parts.into_values().filter(|part| !part.is_terminating || part.object.is_ended());
    stream::iter(there)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |part| remove(inner, &part).await)
        .await?;
    Ok(is_clear)
}

async fn remove(inner: &Inner, part: &Reading) -> Result<(), Trouble> {
    let name = names::part_name(&names::pod_name(part.object.attempt), part.part().unwrap_or_default());
    delete(&api::pods(&inner.client, &part.namespace), &name, &part.object.uid).await
}

async fn remove_services(inner: &Inner, namespace: &str, attempt: AttemptRef) -> Result<(), Trouble> {
    let selector = names::of_attempt(&inner.settings.agent, attempt);
    for service in services(inner, namespace, &selector).await? {
        delete_service(inner, namespace, &service).await?;
    }
    Ok(())
}

/// The Services of Kubernetes that a selector selects.
pub(super) async fn services(
    inner: &Inner,
    namespace: &str,
    selector: &str,
) -> Result<Vec<Service>, Trouble> {
    let api: Api<Service> = Api::namespaced(inner.client.clone(), namespace);
    let doing = || format!("can't list the services in the namespace {namespace}");
    let params = ListParams::default().labels(selector);
    Ok(api::call(doing, api.list(&params)).await?.map(|list| list.items).unwrap_or_default())
}

async fn delete_service(inner: &Inner, namespace: &str, service: &Service) -> Result<(), Trouble> {
    let api: Api<Service> = Api::namespaced(inner.client.clone(), namespace);
    delete(&api, &service.name_any(), &service.uid().unwrap_or_default()).await
}

/// Deletes the object of that name, if it is still this one.
async fn delete<K>(api: &Api<K>, name: &str, uid: &str) -> Result<(), Trouble>
where
    K: Clone + DeserializeOwned + Debug,
{
    let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let work = async {
        match api.delete(name, &params).await {
            // Another one by now.
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
            other => other.map(drop),
        }
    };
    api::call(|| format!("can't delete {name}"), work).await.map(drop)
}

/// Removes what belongs to attempts whose first pods are gone. Kubernetes does so too, unless it was told otherwise.
pub(super) async fn tidy(inner: &Inner) -> Result<(), Trouble> {
    let agent = &inner.settings.agent;
    for namespace in &inner.namespaces {
        let mut parts = Vec::new();
        let read = |pod: Pod| parts.extend(status::read(&pod, inner.settings.patience));
        inner.each_pod(namespace, &names::all_parts(agent), read).await?;
        for part in parts {
            if is_orphaned(inner, namespace, part.object.attempt).await? {
                remove(inner, &part).await?;
            }
        }
        let selector = names::services(agent);
        for service in services(inner, namespace, &selector).await? {
            let Some(attempt) = names::attempt_of(&service.name_any()) else { continue };
            if is_orphaned(inner, namespace, attempt).await? {
                delete_service(inner, namespace, &service).await?;
            }
        }
    }
    Ok(())
}

/// Whether the first pod of an attempt is gone. It is created before the others, and goes after them.
async fn is_orphaned(inner: &Inner, namespace: &str, attempt: AttemptRef) -> Result<bool, Trouble> {
    if inner.view.namespace(attempt).is_some() {
        return Ok(false);
    }
    let name = names::pod_name(attempt);
    let api = api::pods(&inner.client, namespace);
    Ok(api::call(|| format!("can't look at the pod {namespace}/{name}"), api.get(&name)).await?.is_none())
}
