//! Names and rights that others know: what agents' credentials are printed with, what is exported for KEDA, the manifests
//! beside the chart, and the release.

use std::process::Command;

use berth_integration_tests::berth;
use berth_integration_tests::helm::{self, Helm};
use serde_json::{Value, json};

use super::rendered::{object, objects};

/// As `berth agents create eu` prints them.
fn printed(helm: &Helm, url: &str) -> String {
    let file = helm.home().join("eu.yaml");
    std::fs::write(&file, format!("agent:\n  name: \"eu\"\nbroker:\n  url: \"{url}\"\n")).unwrap();
    file.display().to_string()
}

/// What `berth broker export keda` prints for the agent `eu`.
fn exported(url: &str) -> Vec<Value> {
    let mut export = Command::new(berth());
    export.args(["broker", "export", "keda", "--for", "eu=default", "--broker-url", url]);
    let output = export.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_saphyr::from_multiple(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

#[test]
fn what_is_exported_for_keda_scales_what_the_printed_values_install() {
    for (url, expected) in [
        ("amqp://berth-eu:pw@broker/%2f", json!({"broker-url": "amqp://berth-eu:pw@broker/%2f"})),
        (
            "redis://berth-eu:pw@broker:6379/0",
            json!({"broker-url": "redis://berth-eu:pw@broker:6379/0", "broker-user": "berth-eu", "broker-password": "pw"}),
        ),
    ] {
        let helm = Helm::new(None);
        let rendered = objects(&helm, &["--values", &printed(&helm, url)]);
        let keda = exported(url);
        let scaled = keda.iter().find(|object| object["kind"] == "ScaledObject").unwrap();
        object(&rendered, "Deployment", scaled["spec"]["scaleTargetRef"]["name"].as_str().unwrap());
        let authentication = keda.iter().find(|object| object["kind"] == "TriggerAuthentication").unwrap();
        for reference in authentication["spec"]["secretTargetRef"].as_array().unwrap() {
            let secret = object(&rendered, "Secret", reference["name"].as_str().unwrap());
            assert_eq!(secret["stringData"], expected);
            assert!(secret["stringData"][reference["key"].as_str().unwrap()].is_string(), "{reference}");
        }
    }
}

#[test]
fn what_something_else_scales_is_left_alone_by_an_upgrade() {
    let helm = Helm::new(None);
    let printed = printed(&helm, "amqp://berth-eu:pw@broker/%2f");
    let replicas = |more: &[&str]| {
        let rendered = objects(&helm, &[&["--values", &printed], more].concat());
        object(&rendered, "Deployment", "berth-agent-eu")["spec"].get("replicas").cloned()
    };
    assert_eq!(replicas(&[]), Some(json!(2)));
    assert_eq!(replicas(&["--set", "agent.replicas=0"]), Some(json!(0)));
    assert_eq!(replicas(&["--set", "agent.replicas=null"]), None);
    assert_eq!(replicas(&["--set", "agent.autoscaling.enabled=true"]), None);
}

#[test]
fn printed_values_install_an_agent_and_nothing_else() {
    let helm = Helm::new(None);
    let rendered = objects(&helm, &["--values", &printed(&helm, "amqp://berth-eu:pw@broker/%2f")]);
    let deployments: Vec<&str> = rendered
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| object["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(deployments, ["berth-agent-eu"]);
    assert!(rendered.iter().all(|object| !object["kind"].as_str().unwrap().starts_with("Cluster")));
}

#[test]
fn an_agents_rights_are_those_of_the_manifest_in_each_of_its_namespaces() {
    let helm = Helm::new(None);
    let set = "agent.name=eu,broker.existingSecret=b,agent.namespaces={one,two}";
    let rendered = objects(&helm, &["--set", set]);
    let manifest: Value =
        serde_saphyr::from_str(include_str!("../../../deploy/kubernetes/agent-role.yaml")).unwrap();
    for namespace in ["one", "two"] {
        let of = |kind: &str| {
            let found = rendered
                .iter()
                .find(|object| object["kind"] == kind && object["metadata"]["namespace"] == namespace);
            found.unwrap_or_else(|| panic!("no {kind} in {namespace}"))
        };
        assert_eq!(of("Role")["rules"], manifest["rules"]);
        assert_eq!(of("RoleBinding")["subjects"][0]["name"], "berth-agent-eu");
        assert_eq!(of("RoleBinding")["subjects"][0]["namespace"], super::rendered::NAMESPACE);
    }
}

#[test]
fn the_api_server_finds_external_metrics_where_a_role_serves_them() {
    let helm = Helm::new(None);
    let whole = "api.enabled=true,agent.name=eu,broker.existingSecret=b,database.existingSecret=d";
    let is_of_it = |object: &Value| {
        object["kind"] == "APIService" || object["metadata"]["name"] == "berth-external-metrics"
    };
    assert!(!objects(&helm, &["--set", whole]).iter().any(is_of_it), "off until it is asked for");
    for (role, name) in [("api", "berth-api"), ("agent", "berth-agent-eu")] {
        let rendered =
            objects(&helm, &["--set", whole, "--set", &format!("externalMetrics.servedBy={role}")]);
        let api = object(&rendered, "APIService", "v1beta1.external.metrics.k8s.io");
        let service = object(&rendered, "Service", api["spec"]["service"]["name"].as_str().unwrap());
        assert_eq!(api["spec"]["service"]["namespace"], super::rendered::NAMESPACE);
        assert_eq!(api["spec"]["service"]["port"], service["spec"]["ports"][0]["port"]);
        let template = &object(&rendered, "Deployment", name)["spec"]["template"];
        for (key, value) in service["spec"]["selector"].as_object().unwrap() {
            assert_eq!(&template["metadata"]["labels"][key], value);
        }
        let port = template["spec"]["containers"][0]["ports"].as_array().unwrap().iter();
        let port =
            port.into_iter().find(|port| port["name"] == service["spec"]["ports"][0]["targetPort"]).unwrap();
        let settings = object(&rendered, "ConfigMap", name)["data"]["berth.yaml"].as_str().unwrap();
        assert!(
            settings.contains(&format!("external_metrics_listen: 0.0.0.0:{}", port["containerPort"])),
            "{settings}"
        );
        let sources = template["spec"]["volumes"][0]["projected"]["sources"].to_string();
        for file in ["external-metrics/tls.crt", "external-metrics/tls.key"] {
            assert!(settings.contains(&format!("/etc/berth/{file}")) && sources.contains(file), "{file}");
        }
        assert_eq!(template["spec"]["automountServiceAccountToken"], true, "it asks the API server");
        let secret = object(&rendered, "Secret", "berth-external-metrics");
        assert_eq!(secret["data"]["ca.crt"], api["spec"]["caBundle"]);
        for binding in ["ClusterRoleBinding", "RoleBinding"] {
            let binding = object(&rendered, binding, "berth-berth-external-metrics");
            assert_eq!(binding["subjects"][0]["name"], template["spec"]["serviceAccountName"]);
        }
        let own = format!(
            "externalMetrics.servedBy={role},externalMetrics.tls.existingSecret=mine,externalMetrics.tls.caBundle=PEM"
        );
        let rendered = objects(&helm, &["--set", whole, "--set", &own]);
        assert!(!rendered.iter().any(|object| object["kind"] == "Secret"), "the Secret is one's own");
        let api = object(&rendered, "APIService", "v1beta1.external.metrics.k8s.io");
        assert_eq!(api["spec"]["caBundle"], "UEVN");
    }
}

#[test]
fn the_chart_is_of_this_release() {
    let text = std::fs::read_to_string(helm::chart().join("Chart.yaml")).unwrap();
    let chart: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
