//! Monitors for the Prometheus operator: none unless they are asked for; of either kind they lead to the pods' metrics.

use berth_integration_tests::helm::Helm;
use serde_json::{Value, json};

use super::rendered::{object, objects};

const WHOLE: [&str; 2] = [
    "--set",
    "api.enabled=true,scheduler.enabled=true,agent.name=eu,broker.existingSecret=b,database.existingSecret=d",
];

/// The objects with monitors of that kind.
fn monitored(kind: &str) -> Vec<Value> {
    let on = format!("monitoring.enabled=true,monitoring.kind={kind},monitoring.labels.release=prometheus");
    objects(&Helm::new(None), &[&WHOLE[..], &["--set", &on]].concat())
}

/// Whether what is selected is among the labels.
fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().unwrap().iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn there_are_no_monitors_unless_they_are_asked_for() {
    let kinds = |objects: &[Value]| -> Vec<String> {
        let kinds = objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned());
        kinds.filter(|kind| kind.ends_with("Monitor")).collect()
    };
    assert_eq!(kinds(&objects(&Helm::new(None), &WHOLE)), [""; 0]);
    assert_eq!(kinds(&monitored("PodMonitor")), ["PodMonitor"; 3]);
    assert_eq!(kinds(&monitored("ServiceMonitor")), ["ServiceMonitor"; 3]);
}

#[test]
fn a_monitor_of_either_kind_leads_to_the_metrics_of_its_role_and_to_nothing_else() {
    for (kind, endpoints) in [("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints")] {
        let rendered = monitored(kind);
        for name in ["berth-api", "berth-scheduler", "berth-agent-eu"] {
            let monitor = object(&rendered, kind, name);
            assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus", "{name}");
            assert_eq!(monitor["spec"]["jobLabel"], "app.kubernetes.io/name");
            assert_eq!(monitor["spec"][endpoints], json!([{"port": "metrics", "interval": "15s"}]));
            let pod = &object(&rendered, "Deployment", name)["spec"]["template"];
            let mut selector = &monitor["spec"]["selector"]["matchLabels"];
            if kind == "ServiceMonitor" {
                let of_kind = rendered.iter().filter(|object| object["kind"] == "Service");
                let selected: Vec<&Value> =
                    of_kind.filter(|service| selects(selector, &service["metadata"]["labels"])).collect();
                let [service] = selected[..] else { panic!("{name} selects {selected:?}") };
                assert_eq!(service["spec"]["ports"][0]["name"], "metrics");
                selector = &service["spec"]["selector"];
            }
            assert!(selects(selector, &pod["metadata"]["labels"]), "{name}: {selector}");
            let ports = pod["spec"]["containers"][0]["ports"].as_array().unwrap();
            assert!(ports.iter().any(|port| port["name"] == "metrics"), "{name}: {ports:?}");
        }
    }
}
