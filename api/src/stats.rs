//! What is shown of queues: numbers of this moment, read once for all who look, and what happened lately.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use berth_domain::history::Counts;
use berth_domain::id::{AgentId, QueueId};
use berth_domain::time::Time;
use berth_store::{Queue, QueueStats, Recent, Replica};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::app::App;
use crate::problem::Problem;

/// How old numbers may be that are shown.
const FRESH: Duration = Duration::from_secs(1);
/// How much longer than it took to read them numbers are shown, so that reading them never takes most of the time.
const REST: u32 = 4;
/// Rates are of this time.
const RATES: Duration = Duration::from_secs(5 * 60);
/// Quantiles of waits are of this time.
const WAITS: Duration = Duration::from_secs(15 * 60);

/// The last numbers of each organization that was asked about.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<HashMap<String, Read>>);

#[derive(Debug)]
struct Read {
    stale_at: Instant,
    numbers: Arc<Numbers>,
}

/// The numbers of an organization's queues.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// When they were read.
    pub at: Time,
    /// By queue.
    pub queues: HashMap<QueueId, QueueStats>,
    /// Live replicas by agent.
    pub replicas: HashMap<AgentId, Vec<Replica>>,
    rates: Recent,
    waits: Recent,
}

impl Stats {
    /// The numbers of an organization, a second old at most, or as old as they took to read. Whoever asks while they are being
    /// read waits for them.
    ///
    /// # Errors
    /// If the store can't be used.
    pub(crate) async fn of(&self, app: &App, owner: &str) -> Result<Arc<Numbers>, Problem> {
        let mut all = self.0.lock().await;
        let began = Instant::now();
        all.retain(|_, read| read.stale_at > began);
        if let Some(read) = all.get(owner) {
            return Ok(Arc::clone(&read.numbers));
        }
        let numbers = Arc::new(Numbers::read(app, owner).await?);
        let ended = Instant::now();
        let stale_at = ended + FRESH.max(ended.duration_since(began) * REST);
        all.insert(owner.to_owned(), Read { stale_at, numbers: Arc::clone(&numbers) });
        Ok(numbers)
    }
}

impl Numbers {
    async fn read(app: &App, owner: &str) -> Result<Self, Problem> {
        let now = app.clock.now();
        let queues = app.store.queue_stats(Some(owner), now).await?.into_iter();
        let queues = queues.map(|queue| (queue.queue_id, queue)).collect();
        let mut replicas: HashMap<AgentId, Vec<Replica>> = HashMap::new();
        for (agent, replica) in app.store.live_replicas(now).await? {
            replicas.entry(agent).or_default().push(replica);
        }
        let rates = app.store.recent(owner, RATES, now).await?;
        let waits = app.store.recent(owner, WAITS, now).await?;
        Ok(Self { at: now, queues, replicas, rates, waits })
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
