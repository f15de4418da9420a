//! Hears of changes: one watch per namespace, with bookmarks, and its beginning streamed where the server can. A watch
//! that drops, or is too old (410), begins anew by itself, ever less eagerly.
//!
//! Of each event only what was read from the pod is kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use berth_domain::protocol::AttemptRef;
use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::Event as Complaint;
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};

use super::super::{Hint, Object, Told, Trouble};
use super::lean::Seen;
use super::status::{self, Reading};
use super::{Inner, events, names};

/// For how long the server keeps one watch, in seconds. A connection that was dropped silently is noticed so late.
const WATCH_SECONDS: u32 = 60;
/// How many pods are listed at a time where the server can't stream.
const PAGE: u32 = 500;
/// How many events are taken together.
const BATCH: usize = 256;

type Events = BoxStream<'static, (usize, watcher::Result<Event<Seen>>)>;

/// A stream of hints from the namespaces of an agent.
pub struct Watch {
    inner: Arc<Inner>,
    streams: SelectAll<Events>,
    namespaces: Vec<Namespace>,
    complaints: SelectAll<events::Events>,
    known: events::Known,
}

struct Namespace {
    name: String,
    /// What was listed so far, while it is listed.
    listing: Vec<Reading>,
    /// What went wrong last, so that it is said once.
    broken: Option<String>,
    can_stream: bool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("namespaces", &self.namespaces.len()).finish_non_exhaustive()
    }
}

impl Watch {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        let namespaces: Vec<Namespace> = inner
            .namespaces
            .iter()
            .map(|name| Namespace { name: name.clone(), listing: Vec::new(), broken: None, can_stream: true })
            .collect();
        let mut streams = SelectAll::new();
        let mut complaints = SelectAll::new();
        for (at, namespace) in namespaces.iter().enumerate() {
            streams.push(pods(&inner, at, &namespace.name, true));
            complaints.push(events::watch(&inner, &namespace.name));
        }
        Self { inner, streams, namespaces, complaints, known: events::Known::default() }
    }

    /// Waits for the next change. Nothing is lost if the wait is given up.
    pub(crate) async fn next(&mut self) -> Result<Hint, Trouble> {
        loop {
            let first = tokio::select! {
                Some(first) = self.streams.next() => first,
                Some(complaint) = self.complaints.next() => {
                    let told = self.complained(complaint);
                    if told.is_empty() {
                        continue;
                    }
                    return Ok(Hint::Told(told));
                }
                else => return std::future::pending().await,
            };
            let mut news = HashMap::new();
            let mut all = self.take(first, &mut news);
            for _ in 0..BATCH {
                let Some(Some(event)) = self.streams.next().now_or_never() else { break };
                all |= self.take(event, &mut news);
            }
            if all {
                return Ok(Hint::All);
            }
            if !news.is_empty() {
                return Ok(Hint::Seen(news.into_values().collect()));
            }
        }
    }

    /// What is news in a complaint, and in those that came with it.
    fn complained(&mut self, first: watcher::Result<Event<Complaint>>) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        let mut next = Some(first);
        while let Some(complaint) = next {
            told.extend(complaint.ok().and_then(|complaint| self.known.news(&self.inner, complaint)));
            if told.len() >= BATCH {
                break;
            }
            next = self.complaints.next().now_or_never().flatten();
        }
        told
    }

    /// Takes an event in; true if all is to be looked at.
    fn take(
        &mut self,
        (at, event): (usize, watcher::Result<Event<Seen>>),
        news: &mut HashMap<AttemptRef, Object>,
    ) -> bool {
        let namespace = &mut self.namespaces[at];
        match event {
            Ok(event) => {
                if namespace.broken.take().is_some() {
                    tracing::info!(namespace = namespace.name, "agent.watch.whole again");
                }
                self.apply(at, event, news)
            }
            Err(error) => {
                self.fail(at, &error);
                false
            }
        }
    }

    fn apply(&mut self, at: usize, event: Event<Seen>, news: &mut HashMap<AttemptRef, Object>) -> bool {
        let inner = &self.inner;
        let namespace = &mut self.namespaces[at];
        match event {
            Event::Init => namespace.listing.clear(),
            Event::InitApply(Seen(pod)) => {
                namespace.listing.extend(status::read(&pod, inner.settings.patience));
            }
            Event::InitDone => {
                inner.view.replace(&namespace.name, std::mem::take(&mut namespace.listing));
                return true;
            }
            Event::Apply(Seen(pod)) => {
                if let Some(reading) = status::read(&pod, inner.settings.patience) {
                    let attempt = reading.object.attempt;
                    inner.view.note(reading);
                    news.extend(self.news(attempt));
                }
            }
            Event::Delete(Seen(pod)) => {
                if let Some(reading) = status::read(&pod, inner.settings.patience) {
                    news.remove(&reading.object.attempt);
                    inner.view.forget(reading.object.attempt, &reading.object.uid);
                    news.extend(self.news(reading.object.attempt));
                }
            }
        }
        false
    }

    /// Where an attempt stands now that something of it has changed.
    fn news(&self, attempt: AttemptRef) -> Option<(AttemptRef, Object)> {
        let object = self.inner.view.get(attempt, self.inner.settings.clock.now())?;
        Some((attempt, object))
    }

    fn fail(&mut self, at: usize, error: &watcher::Error) {
        let namespace = &mut self.namespaces[at];
        if namespace.can_stream && is_unstreamable(error) {
            namespace.can_stream = false;
            tracing::info!(namespace = namespace.name, "agent.watch.listed: the server can't stream lists");
            self.streams.push(pods(&self.inner, at, &namespace.name, false));
            return;
        }
        let words = crate::control::chain(error);
        if namespace.broken.as_ref() != Some(&words) {
            tracing::warn!(namespace = namespace.name, error = words, "agent.watch.broken: will try again");
            namespace.broken = Some(words);
        }
    }
}

fn pods(inner: &Inner, at: usize, namespace: &str, streaming: bool) -> Events {
    let mut config =
        watcher::Config::default().labels(&names::held(&inner.settings.agent)).timeout(WATCH_SECONDS);
    config = if streaming { config.streaming_lists() } else { config.page_size(PAGE) };
    let mut refused = false;
    watcher::watcher(Api::<Seen>::namespaced(inner.client.clone(), namespace), config)
        .default_backoff()
        .take_while(move |event| {
            let goes_on = !refused;
            refused = streaming && event.as_ref().is_err_and(is_unstreamable);
            std::future::ready(goes_on)
        })
        .map(move |event| (at, event))
        .boxed()
}

/// Whether the server refuses to begin a watch with all that there is.
fn is_unstreamable(error: &watcher::Error) -> bool {
    let (watcher::Error::WatchStartFailed(kube::Error::Api(status)) | watcher::Error::WatchError(status)) =
        error
    else {
        return false;
    };
    matches!(status.code, 400 | 422) && status.message.contains("sendInitialEvents")
}
