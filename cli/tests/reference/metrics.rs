//! `docs/reference/metrics.md`: every metric that a role shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use berth_telemetry::metrics::{
    AgentMetrics, HttpMetrics, QueueNumbers, SchedulerMetrics, SubmissionMetrics, build_info, exposition,
};
use berth_telemetry::{Health, Registry, Tracer, traces};
use prometheus::process_collector::ProcessCollector;

use super::{cell, is_page};

const HEAD: &str = "# Metrics\n\nMade of the program itself. Where `/metrics` is, and what to make of these, is in \
     [Monitoring](../monitoring.md#metrics).\n";

/// What every role has.
fn everywhere() -> Registry {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self())).unwrap();
    build_info(&registry, "api", "0.1.0").unwrap();
    Health::registered(&registry).unwrap();
    registry
}

/// What every role has that sends traces.
fn tracing() -> Registry {
    let registry = Registry::new();
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let settings = traces::Settings {
        endpoint: "http://127.0.0.1:4318/v1/traces".to_owned(),
        headers: Vec::new(),
        authorities: None,
        service: "berth".to_owned(),
        release: "0.1.0".to_owned(),
        replica: "r1".to_owned(),
        attributes: Vec::new(),
        ratio: 1.0,
    };
    drop(Tracer::new(&settings, &registry).unwrap());
    registry
}

fn api() -> Registry {
    let registry = Registry::new();
    let http = HttpMetrics::register(&registry).unwrap();
    http.answered("GET", "/healthz", 200, Duration::ZERO);
    SubmissionMetrics::register(&registry).unwrap().submitted("eu", "gpu");
    registry
}

fn scheduler() -> Registry {
    let registry = Registry::new();
    let scheduler = SchedulerMetrics::register(&registry).unwrap();
    scheduler.queue("eu", "gpu", &QueueNumbers::default());
    scheduler.dispatched("eu", "gpu");
    scheduler.waited("eu", "gpu", Duration::ZERO);
    scheduler.finished("eu", "gpu", "succeeded", Some(Duration::ZERO));
    scheduler.agent_up("eu", true);
    scheduler.refused("eu", 0);
    scheduler.warnings([["AgentLost", "critical", "eu", ""]]);
    registry
}

fn agent() -> Registry {
    let registry = Registry::new();
    let agent = AgentMetrics::register(&registry).unwrap();
    agent.consumers("eu", 0);
    agent.pods("eu", 0);
    agent.pace("eu", 1, 0);
    agent.handed_over("eu", Duration::ZERO);
    registry
}

/// A metric as the exposition tells it.
#[derive(Default)]
struct Metric {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// The metrics of a registry by name.
fn metrics(registry: &Registry) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let text = exposition(registry).unwrap();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            metrics.entry(name.to_owned()).or_default().help = help.to_owned();
            current = name.to_owned();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            metrics.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else if let Some((_, labels)) = line.split_once('{') {
            // No value here has a comma or a brace in it.
            let labels = labels.split('}').next().unwrap_or_default().split(',');
            let names = labels.filter_map(|label| label.split('=').next()).filter(|name| *name != "le");
            metrics.get_mut(&current).unwrap().labels.extend(names.map(ToOwned::to_owned));
        }
    }
    metrics
}

fn all() -> [(&'static str, BTreeMap<String, Metric>); 5] {
    [
        ("Every role", everywhere()),
        ("Every role that sends traces", tracing()),
        ("api", api()),
        ("scheduler", scheduler()),
        ("agent", agent()),
    ]
    .map(|(role, registry)| (role, metrics(&registry)))
}

#[test]
fn the_reference_of_metrics_has_every_metric() {
    let mut text = HEAD.to_owned();
    for (role, metrics) in all() {
        write!(text, "\n## {role}\n\n| metric | kind | labels | what it is |\n|---|---|---|---|\n").unwrap();
        for (name, metric) in metrics {
            let labels: Vec<String> = metric.labels.into_iter().collect();
            let help = cell(&metric.help);
            writeln!(text, "| `{name}` | {} | {} | {help} |", metric.kind, labels.join(", ")).unwrap();
        }
    }
    is_page("reference/metrics.md", &text);
}

/// A metric with labels is in no exposition before it was counted once: so what the sources name is looked for.
#[test]
fn no_metric_of_the_sources_is_missing() {
    let known: BTreeSet<String> = all().into_iter().flat_map(|(_, metrics)| metrics.into_keys()).collect();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../telemetry/src")];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_name = |text: &&str| {
                text.starts_with("berth_") && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            };
            for name in code.split('"').filter(is_name) {
                assert!(known.contains(name), "{name} of {} is not in the reference", path.display());
                found += 1;
            }
        }
    }
    assert!(found > 30, "{found}");
}
