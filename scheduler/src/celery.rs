//! The facade: what Celery's own tools see of Berth. On behalf of every replica of every agent it sends a worker's
//! events and answers a worker's remote control, from the store; agents have no part in it.
//!
//! Source: Celery 5.4 to 5.7, `celery.worker.control`, `celery.events` and `kombu.pidbox`, checked against captures.
//! What is lost here (a scheduler dies with an event unsent) costs a monitor a line; no run depends on it.

mod change;
mod commands;
mod events;
mod inspect;
mod nodes;
mod results;
mod speaker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use berth_broker::Broker;
use berth_broker::celery::control::NAMESPACE;
use berth_broker::settings::Place;

use crate::context::Context;

/// What Celery's tools may do and see.
#[derive(Debug, Clone)]
pub struct CelerySettings {
    /// What their remote control may do.
    pub control: Control,
    /// The namespaces (`control_exchange`) whose commands may change something, where any may. A broker's rights
    /// say who may write to which.
    pub principals: BTreeSet<String>,
    /// When events of runs are sent.
    pub events: EventsWhen,
    /// Whose tasks are taken for submissions: accounts, by whose name their queue is called, and their organizations.
    pub submitters: BTreeMap<String, String>,
    /// A Redis that results are stored on; none: callers get theirs by `rpc://` only.
    pub results: Option<Broker>,
    /// Where the broker is, for `celery inspect stats`.
    pub broker: Place,
}

/// What remote control may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// It is not answered.
    Off,
    /// It may look.
    Inspect,
    /// It may change things, too, if it comes from an allowed principal.
    All,
}

/// When events of runs are sent. Workers' heartbeats are sent unless it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsWhen {
    /// Never.
    Off,
    /// From when somebody asked for them (`enable_events`) until somebody asked for an end.
    OnDemand,
    /// Always.
    Always,
}

impl CelerySettings {
    /// The namespaces that are listened to.
    fn namespaces(&self) -> BTreeSet<String> {
        if self.control == Control::Off {
            return BTreeSet::new();
        }
        self.principals.iter().cloned().chain([NAMESPACE.to_owned()]).collect()
    }
}

/// A Lamport clock, which events and replies carry.
#[derive(Debug, Default)]
pub(crate) struct Lamport(AtomicU64);

impl Lamport {
    /// The next moment.
    pub(crate) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Somebody else's moment was heard of.
    fn saw(&self, other: u64) {
        self.0.fetch_max(other, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Starts the facade's loops, where a tool of Celery's could reach it.
pub(crate) fn start(context: &Context) {
    if !context.broker.has_celery() {
        return;
    }
    for namespace in context.celery.namespaces() {
        context.tracker.spawn(commands::answer_forever(context.clone(), namespace));
    }
    if context.celery.events != EventsWhen::Off {
        context.tracker.spawn(speaker::speak_forever(context.clone()));
    }
    context.tracker.spawn(results::tell_forever(context.clone()));
}
