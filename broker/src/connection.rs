//! The state of the connection, as others watch it, and the parts every transport shares.

use std::sync::{Mutex, MutexGuard, PoisonError};

use berth_broker_config::Topology;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::settings::Settings;

/// Whether the broker can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Connected now.
    pub up: bool,
    /// Counts the connections made: a change means that deliveries held before are void.
    pub generation: u64,
    /// Why it is not up.
    pub last_error: Option<String>,
    /// Why it takes no messages although it is up: it is short of memory or disk.
    pub alarm: Option<String>,
}

impl Connection {
    /// Why the broker can't be reached; none if it can.
    #[must_use]
    pub fn why_down(&self) -> Option<String> {
        (!self.up).then(|| self.last_error.clone().unwrap_or_else(|| "not connected yet".to_owned()))
    }
}

/// What a transport's client and all its background tasks share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) state: watch::Sender<Connection>,
    /// What was applied through this client, so that consumers can declare again what is missing.
    topology: Mutex<Topology>,
}

impl Core {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            state: watch::Sender::new(Connection::default()),
            topology: Mutex::default(),
        }
    }

    fn topology(&self) -> MutexGuard<'_, Topology> {
        self.topology.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remember(&self, topology: &Topology) {
        let mut known = self.topology();
        *known = std::mem::take(&mut *known).with(topology.clone());
    }

    pub(crate) fn forget_queue(&self, queue: &str) {
        let mut known = self.topology();
        known.queues.remove(queue);
        known.bindings.retain(|binding| binding.queue != queue);
    }

    /// What was applied for one queue; empty if nothing was.
    pub(crate) fn known(&self, queue: &str) -> Topology {
        self.topology().of_queue(queue)
    }

    /// Records that a connection is up, and says so once.
    pub(crate) fn set_up(&self) {
        let mut generation = 0;
        self.state.send_modify(|state| {
            generation = state.generation + 1;
            *state = Connection { up: true, generation, last_error: None, alarm: None };
        });
        tracing::info!(broker = %self.settings.shown(), generation, "broker.connected");
    }

    /// Records that there is no connection; logs when that, or its reason, is news.
    pub(crate) fn set_down(&self, why: &str) {
        let why = self.settings.redact(why);
        let news = self.state.send_if_modified(|state| {
            let news = state.up || state.last_error.as_deref() != Some(&why);
            state.up = false;
            state.last_error = Some(why.clone());
            state.alarm = None;
            news
        });
        if news && !self.stop.is_cancelled() {
            tracing::warn!(broker = %self.settings.shown(), error = %why, "broker.disconnected");
        }
    }

    /// Records that the broker takes no messages, or takes them again; logs it when that is news.
    pub(crate) fn set_alarm(&self, why: Option<&str>) {
        let why = why.map(|why| self.settings.redact(why));
        let news = self.state.send_if_modified(|state| {
            let news = state.alarm.is_some() != why.is_some();
            state.alarm.clone_from(&why);
            news
        });
        if !news {
            return;
        }
        let broker = self.settings.shown();
        match why {
            Some(reason) => tracing::warn!(%broker, %reason, "broker.blocked"),
            None => tracing::info!(%broker, "broker.unblocked"),
        }
    }

    pub(crate) fn not_connected(&self) -> crate::Error {
        if self.stop.is_cancelled() {
            return crate::Error::Closed;
        }
        crate::Error::NotConnected { last: self.state.borrow().last_error.clone() }
    }
}
