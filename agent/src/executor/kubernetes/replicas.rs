//! Which replicas of an agent live: each keeps a Kubernetes Lease of its own in the agent's first namespace. What a
//! dead one created is reported by the others.
//!
//! Nothing but that hangs on these Leases: a clock that is wrong makes a report double, or late by seconds.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use berth_domain::time::Time;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::Instant;

use super::super::Trouble;
use super::{Inner, api, names, status};

/// How long a replica lives on after its last sign of life.
const ALIVE: Duration = Duration::from_secs(15);
/// How often it gives one.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(4);
/// How long replicas create nothing after they were last told that their agent is being drained: longer than it takes
/// to remove them afterwards, and not so long that an agent that is installed again has to wait.
const DRAINING: Duration = Duration::from_secs(60);
/// How long an answer to who lives is good for: it is asked for with every batch of changes.
const FRESH: Duration = Duration::from_secs(2);
/// How long a Lease of the dead is kept.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// Who lived when it was last asked.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<(Instant, Vec<String>)>>);

impl Known {
    fn fresh(&self) -> Option<Vec<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, replicas)| replicas.clone())
    }

    fn note(&self, replicas: &[String]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), replicas.to_vec()));
    }
}

fn leases(client: &Client, namespace: &str) -> Api<Lease> {
    Api::namespaced(client.clone(), namespace)
}

fn name(agent: &str, replica: &str) -> String {
    format!("berth-agent-{agent}-{replica}")
}

/// Says that `replica` lives, for as long as this is awaited, and hears whether the agent is being drained.
pub(super) async fn keep_alive(inner: &Inner, replica: &str) {
    let mut last = String::new();
    loop {
        let heard = async {
            renew(inner, replica).await?;
            is_draining(inner).await
        };
        match heard.await {
            Ok(draining) => {
                last.clear();
                if inner.draining.swap(draining, Ordering::Relaxed) != draining {
                    tracing::warn!(draining, "agent.draining: nothing is created while it is");
                }
            }
            Err(error) => {
                let words = crate::control::chain(&error);
                if words != last {
                    tracing::warn!(
                        error = words,
                        "agent.replica.unlisted: the others may report what is ours"
                    );
                    last = words;
                }
            }
        }
        tokio::time::sleep(SIGN_OF_LIFE).await;
    }
}

async fn renew(inner: &Inner, replica: &str) -> Result<(), Trouble> {
    let agent = &inner.settings.agent;
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name(agent, replica),
            "labels": {names::MANAGED_BY: names::BERTH, names::AGENT: agent},
        },
        "spec": {
            "holderIdentity": replica,
            "leaseDurationSeconds": ALIVE.as_secs(),
            "renewTime": inner.settings.clock.now(),
        },
    });
    let api = leases(&inner.client, inner.first_namespace());
    let params = PatchParams::apply("berth").force();
    let name = name(agent, replica);
    let patch = Patch::Apply(&lease);
    api::call(|| format!("can't keep the Lease {name}"), api.patch(&name, &params, &patch)).await?;
    Ok(())
}

/// The Lease that says that an agent is being drained. It has no holder: it is no replica's.
fn drain_name(agent: &str) -> String {
    format!("berth-drain-{agent}")
}

/// Has the replicas create nothing more, for [`DRAINING`]; to be said again before that is over.
pub(super) async fn say_draining(inner: &Inner) -> Result<(), Trouble> {
    let agent = &inner.settings.agent;
    let name = drain_name(agent);
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "labels": {names::MANAGED_BY: names::BERTH, names::AGENT: agent}},
        "spec": {"leaseDurationSeconds": DRAINING.as_secs(), "renewTime": inner.settings.clock.now()},
    });
    let api = leases(&inner.client, inner.first_namespace());
    let params = PatchParams::apply("berth").force();
    let patch = Patch::Apply(&lease);
    api::call(|| format!("can't keep the Lease {name}"), api.patch(&name, &params, &patch)).await?;
    Ok(())
}

async fn is_draining(inner: &Inner) -> Result<bool, Trouble> {
    let api = leases(&inner.client, inner.first_namespace());
    let name = drain_name(&inner.settings.agent);
    let found = api::call(|| format!("can't look at the Lease {name}"), api.get(&name)).await?;
    let now = inner.settings.clock.now();
    Ok(found.as_ref().and_then(last_sign).is_some_and(|at| now.since(at) <= DRAINING))
}

/// Takes a replica's sign of life away.
pub(super) async fn resign(inner: &Inner, replica: &str) -> Result<(), Trouble> {
    remove(inner, &name(&inner.settings.agent, replica)).await
}

async fn remove(inner: &Inner, name: &str) -> Result<(), Trouble> {
    let api = leases(&inner.client, inner.first_namespace());
    api::call(|| format!("can't delete the Lease {name}"), api.delete(name, &DeleteParams::default()))
        .await?;
    Ok(())
}

/// The replicas that live.
pub(super) async fn alive(inner: &Inner) -> Result<Vec<String>, Trouble> {
    if let Some(known) = inner.replicas.fresh() {
        return Ok(known);
    }
    let now = inner.settings.clock.now();
    let alive: Vec<String> = list(inner)
        .await?
        .into_iter()
        .filter(|lease| last_sign(lease).is_some_and(|at| now.since(at) <= ALIVE))
        .filter_map(|lease| lease.spec?.holder_identity)
        .collect();
    inner.replicas.note(&alive);
    Ok(alive)
}

async fn list(inner: &Inner) -> Result<Vec<Lease>, Trouble> {
    let selector =
        format!("{}={},{}={}", names::MANAGED_BY, names::BERTH, names::AGENT, inner.settings.agent);
    let api = leases(&inner.client, inner.first_namespace());
    let params = ListParams::default().labels(&selector);
    let found = api::call(|| "can't list the Leases of the replicas".to_owned(), api.list(&params)).await?;
    Ok(found.map(|list| list.items).unwrap_or_default())
}

fn last_sign(lease: &Lease) -> Option<Time> {
    let renewed = lease.spec.as_ref()?.renew_time.as_ref()?;
    Some(Time::from_micros(renewed.0.as_microsecond()))
}

/// Removes the Leases of replicas that have been dead for long.
pub(super) async fn tidy(inner: &Inner) -> Result<(), Trouble> {
    let now = inner.settings.clock.now();
    for lease in list(inner).await? {
        let created = lease.metadata.creation_timestamp.as_ref().map(status::time);
        let Some(last) = last_sign(&lease).or(created) else { continue };
        if now.since(last) > KEPT
            && let Some(name) = lease.metadata.name
        {
            remove(inner, &name).await?;
        }
    }
    Ok(())
}
