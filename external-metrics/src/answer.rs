//! Answers, as Kubernetes spells them. Pure.

use berth_domain::waiting::Load;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::metric::{Metric, Sample, Server};
use crate::request::{Document, GROUP, VERSION};
use crate::selector::Selector;

/// The values of a metric that `selector` selects; of ages only the largest.
pub(crate) fn values(metric: Metric, selector: &Selector, load: &Load) -> Value {
    let at = load.at.to_string();
    let mut samples = metric.samples(load);
    samples.retain(|sample| selector.selects(&sample.labels));
    if metric.is_age() {
        samples = samples.into_iter().max_by_key(|sample| sample.milli).into_iter().collect();
    }
    let item = |sample: Sample<'_>| {
        let labels: Map<String, Value> =
            sample.labels.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        json!({
            "metricName": metric.name(),
            "metricLabels": labels,
            "timestamp": at,
            "value": quantity(sample.milli),
        })
    };
    let items: Vec<Value> = samples.into_iter().map(item).collect();
    json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "metadata": {},
        "items": items,
    })
}

/// So many thousandths, as a Kubernetes quantity.
fn quantity(milli: u64) -> String {
    if milli.is_multiple_of(1_000) { (milli / 1_000).to_string() } else { format!("{milli}m") }
}

/// Why there is no such answer, as a `Status`. `reason` is a word for programs.
pub(crate) fn refusal(code: StatusCode, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code.as_u16(),
    })
}

/// The metric of that name.
///
/// # Errors
/// If there is none: says which there are.
pub(crate) fn named(name: &str, server: Server) -> Result<Metric, String> {
    let all = Metric::of(server);
    all.iter().copied().find(|metric| metric.name() == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|metric| metric.name()).collect();
        format!("there is no metric `{name}`; there are {}", names.join(", "))
    })
}

/// A document about this API.
pub(crate) fn document(document: Document, server: Server) -> Value {
    let version = json!({ "groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION });
    let group = json!({ "name": GROUP, "versions": [version], "preferredVersion": version });
    let info = json!({ "title": "Berth: external metrics", "version": VERSION });
    match document {
        Document::Groups => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group] }),
        Document::Group => {
            let mut one = group;
            one["kind"] = json!("APIGroup");
            one["apiVersion"] = json!("v1");
            one
        }
        Document::Resources => {
            let resource = |metric: &Metric| {
                json!({
                    "name": metric.name(),
                    "singularName": "",
                    "namespaced": true,
                    "kind": "ExternalMetricValueList",
                    "verbs": ["get", "list"],
                })
            };
            json!({
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": format!("{GROUP}/{VERSION}"),
                "resources": Metric::of(server).iter().map(resource).collect::<Vec<_>>(),
            })
        }
        // Autoscalers need no schema of it: the documents say that there is none, so that nobody looks for one.
        Document::OpenApiV2 => json!({ "swagger": "2.0", "info": info, "paths": {} }),
        Document::OpenApiV3 => {
            let path = format!("apis/{GROUP}/{VERSION}");
            json!({ "paths": { path.clone(): { "serverRelativeURL": format!("/openapi/v3/{path}?hash=1") } } })
        }
        Document::OpenApiV3OfGroup => json!({ "openapi": "3.0.0", "info": info, "paths": {} }),
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::time::Time;
    use berth_domain::waiting::Waiting;

    use super::*;

    fn load() -> Load {
        let queue = |name: &str, admissible, oldest_ms| Waiting {
            queue: name.to_owned(),
            admissible,
            admissible_oldest_ms: oldest_ms,
            backlog: 900,
            oldest_ms: 5_000,
        };
        Load {
            at: Time::from_micros(0),
            queues: vec![("eu".into(), queue("gpu", 7, 1_500)), ("us".into(), queue("gpu", 0, 0))],
            requests: Some(12),
        }
    }

    fn told(metric: Metric, selector: &str) -> Vec<(Value, Value)> {
        let selector = Selector::read(selector, metric.labels()).unwrap();
        let list = values(metric, &selector, &load());
        assert_eq!(list["kind"], "ExternalMetricValueList");
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| (item["metricLabels"].clone(), item["value"].clone())).collect()
    }

    #[test]
    fn a_metric_has_a_value_for_each_queue_that_is_selected() {
        let eu = json!({"agent": "eu", "queue": "gpu"});
        assert_eq!(told(Metric::Admissible, "agent=eu"), [(eu.clone(), json!("7"))]);
        assert_eq!(
            told(Metric::AdmissibleOldest, ""),
            [(eu.clone(), json!("1500m"))],
            "ages are not to be added up"
        );
        assert_eq!(told(Metric::Oldest, "agent=eu"), [(eu, json!("5"))]);
        assert_eq!(told(Metric::Backlog, "").len(), 2);
        assert_eq!(told(Metric::Admissible, "agent=none"), []);
        assert_eq!(told(Metric::Requests, ""), [(json!({}), json!("12"))]);
    }

    #[test]
    fn a_metric_that_is_not_there_is_told_with_those_that_are() {
        assert_eq!(named("berth_queue_backlog", Server::Agent), Ok(Metric::Backlog));
        let told = named("berth_http_requests_in_flight", Server::Agent).unwrap_err();
        assert!(
            told.starts_with("there is no metric `berth_http_requests_in_flight`; there are berth_queue_"),
            "{told}"
        );
        assert!(named("berth_http_requests_in_flight", Server::Api).is_ok());
    }

    #[test]
    fn every_metric_is_a_resource_that_can_be_discovered() {
        let list = document(Document::Resources, Server::Api);
        let names: Vec<&str> =
            list["resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 5);
        assert!(names.iter().all(|name| named(name, Server::Api).is_ok()));
        let group = document(Document::Group, Server::Agent);
        assert_eq!(group["preferredVersion"]["groupVersion"], "external.metrics.k8s.io/v1beta1");
    }
}
