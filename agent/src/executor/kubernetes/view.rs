//! What the watch said last of each pod: where a look at all comes from while it is whole. A few hundred bytes a pod.
//!
//! It is never believed when something is missing: absence is asked of the API server.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use berth_domain::protocol::AttemptRef;
use berth_domain::time::Time;

use super::super::Object;
use super::service::Cull;
use super::set::Sets;
use super::status::{Doom, Patience, Reading};

/// The pods of an agent, as far as they were seen.
#[derive(Debug)]
pub(super) struct View {
    patience: Patience,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    pods: Sets,
    /// The namespaces of which all was seen.
    whole: HashSet<String>,
}

impl View {
    /// Nothing was seen yet.
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a pod was found. What was seen of the same pod at a higher rank stays.
    pub(super) fn note(&self, reading: Reading) {
        self.seen().pods.note(reading);
    }

    /// Forgets a pod that is gone, or was released.
    pub(super) fn forget(&self, attempt: AttemptRef, uid: &str) {
        self.seen().pods.forget(attempt, uid);
    }

    /// All there is in a namespace.
    pub(super) fn replace(&self, namespace: &str, all: Vec<Reading>) {
        let mut seen = self.seen();
        seen.pods.clear(namespace);
        all.into_iter().for_each(|reading| seen.pods.note(reading));
        seen.whole.insert(namespace.to_owned());
    }

    /// Where an attempt stands.
    pub(super) fn get(&self, attempt: AttemptRef, now: Time) -> Option<Object> {
        self.seen().pods.get(attempt, now, self.patience).map(|reading| reading.object)
    }

    /// All objects in these namespaces; none if not all was seen.
    pub(super) fn all(&self, namespaces: &[String], now: Time) -> Option<Vec<Object>> {
        let seen = self.seen();
        let is_whole = namespaces.iter().all(|namespace| seen.whole.contains(namespace));
        is_whole.then(|| seen.pods.objects(now, self.patience))
    }

    /// What is to be given up by `now`.
    pub(super) fn doomed(&self, now: Time) -> Vec<(AttemptRef, Doom)> {
        self.seen().pods.doomed(now, self.patience)
    }

    /// Attempts that are ending, of which some pods were not asked to end.
    pub(super) fn remains(&self) -> Vec<AttemptRef> {
        self.seen().pods.remains()
    }

    /// The services that run and may be idle for too long: how that is seen, and where.
    pub(super) fn culled(&self, now: Time) -> Vec<(Object, Cull, Vec<String>)> {
        self.seen().pods.culled(now, self.patience)
    }

    /// The first pods of services that were created whole and are not ending.
    pub(super) fn standing(&self, now: Time) -> Vec<Reading> {
        let seen = self.seen();
        let all = seen.pods.all(now, self.patience);
        all.filter(|one| one.is_whole() && !one.is_terminating && !one.object.is_ended()).collect()
    }

    /// What has ended while it was being deleted: its namespace may be going.
    pub(super) fn ended_by_deletion(&self, now: Time) -> Vec<Reading> {
        let seen = self.seen();
        let all = seen.pods.all(now, self.patience);
        all.filter(|one| one.is_terminating && one.object.is_ended()).collect()
    }

    /// Where a pod was seen.
    pub(super) fn namespace(&self, attempt: AttemptRef) -> Option<String> {
        self.seen().pods.namespace(attempt).map(str::to_owned)
    }
}
