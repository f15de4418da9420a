//! What is shown of an organization: numbers of this moment, read once for all who look, and what happened lately.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_domain::history::Counts;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::lifecycle::Status;
use berth_domain::time::Time;
use berth_store::{GroupBy, Queue, QueueStats, Recent, Replica, RunFilter};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::{App, AppState};
use crate::problem::Problem;
use crate::runs::unfinished;

/// How old numbers may be that are shown.
const FRESH: Duration = Duration::from_secs(1);
/// How much longer than it took to read them numbers are shown, so that reading them never takes most of the time.
const REST: u32 = 4;
/// How much longer still, by what it took to read them, they are shown while new ones are being read: who keeps looking at
/// a large organization waits for nothing.
const GRACE: u32 = 8;
/// Rates are of this time.
const RATES: Duration = Duration::from_secs(5 * 60);
/// Quantiles of waits are of this time.
const WAITS: Duration = Duration::from_secs(15 * 60);

/// The last numbers of each organization that was asked about.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<HashMap<String, Arc<Organization>>>);

#[derive(Debug, Default)]
struct Organization {
    last: Mutex<Option<Read>>,
    /// Held by the one who reads them anew.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Clone)]
struct Read {
    numbers: Arc<Numbers>,
    shown: Shown,
}

/// Until when numbers may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    /// Until then nobody reads new ones.
    fresh_until: Instant,
    /// Until then they are shown while new ones are being read.
    will_do_until: Instant,
}

impl Shown {
    /// For numbers that were read in that time.
    fn of(began: Instant, ended: Instant) -> Self {
        let took = ended.duration_since(began);
        let fresh_until = ended + FRESH.max(took * REST);
        Self { fresh_until, will_do_until: fresh_until + took * GRACE }
    }
}

impl Stats {
    /// The numbers of an organization: a second old at most, or a few times as old as they took to read. Whoever asks after
    /// that waits until they are read.
    ///
    /// # Errors
    /// If the store can't be used.
    pub(crate) async fn of(&self, app: &AppState, owner: &str) -> Result<Arc<Numbers>, Problem> {
        let organization = self.organization(owner);
        if let Some(read) = organization.that_will_do() {
            if read.shown.fresh_until <= Instant::now()
                && let Ok(turn) = Arc::clone(&organization.reading).try_lock_owned()
            {
                let (app, owner) = (Arc::clone(app), owner.to_owned());
                app.tasks.clone().spawn(async move {
                    let _turn = turn;
                    // What is wrong is logged where it becomes a problem; who asks next waits, and is told.
                    let _ = organization.read(&app, &owner).await;
                });
            }
            return Ok(read.numbers);
        }
        let _turn = organization.reading.lock().await;
        // Somebody else may have read them in the meantime.
        match organization.that_will_do() {
            Some(read) => Ok(read.numbers),
            None => organization.read(app, owner).await,
        }
    }

    fn organization(&self, owner: &str) -> Arc<Organization> {
        let mut all = locked(&self.0);
        all.retain(|_, organization| {
            Arc::strong_count(organization) > 1 || organization.that_will_do().is_some()
        });
        Arc::clone(all.entry(owner.to_owned()).or_default())
    }
}

impl Organization {
    fn that_will_do(&self) -> Option<Read> {
        locked(&self.last).clone().filter(|read| read.shown.will_do_until > Instant::now())
    }

