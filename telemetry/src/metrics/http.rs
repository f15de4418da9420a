//! What the API measures.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, IntGauge, Registry};

use super::{SHORT_SECONDS, counters, gauge, histograms};

/// Requests, by method, matched route (never the raw path: that would be unbounded) and status.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
}

impl HttpMetrics {
    /// Puts its numbers into `registry`.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = &["method", "route", "status"];
        Ok(Self {
            in_flight: gauge(registry, "berth_http_requests_in_flight", "Requests being answered")?,
            requests: counters(registry, "berth_http_requests_total", "Requests answered", labels)?,
            seconds: histograms(
                registry,
                "berth_http_request_seconds",
                "Time to the head of the answer",
                labels,
                SHORT_SECONDS,
            )?,
        })
    }

    /// A request is being answered, until what is returned is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Requests that are being answered.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.in_flight.get()).unwrap_or(0)
    }

    /// A request was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let status = status.to_string();
        let labels = &[method, route, status.as_str()];
        self.requests.with_label_values(labels).inc();
        self.seconds.with_label_values(labels).observe(took.as_secs_f64());
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Runs accepted.
#[derive(Debug, Clone)]
pub struct SubmissionMetrics {
    submitted: IntCounterVec,
}

impl SubmissionMetrics {
    /// Puts its numbers into `registry`.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let submitted = counters(
            registry,
            "berth_runs_submitted_total",
            "Runs accepted and committed",
            &["agent", "queue"],
        )?;
        Ok(Self { submitted })
    }

    /// A run was accepted for a queue.
    pub fn submitted(&self, agent: &str, queue: &str) {
        self.submitted.with_label_values(&[agent, queue]).inc();
    }
}
