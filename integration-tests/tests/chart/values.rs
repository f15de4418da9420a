//! Values: what the schema and the checks refuse, by name and without showing a secret, and that settings are those of the
//! program.

use std::collections::BTreeSet;
use std::process::Command;

use berth_integration_tests::berth;
use berth_integration_tests::helm::{self, Helm};
use serde_json::Value;

use super::rendered::{object, objects};

/// What makes a whole installation.
const WHOLE: &str =
    "api.enabled=true,scheduler.enabled=true,agent.name=eu,broker.existingSecret=b,database.existingSecret=d";

/// Settings that the chart makes of its other values.
const MADE: [&str; 17] = [
    "listen",
    "metrics_listen",
    "external_metrics_listen",
    "external_metrics_cert_file",
    "external_metrics_key_file",
    "data_dir",
    "broker_ca_file",
    "broker_cert_file",
    "broker_key_file",
    "bootstrap_token_file",
    "agent_name",
    "executor",
    "namespaces",
    "kubeconfig",
    "connections",
    "helper_image",
    "labels",
];

#[test]
fn what_values_must_not_be_is_refused_by_name() {
    let helm = Helm::new(None);
    let chart = helm::chart();
    for (values, named) in [
        ("brokr.existingSecret=x", "'brokr'"),
        ("api.enabled=1", "/api/enabled"),
        ("api.replicas=-1", "/api/replicas"),
        ("agent.name=EU_1", "/agent/name"),
        ("agent.namespaces={a,a}", "/agent/namespaces"),
        ("agent.broker.urk=x", "/agent/broker"),
        ("agent.terminationGracePeriodSeconds=3", "/agent/terminationGracePeriodSeconds"),
        ("settings.log_fromat=text", "'log_fromat'"),
        // A secret is none of the settings that end up in a ConfigMap.
        ("settings.broker_url=amqp://x", "'broker_url'"),
        // Only agents hold offers.
        ("api.settings.prefetch=3", "/api/settings"),
        ("defaults.probes.liveness.foo=1", "/defaults/probes/liveness"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("image.digest=sha256:1", "/image/digest"),
        ("broker.url=http://hidden", "broker.url:"),
        ("broker.url=amqp://hidden,broker.existingSecret=b", "broker.url and broker.existingSecret"),
        ("broker.managementUrl=hidden", "broker.managementUrl:"),
        ("agent.broker.url=hidden", "agent.broker.url:"),
        ("database.url=sqlite:hidden", "database.url:"),
        ("api.enabled=true,broker.existingSecret=b", "database.existingSecret"),
        ("scheduler.enabled=true,database.existingSecret=d", "broker.existingSecret"),
        ("agent.name=eu", "broker.existingSecret"),
        ("ingress.enabled=true", "ingress.enabled:"),
        ("externalMetrics.servedBy=scheduler", "/externalMetrics/servedBy"),
        ("externalMetrics.servedBy=api", "externalMetrics.servedBy: this release has no api"),
        ("externalMetrics.tls.caBundle=x", "externalMetrics.tls.caBundle:"),
        (
            "api.autoscaling.enabled=true,api.autoscaling.minReplicas=9,api.enabled=true,broker.existingSecret=b,database.existingSecret=d",
            "api.autoscaling.minReplicas",
        ),
        (
            "agent.name=eu,broker.existingSecret=b,agent.autoscaling.enabled=true,agent.autoscaling.cpuPercent=0",
            "agent.autoscaling:",
        ),
    ] {
        let told = helm.refused(&["template", "berth", chart.to_str().unwrap(), "--set", values]);
        assert!(told.contains(named), "{values}: {told}");
        assert!(!told.contains("hidden"), "{values}: a secret is shown: {told}");
    }
}

#[test]
fn the_settings_of_each_role_are_those_of_the_program_without_secrets() {
    let schema = std::fs::read_to_string(helm::chart().join("values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let secrets: BTreeSet<String> = include_str!("../../../docs/configuration.md")
        .lines()
        .filter(|line| line.starts_with("| `") && line.ends_with("(secret) |"))
        .map(|line| line.split('`').nth(1).unwrap().to_owned())
        .collect();
    assert!(secrets.contains("database_url"), "{secrets:?}");
    let mut all = BTreeSet::new();
    for role in ["api", "scheduler", "agent"] {
        let shown = Command::new(berth()).args(["config", "show", role]).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let keys = shown.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        let expected: BTreeSet<String> =
            keys.filter(|key| !MADE.contains(key) && !secrets.contains(*key)).map(str::to_owned).collect();
        let role_schema = &schema["properties"][role]["properties"]["settings"]["properties"];
        assert_eq!(names(role_schema), expected, "values.schema.json: {role}.settings");
        all.extend(expected);
    }
    assert_eq!(names(&schema["properties"]["settings"]["properties"]), all, "values.schema.json: settings");
}

#[test]
fn secrets_that_are_values_end_up_in_secrets_only() {
    let helm = Helm::new(None);
    let urls = "broker.url=amqp://u:hidden@b/,broker.managementUrl=http://u:hidden@b,database.url=postgres://u:hidden@d/b";
    let on = "api.enabled=true,scheduler.enabled=true,agent.name=eu,agent.broker.url=amqp://eu:hidden@b/";
    let mut secrets = 0;
    for object in objects(&helm, &["--set", urls, "--set", on]) {
        let is_shown = object.to_string().contains("hidden");
        assert!(!is_shown || object["kind"] == "Secret", "{object}");
        secrets += usize::from(is_shown);
    }
    assert_eq!(secrets, 4, "the broker's, the agent's, the database's, and that of the migrations");
}

fn names(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_value_is_known_to_the_schema_and_has_a_comment() {
    let text = std::fs::read_to_string(helm::chart().join("values.yaml")).unwrap();
    let schema = std::fs::read_to_string(helm::chart().join("values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    for (name, value) in values.as_object().unwrap() {
        let known = &schema["properties"][name];
        assert!(known.is_object(), "{name}");
        // Their keys are what a pod has, and the same for each role.
        if let (Some(value), Some(known)) = (value.as_object(), known["properties"].as_object()) {
            let missing: Vec<_> = value.keys().filter(|key| !known.contains_key(*key)).collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
        let at = text.find(&format!("\n{name}:")).unwrap();
        let above = text[..at].lines().next_back().unwrap_or_default();
        let below = text[at..].lines().nth(2).unwrap_or_default().trim_start();
        assert!(above.starts_with('#') || below.starts_with('#'), "{name} has no comment");
    }
}

#[test]
fn the_files_of_settings_are_read_by_the_program_and_change_the_pods_that_read_them() {
    let helm = Helm::new(None);
    let more = [
        "--set",
        WHOLE,
        "--set",
        "agent.labels.region=eu,externalMetrics.servedBy=api",
        "--set",
        "agent.namespaces={a,b}",
    ];
    let rendered = objects(&helm, &more);
    for (role, name) in [("api", "berth-api"), ("scheduler", "berth-scheduler"), ("agent", "berth-agent-eu")]
    {
        let map = object(&rendered, "ConfigMap", name);
        let file = helm.home().join(format!("{role}.yaml"));
        std::fs::write(&file, map["data"]["berth.yaml"].as_str().unwrap()).unwrap();
        let mut show = Command::new(berth());
        show.args(["config", "show", role, "--config", file.to_str().unwrap()]);
        let shown = show.output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.status.success(), "{role}: {}", String::from_utf8_lossy(&shown.stderr));
        let metrics = text.lines().find(|line| line.starts_with("metrics_listen")).unwrap();
        assert!(metrics.contains("0.0.0.0:800"), "{metrics}");
        assert_eq!(text.contains("0.0.0.0:8443"), role == "api", "who serves external metrics: {text}");
        if role == "agent" {
            assert!(text.contains("a,b") && text.contains("region=eu"), "{text}");
        }
    }
    let checksum = |rendered: &[Value], name: &str| {
        let deployment = object(rendered, "Deployment", name);
        deployment["spec"]["template"]["metadata"]["annotations"]["checksum/settings"].clone()
    };
    let before = checksum(&rendered, "berth-api");
    assert_eq!(before, checksum(&objects(&helm, &more), "berth-api"));
    let changed = objects(&helm, &[&more[..], &["--set", "settings.log_filter=debug"]].concat());
    assert_ne!(before, checksum(&changed, "berth-api"));
    // Nobody else's.
    let of_agent = objects(&helm, &[&more[..], &["--set", "agent.settings.prefetch=3"]].concat());
    assert_eq!(before, checksum(&of_agent, "berth-api"));
    assert_ne!(checksum(&rendered, "berth-agent-eu"), checksum(&of_agent, "berth-agent-eu"));
    let connected =
        objects(&helm, &[&more[..], &["--set", "agent.connections.connections[0].name=x"]].concat());
    assert_ne!(checksum(&rendered, "berth-agent-eu"), checksum(&connected, "berth-agent-eu"));
}
