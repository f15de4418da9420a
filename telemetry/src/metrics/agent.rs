//! What an agent measures of itself.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::{SHORT_SECONDS, count, counters, gauges, histograms};

/// An agent's consumers, live objects and hand-overs.
#[derive(Debug, Clone)]
pub struct AgentMetrics {
    consumers: IntGaugeVec,
    pods: IntGaugeVec,
    handover: HistogramVec,
    creates_at_once: IntGaugeVec,
    pushbacks: IntCounterVec,
}

impl AgentMetrics {
    /// Puts its numbers into `registry`.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            consumers: gauges(
                registry,
                "berth_agent_consumers",
                "Queues being consumed by this replica",
                &["agent"],
            )?,
            pods: gauges(registry, "berth_agent_pods", "Live objects held by this replica", &["agent"])?,
            handover: histograms(
                registry,
                "berth_agent_handover_seconds",
                "Time from an offer's arrival to its ack",
                &["agent"],
                SHORT_SECONDS,
            )?,
            creates_at_once: gauges(
                registry,
                "berth_agent_creates_at_once",
                "Creates that may be under way, which adapts itself to what the API server takes",
                &["agent"],
            )?,
            pushbacks: counters(
                registry,
                "berth_agent_pushbacks_total",
                "Times that the API server wanted to be left alone",
                &["agent"],
            )?,
        })
    }

    /// How many queues the replica consumes.
    pub fn consumers(&self, agent: &str, number: u64) {
        self.consumers.with_label_values(&[agent]).set(count(number));
    }

    /// How many live pods or processes the replica holds.
    pub fn pods(&self, agent: &str, number: u64) {
        self.pods.with_label_values(&[agent]).set(count(number));
    }

    /// How many creates may be under way, and how often the API server has pushed back since the replica began.
    pub fn pace(&self, agent: &str, at_once: u32, pushbacks: u64) {
        self.creates_at_once.with_label_values(&[agent]).set(at_once.into());
        let counted = self.pushbacks.with_label_values(&[agent]);
        counted.inc_by(pushbacks.saturating_sub(counted.get()));
    }

    /// An offer was handed over to the executor.
    pub fn handed_over(&self, agent: &str, took: Duration) {
        self.handover.with_label_values(&[agent]).observe(took.as_secs_f64());
    }
}
