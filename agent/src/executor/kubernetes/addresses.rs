//! The address of a service, its Service of Kubernetes: made anew when somebody has removed it, while its pods live.
//!
//! It is made from the first pod alone, as it was at first. A Service that was changed stays as it was changed.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use berth_domain::protocol::AttemptRef;
use k8s_openapi::api::core::v1::Service;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::Instant;

use super::super::Trouble;
use super::status::{Reading, annotation};
use super::{Inner, api, names, parts, service};

/// How often they are looked for, while any service lives. Less often, and a service is unreachable for longer.
const LOOK: Duration = Duration::from_secs(10);

/// When they were looked for last.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<Instant>>);

impl Looked {
    /// Whether it is time again; if so it was now.
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|at| at.elapsed() >= LOOK);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// Makes those anew that are gone.
pub(super) async fn restore(inner: &Inner) -> Result<(), Trouble> {
    // Seen whole before one looks, so that what isn't found then was there and is gone.
    let mut standing = inner.view.standing(inner.settings.clock.now());
    if standing.is_empty() || !inner.addresses.is_due() {
        return Ok(());
    }
    for namespace in &inner.namespaces {
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            standing.into_iter().partition(|first| first.namespace == *namespace);
        standing = elsewhere;
        if here.is_empty() {
            continue;
        }
        let services = parts::services(inner, namespace, &names::services(&inner.settings.agent)).await?;
        let there: HashSet<AttemptRef> =
            services.iter().filter_map(|service| names::attempt_of(&service.name_any())).collect();
        for first in here.iter().filter(|first| !there.contains(&first.object.attempt)) {
            make(inner, first).await?;
        }
    }
    Ok(())
}

/// Makes the Service of the attempt that `first` stands for, if a look made now says that it still stands.
async fn make(inner: &Inner, first: &Reading) -> Result<(), Trouble> {
    let attempt = first.object.attempt;
    let Some((pod, now)) = inner.ours(attempt).await? else { return Ok(()) };
    let is_ending = now.is_terminating || now.object.is_ended() || annotation(&pod, names::VERDICT).is_some();
    // A pod of an earlier release doesn't say by which ports it is reached.
    let is_told = annotation(&pod, names::PORTS).is_some();
    if is_ending || !is_told || now.object.uid != first.object.uid {
        return Ok(());
    }
    let doing = || format!("can't make the Service of the run {} anew", attempt.run);
    let pod = json!(pod);
    let service = service::owned(service::address(&pod), &pod, &now.object.uid);
    let service: Service =
        serde_json::from_value(service).map_err(|error| api::failed(doing(), error.into()))?;
    let services: Api<Service> = Api::namespaced(inner.client.clone(), &first.namespace);
    let work = async {
        match services.create(&PostParams::default(), &service).await {
            // Another replica was faster.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(false),
            other => other.map(|_| true),
        }
    };
    if api::call(doing, work).await? == Some(true) {
        tracing::warn!(run.uuid = %attempt.run, "agent.service.restored: somebody had removed its Service");
    }
    Ok(())
}
