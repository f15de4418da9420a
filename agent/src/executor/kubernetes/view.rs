//! What the watch said last of each pod: where a look at all comes from while it is whole. A few hundred bytes a pod.
//!
//! It is never believed when something is missing: absence is asked of the API server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use berth_domain::protocol::AttemptRef;
use berth_domain::time::Time;

use super::super::Object;
use super::status::{Doom, Reading};

/// The pods of an agent, as far as they were seen.
#[derive(Debug, Default)]
pub(super) struct View {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    pods: HashMap<AttemptRef, Reading>,
    /// The namespaces of which all was seen.
    whole: HashSet<String>,
}

impl View {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a pod was found. What was seen of the same pod at a higher rank stays.
    pub(super) fn note(&self, reading: Reading) {
        let mut seen = self.seen();
        let known = seen.pods.get(&reading.object.attempt);
        let is_older = known.is_some_and(|known| {
            known.object.uid == reading.object.uid && known.object.rank > reading.object.rank
        });
        if !is_older {
            seen.pods.insert(reading.object.attempt, reading);
        }
    }

    /// Forgets a pod that is gone, or was released.
    pub(super) fn forget(&self, attempt: AttemptRef, uid: &str) {
        let mut seen = self.seen();
        if seen.pods.get(&attempt).is_some_and(|known| known.object.uid == uid) {
            seen.pods.remove(&attempt);
        }
    }

    /// All there is in a namespace.
    pub(super) fn replace(&self, namespace: &str, all: Vec<Reading>) {
        let mut seen = self.seen();
        seen.pods.retain(|_, known| known.namespace != namespace);
        seen.pods.extend(all.into_iter().map(|reading| (reading.object.attempt, reading)));
        seen.pods.shrink_to_fit();
        seen.whole.insert(namespace.to_owned());
    }

    /// All pods of these namespaces; none if not all was seen.
    pub(super) fn all(&self, namespaces: &[String]) -> Option<Vec<Object>> {
        let seen = self.seen();
        let is_whole = namespaces.iter().all(|namespace| seen.whole.contains(namespace));
        is_whole.then(|| seen.pods.values().map(|reading| reading.object.clone()).collect())
    }

    /// What is to be given up by `now`.
    pub(super) fn doomed(&self, now: Time) -> Vec<(AttemptRef, Doom)> {
        let seen = self.seen();
        let due =
            seen.pods.values().filter_map(|reading| Some((reading.object.attempt, reading.doom.clone()?)));
        due.filter(|(_, doom)| doom.due <= now).collect()
    }

    /// What has ended while it was being deleted: its namespace may be going.
    pub(super) fn ended_by_deletion(&self) -> Vec<Reading> {
        let seen = self.seen();
        seen.pods.values().filter(|one| one.is_terminating && one.object.is_ended()).cloned().collect()
    }

    /// Where a pod was seen.
    pub(super) fn namespace(&self, attempt: AttemptRef) -> Option<String> {
        self.seen().pods.get(&attempt).map(|known| known.namespace.clone())
    }
}
