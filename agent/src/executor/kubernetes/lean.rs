//! Pods as the watch reads them, and what is read of an answer to a create: only what a pod is judged by. The rest of a pod,
//! most of all who manages which of its fields, is skipped unread: it is several times as large, and comes with every change.

use std::collections::BTreeMap;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::Deserialize;

/// A pod without what nobody asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Lean")]
pub(super) struct Seen(pub(super) Pod);

impl Resource for Seen {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        Pod::kind(&())
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        Pod::group(&())
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        Pod::version(&())
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        Pod::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

/// What an object's metadata says, of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "LeanObject")]
pub(super) struct Landed(pub(super) ObjectMeta);

#[derive(Deserialize)]
struct LeanObject {
    #[serde(default)]
    metadata: LeanMeta,
}

#[derive(Deserialize)]
struct Lean {
    #[serde(default)]
    metadata: LeanMeta,
    spec: Option<LeanSpec>,
    status: Option<PodStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LeanMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    finalizers: Option<Vec<String>>,
    owner_references: Option<Vec<OwnerReference>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeanSpec {
    node_name: Option<String>,
    active_deadline_seconds: Option<i64>,
    #[serde(default)]
    containers: Vec<LeanContainer>,
    init_containers: Option<Vec<LeanContainer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeanContainer {
    name: String,
    restart_policy: Option<String>,
}

impl From<LeanMeta> for ObjectMeta {
    fn from(meta: LeanMeta) -> Self {
        Self {
            name: meta.name,
            namespace: meta.namespace,
            uid: meta.uid,
            resource_version: meta.resource_version,
            labels: meta.labels,
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: meta.owner_references,
            creation_timestamp: meta.creation_timestamp,
            deletion_timestamp: meta.deletion_timestamp,
            deletion_grace_period_seconds: meta.deletion_grace_period_seconds,
            ..Self::default()
        }
    }
}

impl From<LeanContainer> for Container {
    fn from(container: LeanContainer) -> Self {
        Self { name: container.name, restart_policy: container.restart_policy, ..Self::default() }
    }
}

impl From<LeanSpec> for PodSpec {
    fn from(spec: LeanSpec) -> Self {
        Self {
            node_name: spec.node_name,
            active_deadline_seconds: spec.active_deadline_seconds,
            containers: spec.containers.into_iter().map(Container::from).collect(),
            init_containers: spec
                .init_containers
                .map(|containers| containers.into_iter().map(Container::from).collect()),
            ..Self::default()
        }
    }
}

impl From<Lean> for Seen {
    fn from(lean: Lean) -> Self {
        Self(Pod { metadata: lean.metadata.into(), spec: lean.spec.map(PodSpec::from), status: lean.status })
    }
}

impl From<LeanObject> for Landed {
    fn from(object: LeanObject) -> Self {
        Self(object.metadata.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::status::{Patience, read};
    use super::*;

    fn pod(status: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "berth-r-0",
                "namespace": "jobs",
                "uid": "u",
                "resourceVersion": "7",
                "creationTimestamp": "2026-11-25T10:00:00Z",
                "labels": {
                    "berth.dev/run": "0199c2b0-7c1e-7000-8000-000000000001", "berth.dev/attempt": "0",
                },
                "annotations": {"berth.dev/replica": "r1"},
                "finalizers": ["berth.dev/attempt"],
                "managedFields": [{"manager": "berth", "fieldsV1": {"f:metadata": {"f:labels": {}}}}],
            },
            "spec": {
                "nodeName": "n1",
                "activeDeadlineSeconds": 60,
                "containers": [{"name": "polyaxon-main", "image": "busybox", "args": ["x"]}],
                "initContainers": [{"name": "polyaxon-collector", "image": "b", "restartPolicy": "Always"}],
                "tolerations": [{"key": "a"}],
            },
            "status": status,
        })
    }

    #[test]
    fn it_reads_as_the_whole_pod_does() {
        let main = |state: Value| json!({"name": "polyaxon-main", "image": "b", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        let at = "2026-11-25T10:00:05Z";
        for status in [
            json!({"phase": "Pending"}),
            json!({"phase": "Running", "containerStatuses": [main(json!({"running": {"startedAt": at}}))]}),
            json!({"phase": "Failed", "containerStatuses": [
                main(json!({"terminated": {"exitCode": 3, "startedAt": at, "finishedAt": at}})),
            ]}),
            json!({"phase": "Failed", "reason": "DeadlineExceeded"}),
        ] {
            let whole: Pod = serde_json::from_value(pod(&status)).unwrap();
            let Seen(lean) = serde_json::from_value(pod(&status)).unwrap();
            let patience = Patience::default();
            let reading = read(&lean, patience);
            assert!(reading.is_some());
            assert_eq!(reading, read(&whole, patience), "{status}");
            assert_eq!(lean.metadata.managed_fields, None);
        }
    }

    #[test]
    fn of_what_was_created_the_metadata_is_enough_for_its_first_reading() {
        let created = pod(&json!({"phase": "Pending"}));
        let whole: Pod = serde_json::from_value(created.clone()).unwrap();
        let partial = json!({"kind": "PartialObjectMetadata", "metadata": created["metadata"]});
        let Landed(metadata) = serde_json::from_value(partial).unwrap();
        let pod = Pod { metadata, ..Pod::default() };
        assert_eq!(read(&pod, Patience::default()), read(&whole, Patience::default()));
    }
}
