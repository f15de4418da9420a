//! What Kubernetes complains of about our pods: volumes that can't be mounted, images that can't be pulled, probes that
//! fail, nodes that don't fit. A pod's own status tells only some of it.
//!
//! Each complaint is told once and kept as a hash, for as long as its pod is seen. An agent without the right to watch
//! events does without.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use berth_domain::protocol::{AttemptRef, Phase};
use berth_domain::time::Time;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event as Change};

use super::super::Told;
use super::{Inner, names, status};

/// Which events are watched: what is normal is no news.
const FIELDS: &str = "involvedObject.kind=Pod,type!=Normal";
/// For how long the server keeps one watch, in seconds.
const WATCH_SECONDS: u32 = 60;
/// How many are listed at a time when a watch begins.
const PAGE: u32 = 200;
/// How much is told of one pod. The scheduler has a bound of its own; this one bounds memory.
const MAX_TOLD: usize = 32;
/// From how many pods on the gone ones are looked for.
const TIDY_FROM: usize = 1_024;

/// Events of the pods of a namespace.
pub(super) type Events = BoxStream<'static, watcher::Result<Change<Event>>>;

/// Watches the events of a namespace.
pub(super) fn watch(inner: &Inner, namespace: &str) -> Events {
    let config = watcher::Config::default().fields(FIELDS).timeout(WATCH_SECONDS).page_size(PAGE);
    let api: Api<Event> = Api::namespaced(inner.client.clone(), namespace);
    quietly(watcher::watcher(api, config).default_backoff(), namespace.to_owned()).boxed()
}

/// Says once, and again when it was whole, that events can't be watched.
fn quietly<S>(events: S, namespace: String) -> impl Stream<Item = S::Item>
where
    S: Stream<Item = watcher::Result<Change<Event>>>,
{
    let mut is_broken = false;
    events.inspect(move |event| match event {
        Ok(_) => is_broken = false,
        Err(error) if !std::mem::replace(&mut is_broken, true) => {
            let error = crate::control::chain(error);
            tracing::warn!(namespace, error, "agent.events.unseen: runs don't say why their pods are slow");
        }
        Err(_) => {}
    })
}

/// What was told of each pod.
#[derive(Debug, Default)]
pub(super) struct Known {
    told: HashMap<AttemptRef, Vec<u64>>,
}

impl Known {
    /// What is news in a change: something about a pod of ours that lives.
    pub(super) fn news(&mut self, inner: &Inner, change: Change<Event>) -> Option<Told> {
        let (Change::Apply(event) | Change::InitApply(event)) = change else { return None };
        let attempt = names::attempt_of(event.involved_object.name.as_deref()?)?;
        let object = inner.view.get(attempt, inner.settings.clock.now())?;
        if object.is_ended() || event.involved_object.uid.as_deref() != Some(object.uid.as_str()) {
            return None;
        }
        let at = at(&event)?;
        let reason = event.reason.filter(|reason| !reason.is_empty())?;
        let message = event.message.unwrap_or_default().trim().to_owned();
        // What the pod's own status said already.
        if matches!(&object.phase, Phase::Unschedulable { message: said } if *said == message) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (&reason, &message).hash(&mut hasher);
        let told = self.told.entry(attempt).or_default();
        let hash = hasher.finish();
        if told.len() >= MAX_TOLD || told.contains(&hash) {
            return None;
        }
        told.push(hash);
        if self.told.len() >= TIDY_FROM {
            let now = inner.settings.clock.now();
            self.told.retain(|attempt, _| inner.view.get(*attempt, now).is_some());
        }
        Some(Told { object, at, reason, message })
    }
}

/// When it happened last.
fn at(event: &Event) -> Option<Time> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let exact = series.or(event.event_time.as_ref()).map(|at| Time::from_micros(at.0.as_microsecond()));
    let created = || event.metadata.creation_timestamp.as_ref().map(status::time);
    event.last_timestamp.as_ref().map(status::time).or(exact).or_else(created)
}
