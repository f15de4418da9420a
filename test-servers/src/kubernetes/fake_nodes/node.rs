//! The objects of one fake node: the node and its lease.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Taint};
use serde_json::{Value, json};

use super::status::time;

/// How a fake node looks to the scheduler.
#[derive(Debug, Clone)]
pub struct FakeNode {
    name: String,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    capacity: BTreeMap<String, String>,
}

impl FakeNode {
    /// A node with 64 CPUs, 256 GiB of memory and room for 20,000 pods.
    pub fn new(name: &str) -> Self {
        let labels = [
            ("kubernetes.io/hostname", name),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
        ];
        let capacity = [("cpu", "64"), ("memory", "256Gi"), ("ephemeral-storage", "1Ti"), ("pods", "20000")];
        Self { name: name.to_owned(), labels: owned(labels), taints: Vec::new(), capacity: owned(capacity) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// With this label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With this taint; `effect` is `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    #[must_use]
    pub fn taint(mut self, key: &str, value: &str, effect: &str) -> Self {
        let value = Some(value.to_owned()).filter(|value| !value.is_empty());
        self.taints.push(Taint { key: key.to_owned(), value, effect: effect.to_owned(), time_added: None });
        self
    }

    /// With so much of a resource: `cpu`, `memory`, `pods`, `nvidia.com/gpu`, ...
    #[must_use]
    pub fn capacity(mut self, resource: &str, quantity: &str) -> Self {
        self.capacity.insert(resource.to_owned(), quantity.to_owned());
        self
    }

    /// The object that a kubelet registers.
    pub(super) fn object(&self, now: Timestamp) -> Node {
        let object = json!({
            "metadata": { "name": self.name, "labels": self.labels },
            "spec": { "taints": self.taints },
            "status": {
                "capacity": self.capacity,
                "allocatable": self.capacity,
                "conditions": conditions(now),
                "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }, { "type": "Hostname", "address": self.name }],
                "nodeInfo": {
                    "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "fake://0", "kernelVersion": "",
                    "kubeProxyVersion": "", "kubeletVersion": "fake", "machineID": "", "operatingSystem": "linux",
                    "osImage": "", "systemUUID": "",
                },
            },
        });
        serde_json::from_value(object).unwrap_or_else(|error| panic!("a node doesn't look so: {error}"))
    }
}

/// The patch of a node's status that says that it is well.
pub(super) fn is_well(now: Timestamp) -> Value {
    json!({ "status": { "conditions": conditions(now) } })
}

/// The lease by which it shows that it lives, to be applied.
pub(super) fn lease(name: &str, now: Timestamp) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": name, "namespace": "kube-node-lease" },
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": 40,
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        },
    })
}

fn conditions(now: Timestamp) -> Value {
    let one = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": reason,
            "lastHeartbeatTime": time(now),
        })
    };
    json!([
        one("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        one("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        one("PIDPressure", "False", "KubeletHasSufficientPID"),
        one("Ready", "True", "KubeletReady"),
    ])
}

fn owned<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}
