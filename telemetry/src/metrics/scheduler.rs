//! What the scheduler measures: queues, dispatch, ends, and which agents live.

use std::time::Duration;

use prometheus::{GaugeVec, Histogram, HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::{LONG_SECONDS, SHORT_SECONDS, count, counters, float_gauges, gauges, histogram, histograms, set};

/// The numbers of one queue at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueNumbers {
    /// Waiting runs.
    pub backlog: u64,
    /// How many attempts may be offered at once.
    pub window: u64,
    /// Attempts that hold a slot.
    pub in_flight: u64,
    /// Age of the oldest waiting run.
    pub oldest: Duration,
    /// Dead letters.
    pub dead_letters: u64,
    /// The limit, none if there is none (shown as -1).
    pub concurrency: Option<u64>,
    /// Offered attempts that nobody has claimed.
    pub offers_outstanding: u64,
    /// Runs that wait for nothing but the agent's hand-over, on offer or not yet.
    pub admissible: u64,
    /// Age of the oldest of them.
    pub admissible_oldest: Duration,
}

/// Dispatch as the scheduler sees it.
#[derive(Debug, Clone)]
pub struct SchedulerMetrics {
    backlog: IntGaugeVec,
    window: IntGaugeVec,
    in_flight: IntGaugeVec,
    oldest: GaugeVec,
    dead_letters: IntGaugeVec,
    concurrency: IntGaugeVec,
    offers: IntGaugeVec,
    admissible: IntGaugeVec,
    admissible_oldest: GaugeVec,
    dispatched: IntCounterVec,
    finished: IntCounterVec,
    wait: HistogramVec,
    duration: HistogramVec,
    dispatch: Histogram,
    confirm: Histogram,
    lag: Histogram,
    agent_up: IntGaugeVec,
    refused: IntCounterVec,
    warning: IntGaugeVec,
}

