//! What a service has beside one pod: a Service of Kubernetes by which it is reached, further pods that are like the
//! first, and what its readiness and its idleness are seen by. Pure.
//!
//! The first pod stands for the attempt: it has the attempt's name, its finalizer, its end. The rest is owned by it, so
//! that Kubernetes removes what we could not.

use std::time::Duration;

use berth_domain::compile::{CompiledOperation, Service};
use berth_domain::lifecycle::culling;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names;

/// Polyaxon's port of a service that names none.
const DEFAULT_PORT: u16 = 80;

/// How often a port is tried until it takes connections, in seconds.
const PROBE_SECONDS: u32 = 2;

/// What is to be created beside an attempt's first pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    /// How many pods there are, with the first.
    pub(super) pods: u32,
    /// The Service of Kubernetes, without its owner.
    pub(super) service: Value,
}

/// How an agent sees that a service is idle; kept with its first pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cull {
    /// For how long it may be, in seconds.
    pub(super) seconds: u64,
    /// The port that is asked.
    pub(super) port: u16,
    /// The path.
    pub(super) path: String,
}

impl Cull {
    /// As an operation says; none if it is never idle for too long.
    fn of(operation: &CompiledOperation, service: &Service) -> Option<Self> {
        let termination = operation.termination.as_ref()?;
        let seconds = culling::limit(termination)?.as_secs();
        let http = termination.probe.as_ref()?.http.as_ref()?;
        let port = http.port.or_else(|| service.ports.first().copied()).unwrap_or(DEFAULT_PORT);
        let path = http.path.as_deref().unwrap_or_default();
        Some(Self { seconds, port, path: format!("/{}", path.trim_start_matches('/')) })
    }

    /// Where the pod of that address is asked.
    pub(super) fn url(&self, address: &str) -> String {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        format!("http://{host}:{}{}", self.port, self.path)
    }

    /// The same as a duration.
    pub(super) const fn limit(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Has the main container say what it listens on, and be ready when it does: when the first port takes connections, if
/// nobody says otherwise.
pub(super) fn serve(main: &mut Value, service: &Service) {
    let mut ports = main["ports"].as_array().cloned().unwrap_or_default();
    for port in &service.ports {
        if !ports.iter().any(|one| one["containerPort"] == *port) {
            ports.push(json!({"containerPort": port}));
        }
    }
    if !ports.is_empty() {
        main["ports"] = json!(ports);
    }
    if let Some(first) = service.ports.first()
        && main.get("readinessProbe").is_none_or(Value::is_null)
    {
        main["readinessProbe"] = json!({"tcpSocket": {"port": first}, "periodSeconds": PROBE_SECONDS});
    }
}

/// What `pod`, the first of a service, keeps about the others; and what is to be created beside it.
pub(super) fn set(operation: &CompiledOperation, service: &Service, pod: &mut Value) -> Set {
    let pods = service.replicas.unwrap_or(1).max(1);
    let annotations = &mut pod["metadata"]["annotations"];
    annotations[names::PODS] = json!(pods.to_string());
    let served = if service.ports.is_empty() { &[DEFAULT_PORT][..] } else { &service.ports };
    annotations[names::PORTS] = json!(served.iter().map(u16::to_string).collect::<Vec<_>>().join(","));
    if let Some(cull) = Cull::of(operation, service) {
        annotations[names::CULL] = json!(json!(cull).to_string());
    }
    Set { pods, service: address(pod) }
}

/// The Service of Kubernetes by which the set is reached whose first is `pod`, without its owner.
pub(super) fn address(pod: &Value) -> Value {
    let annotations = &pod["metadata"]["annotations"];
    let own: serde_json::Map<_, _> = [names::REPLICA, names::SPEC_HASH]
        .map(|key| (key.to_owned(), annotations[key].clone()))
        .into_iter()
        .collect();
    let ports = annotations[names::PORTS].as_str().unwrap_or_default().split(',');
    let ports: Vec<Value> = ports
        .filter_map(|port| port.parse::<u16>().ok())
        .map(|port| json!({"name": format!("port-{port}"), "port": port, "targetPort": port}))
        .collect();
    let labels = &pod["metadata"]["labels"];
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "labels": labels,
            "annotations": own,
        },
        "spec": {
            "selector": {names::RUN: labels[names::RUN], names::ATTEMPT: labels[names::ATTEMPT]},
            "ports": ports,
        },
    })
}

/// The pod number `index` of a set whose first is `pod`, and has the UID `uid`. It has no finalizer: what becomes of it
/// is kept with the first one.
pub(super) fn part(pod: &Value, index: u32, uid: &str) -> Value {
    let mut part = owned(pod.clone(), pod, uid);
    let metadata = &mut part["metadata"];
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    metadata["name"] = json!(names::part_name(name, index));
    metadata["labels"][names::PART] = json!(index.to_string());
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("finalizers");
    }
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        for of_the_first in [names::PODS, names::PORTS, names::CULL, names::CLAIM_OVER, names::KEEP] {
            annotations.remove(of_the_first);
        }
    }
    part
}

