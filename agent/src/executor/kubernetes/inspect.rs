//! A run's pods as Kubernetes has them, with their events, for people who can't ask Kubernetes themselves. Values that
//! look secret are masked; nothing else is left out but what only Kubernetes' own bookkeeping needs.

use berth_domain::id::RunId;
use berth_domain::redact::redact;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Map, Value, json};

use super::super::Trouble;
use super::{Inner, api, names};

/// How many of a pod's events are shown.
const EVENTS: u32 = 100;

/// Looks at the run's pods, those of earlier attempts included, while they are there.
pub(super) async fn inspect(inner: &Inner, run: RunId) -> Result<Map<String, Value>, Trouble> {
    let mut pods = Vec::new();
    let selector = names::of_run(&inner.settings.agent, &run.to_string());
    for namespace in &inner.namespaces {
        inner.each_pod(namespace, &selector, |pod| pods.push(pod)).await?;
    }
    let mut shown = Map::new();
    for pod in pods {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let events = events(inner, &pod).await;
        shown.insert(name, show(pod, events));
    }
    Ok(shown)
}

/// The pod's events; why there are none, where they can't be listed.
async fn events(inner: &Inner, pod: &Pod) -> Value {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let events: Api<Event> = Api::namespaced(inner.client.clone(), namespace);
    let params = ListParams::default().fields(&format!("involvedObject.uid={uid}")).limit(EVENTS);
    match api::call(|| "can't list events".to_owned(), events.list(&params)).await {
        Ok(found) => found.map(|list| list.items).unwrap_or_default().iter().map(event).collect(),
        Err(error) => json!([{"reason": "Unknown", "message": crate::control::chain(&error)}]),
    }
}

fn event(event: &Event) -> Value {
    json!({
        "type": event.type_,
        "reason": event.reason,
        "message": event.message,
        "field": event.involved_object.field_path,
        "count": event.count.or_else(|| event.series.as_ref()?.count),
        "first": event.first_timestamp,
        "last": event.last_timestamp,
        "at": event.event_time,
        "source": event.reporting_component,
    })
}

fn show(mut pod: Pod, events: Value) -> Value {
    pod.metadata.managed_fields = None;
    let mut shown = serde_json::to_value(&pod).unwrap_or_default();
    shown["events"] = events;
    redact(&mut shown);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_masked_wherever_it_stands() {
        let pod = json!({
            "metadata": {"name": "p", "managedFields": [{"manager": "berth"}]},
            "spec": {"containers": [{
                "name": "main",
                "command": ["sh", "-c", "use hunter2hunter2"],
                "env": [
                    {"name": "DB_PASSWORD", "value": "hunter2hunter2"},
                    {"name": "PLACE", "value": "here"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
            }]},
        });
        let shown = show(serde_json::from_value(pod).unwrap(), json!([{"message": "hunter2hunter2"}]));
        let text = shown.to_string();
        assert!(!text.contains("hunter2") && !text.contains("managedFields"), "{text}");
        assert_eq!(shown["spec"]["containers"][0]["env"][1]["value"], "here");
        assert_eq!(shown["spec"]["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]["name"], "s");
    }
}