impl SchedulerMetrics {
    /// Puts its numbers into `registry`.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let r = registry;
        let labels = &["agent", "queue"];
        Ok(Self {
            backlog: gauges(r, "berth_queue_backlog", "Waiting runs", labels)?,
            window: gauges(r, "berth_queue_window", "Attempts that may be on offer at once", labels)?,
            in_flight: gauges(r, "berth_queue_in_flight", "Attempts that hold a slot", labels)?,
            oldest: float_gauges(r, "berth_queue_oldest_seconds", "Age of the oldest waiting run", labels)?,
            dead_letters: gauges(r, "berth_queue_dead_letters", "Dead letters", labels)?,
            concurrency: gauges(
                r,
                "berth_queue_concurrency_limit",
                "The limit, -1 if there is none",
                labels,
            )?,
            offers: gauges(r, "berth_offers_outstanding", "Attempts offered and not claimed", labels)?,
            admissible: gauges(
                r,
                "berth_queue_admissible",
                "Runs that wait for nothing but the agent's hand-over, on offer or not yet",
                labels,
            )?,
            admissible_oldest: float_gauges(
                r,
                "berth_queue_admissible_oldest_seconds",
                "Age of the oldest run that waits for nothing but the agent's hand-over",
                labels,
            )?,
            dispatched: counters(r, "berth_runs_dispatched_total", "Attempts admitted and offered", labels)?,
            finished: counters(
                r,
                "berth_runs_finished_total",
                "Runs that took a final status",
                &["agent", "queue", "status"],
            )?,
            wait: histograms(r, "berth_run_wait_seconds", "From queued to admitted", labels, LONG_SECONDS)?,
            duration: histograms(r, "berth_run_duration_seconds", "From start to end", labels, LONG_SECONDS)?,
            dispatch: histogram(
                r,
                "berth_dispatch_seconds",
                "One round of admission and offers",
                SHORT_SECONDS,
            )?,
            confirm: histogram(
                r,
                "berth_publish_confirm_seconds",
                "From publishing a batch to its confirmation",
                SHORT_SECONDS,
            )?,
            lag: histogram(
                r,
                "berth_report_lag_seconds",
                "From a report's moment to its commit",
                SHORT_SECONDS,
            )?,
            agent_up: gauges(
                r,
                "berth_agent_up",
                "Whether the agent holds a lease (1) or not (0)",
                &["agent"],
            )?,
            refused: counters(
                r,
                "berth_reports_refused_total",
                "What an agent said of runs that are not at it",
                &["agent"],
            )?,
            warning: gauges(
                r,
                "berth_warning",
                "Something that is wrong (1), by its name, with the agent and the queue that it is about",
                &["warning", "severity", "agent", "queue"],
            )?,
        })
    }

    /// Sets all numbers of one queue.
    pub fn queue(&self, agent: &str, queue: &str, numbers: &QueueNumbers) {
        let labels = &[agent, queue];
        self.backlog.with_label_values(labels).set(count(numbers.backlog));
        self.window.with_label_values(labels).set(count(numbers.window));
        self.in_flight.with_label_values(labels).set(count(numbers.in_flight));
        set(&self.oldest.with_label_values(labels), numbers.oldest);
        self.dead_letters.with_label_values(labels).set(count(numbers.dead_letters));
        self.concurrency.with_label_values(labels).set(numbers.concurrency.map_or(-1, count));
        self.offers.with_label_values(labels).set(count(numbers.offers_outstanding));
        self.admissible.with_label_values(labels).set(count(numbers.admissible));
        set(&self.admissible_oldest.with_label_values(labels), numbers.admissible_oldest);
    }

    /// Shows a queue that is gone no longer. What it counted stays.
    pub fn forget_queue(&self, agent: &str, queue: &str) {
        let labels = &[agent, queue];
        for gauges in [
            &self.backlog,
            &self.window,
            &self.in_flight,
            &self.dead_letters,
            &self.concurrency,
            &self.offers,
            &self.admissible,
        ] {
            // It may never have been shown: that is no error.
            drop(gauges.remove_label_values(labels));
        }
        drop(self.oldest.remove_label_values(labels));
        drop(self.admissible_oldest.remove_label_values(labels));
    }

    /// An attempt was admitted and offered.
    pub fn dispatched(&self, agent: &str, queue: &str) {
        self.dispatched.with_label_values(&[agent, queue]).inc();
    }

    /// How long an admitted run had waited in its queue.
    pub fn waited(&self, agent: &str, queue: &str, waited: Duration) {
        self.wait.with_label_values(&[agent, queue]).observe(waited.as_secs_f64());
    }

    /// A run took a final status; `ran` if it had started.
    pub fn finished(&self, agent: &str, queue: &str, status: &str, ran: Option<Duration>) {
        self.finished.with_label_values(&[agent, queue, status]).inc();
        if let Some(ran) = ran {
            self.duration.with_label_values(&[agent, queue]).observe(ran.as_secs_f64());
        }
    }

    /// How long one round of admission and offers took.
    pub fn dispatch_took(&self, took: Duration) {
        self.dispatch.observe(took.as_secs_f64());
    }

    /// How long the broker took to confirm a batch.
    pub fn confirm_took(&self, took: Duration) {
        self.confirm.observe(took.as_secs_f64());
    }

    /// How long after its moment a report was committed.
    pub fn report_lagged(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    /// So many times an agent spoke of runs that are not at it.
    pub fn refused(&self, agent: &str, times: u64) {
        self.refused.with_label_values(&[agent]).inc_by(times);
    }

    /// Shows what is wrong, and nothing else: each with its name, its severity, and the agent and queue that it is about.
    pub fn warnings<'a>(&self, wrong: impl IntoIterator<Item = [&'a str; 4]>) {
        self.warning.reset();
        for labels in wrong {
            self.warning.with_label_values(&labels).set(1);
        }
    }

    /// Whether an agent holds a lease.
    pub fn agent_up(&self, agent: &str, up: bool) {
        self.agent_up.with_label_values(&[agent]).set(i64::from(up));
    }
}