/// `object`, owned by the pod `pod` that has the UID `uid`: Kubernetes removes it after that one.
pub(super) fn owned(mut object: Value, pod: &Value, uid: &str) -> Value {
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": uid});
    object["metadata"]["ownerReferences"] = json!([owner]);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(run: &Value, termination: &Value) -> CompiledOperation {
        let mut run = run.clone();
        run["kind"] = json!("service");
        serde_json::from_value(json!({"run": run, "termination": termination})).unwrap()
    }

    fn first() -> Value {
        json!({"metadata": {
            "name": "berth-r-1", "namespace": "jobs", "finalizers": [names::FINALIZER],
            "labels": {names::RUN: "r", names::ATTEMPT: "1", "team": "a"},
            "annotations": {names::REPLICA: "x", names::SPEC_HASH: "h", names::KEEP: "60", "note": "n"},
        }})
    }

    fn served(ports: &Value, main: &Value) -> Value {
        let operation = operation(&json!({"ports": ports}), &json!({}));
        let mut main = main.clone();
        serve(&mut main, operation.run.service().unwrap());
        main
    }

    #[test]
    fn it_is_ready_when_its_first_port_takes_connections_unless_somebody_says_otherwise() {
        let probe = json!({"tcpSocket": {"port": 8888}, "periodSeconds": 2});
        let main = served(&json!([8888, 9]), &json!({"ports": [{"name": "web", "containerPort": 8888}]}));
        assert_eq!(
            main,
            json!({"ports": [{"name": "web", "containerPort": 8888}, {"containerPort": 9}], "readinessProbe": probe})
        );
        let own = json!({"httpGet": {"path": "/ok", "port": 1}});
        assert_eq!(served(&json!([1]), &json!({"readinessProbe": own}))["readinessProbe"], own);
        assert_eq!(
            served(&json!([]), &json!({"name": "m"})),
            json!({"name": "m"}),
            "nobody knows what to try"
        );
    }

    #[test]
    fn a_service_is_this_service_of_kubernetes() {
        let of = operation(&json!({"ports": [8888], "replicas": 3}), &json!({}));
        let mut pod = first();
        let set = set(&of, of.run.service().unwrap(), &mut pod);
        assert_eq!((set.pods, &pod["metadata"]["annotations"][names::PODS]), (3, &json!("3")));
        assert_eq!(pod["metadata"]["annotations"].get(names::CULL), None);
        assert_eq!(
            owned(set.service.clone(), &pod, "u1"),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": "berth-r-1",
                    "namespace": "jobs",
                    "labels": {names::RUN: "r", names::ATTEMPT: "1", "team": "a"},
                    "annotations": {names::REPLICA: "x", names::SPEC_HASH: "h"},
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "berth-r-1", "uid": "u1"}],
                },
                "spec": {
                    "selector": {names::RUN: "r", names::ATTEMPT: "1"},
                    "ports": [{"name": "port-8888", "port": 8888, "targetPort": 8888}],
                },
            })
        );
        let made = json!({"metadata": pod["metadata"], "spec": {}, "status": {}});
        assert_eq!(address(&made), set.service, "so it is made anew, too");
        let silent = operation(&json!({}), &json!({}));
        let set = super::set(&silent, silent.run.service().unwrap(), &mut pod);
        assert_eq!((set.pods, &set.service["spec"]["ports"][0]["port"]), (1, &json!(80)));
    }

    #[test]
    fn the_other_pods_are_like_the_first_and_owned_by_it() {
        let of = operation(
            &json!({"ports": [1], "replicas": 2}),
            &json!({"culling": {"timeout": 60}, "probe": {"http": {"path": "api/status"}}}),
        );
        let mut pod = first();
        set(&of, of.run.service().unwrap(), &mut pod);
        let cull = pod["metadata"]["annotations"][names::CULL].as_str().unwrap();
        assert_eq!(
            ["10.0.0.1", "fd00::1"].map(|address| serde_json::from_str::<Cull>(cull).unwrap().url(address)),
            ["http://10.0.0.1:1/api/status", "http://[fd00::1]:1/api/status"]
        );
        let expected = Cull { seconds: 60, port: 1, path: "/api/status".to_owned() };
        assert_eq!(serde_json::from_str::<Cull>(cull).unwrap(), expected);
        assert_eq!(
            part(&pod, 1, "u1"),
            json!({"metadata": {
                "name": "berth-r-1-replica-1",
                "namespace": "jobs",
                "labels": {names::RUN: "r", names::ATTEMPT: "1", "team": "a", names::PART: "1"},
                "annotations": {names::REPLICA: "x", names::SPEC_HASH: "h", "note": "n"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "berth-r-1", "uid": "u1"}],
            }})
        );
    }
}