    async fn read(&self, app: &App, owner: &str) -> Result<Arc<Numbers>, Problem> {
        let began = Instant::now();
        let numbers = Arc::new(Numbers::read(app, owner).await?);
        let shown = Shown::of(began, Instant::now());
        *locked(&self.last) = Some(Read { numbers: Arc::clone(&numbers), shown });
        Ok(numbers)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind it is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The numbers of an organization, above all of its queues.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// When they were read.
    pub at: Time,
    /// By queue.
    pub queues: HashMap<QueueId, QueueStats>,
    /// How many runs that have not ended are in each status.
    pub statuses: BTreeMap<Status, u64>,
    /// Live replicas by agent.
    pub replicas: HashMap<AgentId, Vec<Replica>>,
    rates: Recent,
    waits: Recent,
}

impl Numbers {
    async fn read(app: &App, owner: &str) -> Result<Self, Problem> {
        let now = app.clock.now();
        let queues = app.store.queue_stats(Some(owner), now).await?.into_iter();
        let queues = queues.map(|queue| (queue.queue_id, queue)).collect();
        let filter =
            RunFilter { owner: Some(owner.to_owned()), statuses: unfinished(), ..RunFilter::default() };
        let grouped = app.store.grouped_runs(&filter, GroupBy::Status).await?;
        let statuses = grouped.groups.into_values().flatten().collect();
        let mut replicas: HashMap<AgentId, Vec<Replica>> = HashMap::new();
        for (agent, replica) in app.store.live_replicas(now).await? {
            replicas.entry(agent).or_default().push(replica);
        }
        let rates = app.store.recent(owner, RATES, now).await?;
        let waits = app.store.recent(owner, WAITS, now).await?;
        Ok(Self { at: now, queues, statuses, replicas, rates, waits })
    }

    /// What happened lately in all queues together, with how much time that is.
    pub(crate) fn rates(&self) -> (Counts, Duration) {
        let mut all = Counts::default();
        for counts in self.rates.queues.values() {
            all.add(counts);
        }
        (all, self.rates.within)
    }

    /// How many replicas of the agent serve its queues.
    pub(crate) fn consumers(&self, agent: AgentId) -> usize {
        self.replicas.get(&agent).map_or(0, Vec::len)
    }

    /// A queue's `stats`.
    pub(crate) fn shape(&self, queue: &Queue) -> Value {
        let idle = Counts::default();
        let rates = self.rates.queues.get(&queue.id).unwrap_or(&idle);
        let waits = &self.waits.queues.get(&queue.id).unwrap_or(&idle).waits;
        // Made since they were read: nothing of it is known yet.
        let known = self.queues.get(&queue.id);
        let number = |of: fn(&QueueStats) -> u64| known.map_or(0, of);
        let oldest = known.and_then(|known| known.oldest_queued_at);
        let priorities: BTreeMap<String, u64> = known
            .map(|known| &known.priorities)
            .into_iter()
            .flatten()
            .map(|(priority, waiting)| (priority.to_string(), *waiting))
            .collect();
        let mut shape = json!({
            "backlog": number(|known| known.backlog),
            "in_flight": number(|known| known.in_flight),
            "offered": number(|known| known.offered),
            "admissible": number(|known| known.admissible),
            "oldest_seconds": oldest.map(|oldest| self.at.since(oldest).as_secs_f64()),
            "dead_letters": number(|known| known.dead_letters),
            "consumers": self.consumers(queue.agent_id),
            "wait_p50_seconds": waits.quantile(0.5).map(|wait| wait.as_secs_f64()),
            "wait_p95_seconds": waits.quantile(0.95).map(|wait| wait.as_secs_f64()),
            "priorities": priorities,
        });
        show_rates(&mut shape, rates, self.rates.within);
        shape
    }
}

/// Puts what happened within a time into `shape`, by the second.
pub(crate) fn show_rates(shape: &mut Value, counts: &Counts, within: Duration) {
    let rate = |count: u64| count as f64 / within.as_secs_f64().max(1.0);
    shape["submitted_per_second"] = json!(rate(counts.submitted));
    shape["started_per_second"] = json!(rate(counts.started));
    shape["finished_per_second"] = json!(rate(counts.finished));
    shape["failed_per_second"] = json!(rate(counts.failed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_at_once_is_a_second_old_at_most_and_what_takes_long_is_shown_while_it_is_read_anew() {
        let (began, ms) = (Instant::now(), Duration::from_millis);
        let quick = Shown::of(began, began + ms(5));
        assert_eq!(quick.fresh_until, began + ms(5 + 1_000));
        assert_eq!(quick.will_do_until, began + ms(5 + 1_000 + 40));
        let slow = Shown::of(began, began + ms(500));
        assert_eq!(slow.fresh_until, began + ms(500 + 2_000));
        assert_eq!(slow.will_do_until, began + ms(500 + 2_000 + 4_000));
    }
}
