//! Every example: `helm lint --strict`, and a real API server that takes what it makes, in a namespace where the Pod
//! Security Standard `restricted` holds.

use std::process::{Command, Output};

use berth_integration_tests::helm::{self, Helm};
use berth_test_servers::kubernetes::{Cluster, Options, programs, until};
use serde_json::{Value, json};

use super::rendered::{NAMESPACE, examples, pods, text};

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_linted_and_taken_by_an_api_server_that_restricts_pods() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let kubectl = Kubectl::new(&cluster);
    let helm = Helm::new(None);
    for namespace in [NAMESPACE, "jobs", "research", "production"] {
        kubectl.done(&["create", "namespace", namespace]);
    }
    for mode in ["enforce", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}=restricted");
        kubectl.done(&["label", "namespace", NAMESPACE, &label]);
    }
    // As `helm install --namespace` does: what names a namespace keeps it.
    kubectl.done(&["config", "set-context", "--current", "--namespace", NAMESPACE]);
    for definition in helm::monitors() {
        kubectl.done(&["create", "-f", definition.to_str().unwrap()]);
    }
    until("monitors are known", std::time::Duration::from_secs(60), async || {
        kubectl.run(&["get", "podmonitors,servicemonitors"], None).status.success().then_some(())
    })
    .await;

    helm.told(&["lint", "--strict", helm::chart().to_str().unwrap()]);
    let mut examples = examples(&helm);
    assert!(examples.len() >= 7, "{examples:?}");
    let is_monitored =
        |(_, values): &&(_, Vec<String>)| values.iter().any(|file| file.ends_with("multi-node.yaml"));
    let (chart, mut values) = examples.iter().find(is_monitored).unwrap().clone();
    values.extend(["--set", "monitoring.kind=ServiceMonitor"].map(str::to_owned));
    examples.push((chart, values));
    let mut kinds = std::collections::BTreeSet::new();
    for (chart, arguments) in &examples {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        helm.told(&[["lint", "--strict", chart.to_str().unwrap()].as_slice(), &arguments].concat());
        let text = text(&helm, chart, &arguments);
        let taken = kubectl
            .run(&["apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-"], Some(&text));
        let complaints = String::from_utf8_lossy(&taken.stderr);
        assert!(taken.status.success() && complaints.is_empty(), "{arguments:?}: {complaints}");
        let list: Value = serde_json::from_slice(&taken.stdout).unwrap();
        let objects = list["items"].as_array().unwrap();
        kinds.extend(objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned()));
        for (name, template) in pods(objects) {
            is_bounded(&format!("{arguments:?} {name}"), template);
            kubectl.takes_pod(&name, template);
        }
    }
    // What an example should show is in one.
    for kind in [
        "HorizontalPodAutoscaler",
        "Ingress",
        "NetworkPolicy",
        "PodMonitor",
        "ServiceMonitor",
        "ClusterRole",
        "Job",
        "APIService",
    ] {
        assert!(kinds.contains(kind), "no example has a {kind}: {kinds:?}");
    }
}

/// Checks what the standard asks for and, beyond it, that nothing can be written and no secret is a variable.
fn is_bounded(what: &str, template: &Value) {
    let spec = &template["spec"];
    let of_pod = &spec["securityContext"];
    assert_eq!(of_pod["runAsNonRoot"], true, "{what}");
    assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault", "{what}");
    for container in spec["containers"].as_array().unwrap() {
        let context = &container["securityContext"];
        assert_eq!(context["readOnlyRootFilesystem"], true, "{what}");
        assert_eq!(context["allowPrivilegeEscalation"], false, "{what}");
        assert_eq!(context["privileged"], false, "{what}");
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{what}");
        for variable in container["env"].as_array().unwrap() {
            assert!(variable["valueFrom"].is_null(), "{what}: {variable}");
        }
    }
}

struct Kubectl {
    kubeconfig: std::path::PathBuf,
}

impl Kubectl {
    fn new(cluster: &Cluster) -> Self {
        Self { kubeconfig: cluster.kubeconfig_file() }
    }

    fn run(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut kubectl = Command::new(programs().join("kubectl"));
        kubectl.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        if let Some(text) = input {
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            kubectl.stdin(file);
        }
        kubectl.output().unwrap()
    }

    fn done(&self, arguments: &[&str]) {
        let output = self.run(arguments, None);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Has the server look at the pod itself, which it refuses where a Deployment of it only gets a warning.
    fn takes_pod(&self, name: &str, template: &Value) {
        let create = |spec: &Value| {
            let mut spec = spec.clone();
            // Accounts are not there in a dry run.
            spec["serviceAccountName"] = json!("default");
            spec["restartPolicy"] = json!("Never");
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
                .to_string();
            self.run(&["create", "--dry-run=server", "-f", "-"], Some(&pod))
        };
        let mut spec = template["spec"].clone();
        spec.as_object_mut().unwrap().remove("serviceAccount");
        let taken = create(&spec);
        assert!(taken.status.success(), "{name}: {}", String::from_utf8_lossy(&taken.stderr));
        spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
        let refused = create(&spec);
        let words = String::from_utf8_lossy(&refused.stderr);
        assert!(words.contains("violates PodSecurity"), "the standard does not hold here: {words}");
    }
}
