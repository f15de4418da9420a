//! What is measured: one struct of verbs per component, with the names and labels that `contracts.md` promises.
//!
//! A process has one [`Registry`], passed in. Each struct may be registered once in it; clones share the numbers.

mod agent;
mod http;
mod scheduler;

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

pub use agent::AgentMetrics;
pub use http::{HttpMetrics, SubmissionMetrics};
pub use prometheus::Error;
pub use scheduler::{QueueNumbers, SchedulerMetrics};

/// Bounds for what takes milliseconds to seconds.
const SHORT_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds for what takes seconds to days.
const LONG_SECONDS: &[f64] = &[
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0,
];

/// All numbers of `registry` in Prometheus' text format.
///
/// # Errors
/// If a collector gave something that can't be written.
pub fn exposition(registry: &Registry) -> Result<String, Error> {
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// Says which release of Berth a process is, and in which role.
///
/// # Errors
/// If that was said already.
pub fn build_info(registry: &Registry, role: &str, release: &str) -> Result<(), Error> {
    let info = gauges(registry, "berth_build_info", "The release (always 1)", &["role", "version"])?;
    info.with_label_values(&[role, release]).set(1);
    Ok(())
}

pub(crate) fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, Error> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
    let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

fn float_gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, Error> {
    let gauges = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn histogram(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Result<Histogram, Error> {
    let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec()))?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    bounds: &[f64],
) -> Result<HistogramVec, Error> {
    let histograms = HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), labels)?;
    registry.register(Box::new(histograms.clone()))?;
    Ok(histograms)
}

/// A count as Prometheus' gauges hold it.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A gauge of one label pair, for numbers that are not whole.
fn set(gauge: &Gauge, seconds: std::time::Duration) {
    gauge.set(seconds.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_promised_number_is_exposed_under_its_name_and_labels() {
        let registry = Registry::new();
        crate::Health::registered(&registry).unwrap();
        build_info(&registry, "api", "0.1.0").unwrap();
        let http = HttpMetrics::register(&registry).unwrap();
        http.answered("GET", "/healthz", 200, Duration::from_millis(3));
        SubmissionMetrics::register(&registry).unwrap().submitted("eu", "gpu");
        let scheduler = SchedulerMetrics::register(&registry).unwrap();
        scheduler.queue("eu", "gpu", &QueueNumbers::default());
        scheduler.dispatched("eu", "gpu");
        scheduler.waited("eu", "gpu", Duration::from_secs(1));
        scheduler.finished("eu", "gpu", "failed", Some(Duration::from_secs(1)));
        scheduler.dispatch_took(Duration::from_millis(1));
        scheduler.confirm_took(Duration::from_millis(1));
        scheduler.report_lagged(Duration::from_millis(1));
        scheduler.agent_up("eu", true);
        scheduler.warnings([["AgentLost", "critical", "us", ""]]);
        scheduler.warnings([["AgentLost", "critical", "eu", ""]]);
        let agent = AgentMetrics::register(&registry).unwrap();
        agent.consumers("eu", 2);
        agent.pods("eu", 7);
        agent.pace("eu", 16, 3);
        agent.handed_over("eu", Duration::from_millis(40));

        let text = exposition(&registry).unwrap();
        for line in [
            "berth_queue_backlog{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_window{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_in_flight{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_oldest_seconds{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_dead_letters{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_concurrency_limit{agent=\"eu\",queue=\"gpu\"} -1",
            "berth_runs_submitted_total{agent=\"eu\",queue=\"gpu\"} 1",
            "berth_runs_dispatched_total{agent=\"eu\",queue=\"gpu\"} 1",
            "berth_runs_finished_total{agent=\"eu\",queue=\"gpu\",status=\"failed\"} 1",
            "berth_run_wait_seconds_count{agent=\"eu\",queue=\"gpu\"} 1",
            "berth_run_duration_seconds_count{agent=\"eu\",queue=\"gpu\"} 1",
            "berth_dispatch_seconds_count 1",
            "berth_publish_confirm_seconds_count 1",
            "berth_report_lag_seconds_count 1",
            "berth_offers_outstanding{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_admissible{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_queue_admissible_oldest_seconds{agent=\"eu\",queue=\"gpu\"} 0",
            "berth_agent_up{agent=\"eu\"} 1",
            "berth_warning{agent=\"eu\",queue=\"\",severity=\"critical\",warning=\"AgentLost\"} 1",
            "berth_agent_consumers{agent=\"eu\"} 2",
            "berth_agent_pods{agent=\"eu\"} 7",
            "berth_agent_handover_seconds_count{agent=\"eu\"} 1",
            "berth_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1",
            "berth_http_request_seconds_count{method=\"GET\",route=\"/healthz\",status=\"200\"} 1",
            "berth_agent_creates_at_once{agent=\"eu\"} 16",
            "berth_agent_pushbacks_total{agent=\"eu\"} 3",
            "berth_build_info{role=\"api\",version=\"0.1.0\"} 1",
            "berth_http_requests_in_flight 0",
            "berth_broker_connected 0",
            "berth_store_connected 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
        assert!(!text.contains("berth_warning{agent=\"us\""), "what is over is not shown any more");
    }

    #[test]
    fn a_queue_that_is_gone_is_no_longer_shown() {
        let registry = Registry::new();
        let scheduler = SchedulerMetrics::register(&registry).unwrap();
        scheduler.queue("eu", "gpu", &QueueNumbers { backlog: 3, ..QueueNumbers::default() });
        scheduler.forget_queue("eu", "gpu");
        assert!(!exposition(&registry).unwrap().contains("berth_queue_backlog{"));
    }

    #[test]
    fn two_components_of_one_name_in_one_process_are_an_error() {
        let registry = Registry::new();
        let _first = HttpMetrics::register(&registry).unwrap();
        assert!(HttpMetrics::register(&registry).is_err());
    }
}
