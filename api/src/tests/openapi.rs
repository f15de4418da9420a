//! What `/openapi.json` says of query parameters is what handlers take.

use serde_json::{Value, json};

use super::Api;

const UNKNOWN: &str = "berth_unknown=1";

/// The names of the query parameters that the document has for an operation.
fn described(document: &Value, path: &str, method: &str) -> String {
    let Some(parameters) = document["paths"][path][method]["parameters"].as_array() else {
        return String::new();
    };
    let name = |parameter: &Value| {
        let reference = parameter["$ref"].as_str().unwrap();
        document.pointer(reference.trim_start_matches('#')).unwrap()["name"].as_str().unwrap().to_owned()
    };
    parameters.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The names that a refusal of an unknown parameter has.
fn taken(detail: &str) -> &str {
    detail.strip_prefix("unknown query parameter `berth_unknown`; allowed: ").unwrap_or_default()
}

#[tokio::test]
async fn every_query_parameter_that_is_taken_is_described_and_no_other() {
    let api = Api::open().await;
    let run = api.submit().await;
    let document = api.get("/openapi.json").await.ok();
    let mut with_some = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let streams_for_ever = path.ends_with("/events") || path.ends_with("/events/stream");
        if item.get("get").is_none() || streams_for_ever {
            continue;
        }
        let at = path
            .replace("{owner}", "default")
            .replace("{project}", "p")
            .replace("{agent}", "local")
            .replace("{queue}", "default")
            .replace("{uuid}", &run);
        let answer = api.get(&format!("{at}?{UNKNOWN}")).await;
        let described = described(&document, path, "get");
        assert_eq!(taken(answer.detail()), described, "GET {path}: {answer:?}");
        with_some += usize::from(!described.is_empty());
    }
    assert!(with_some > 10, "{with_some}");
}

#[tokio::test]
async fn what_can_be_tried_without_effect_is_described_so() {
    let api = Api::open().await;
    let document = api.get("/openapi.json").await.ok();
    let by_query = json!({ "query": "name:x" });
    for (path, at, body) in [
        ("/api/v1/{owner}/{project}/runs", "/api/v1/default/p/runs", json!({})),
        ("/api/v1/{owner}/{project}/runs/{uuid}", "/api/v1/default/p/runs/stop", by_query.clone()),
        ("/api/v1/orgs/{owner}/runs/{uuid}", "/api/v1/orgs/default/runs/stop", by_query.clone()),
        (
            "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/purge",
            "/api/v1/orgs/default/agents/local/queues/default/purge",
            json!({}),
        ),
        (
            "/api/v1/orgs/{owner}/dead-letters/replay",
            "/api/v1/orgs/default/dead-letters/replay",
            json!({ "query": "reason:poison" }),
        ),
        (
            "/api/v1/orgs/{owner}/dead-letters/drop",
            "/api/v1/orgs/default/dead-letters/drop",
            json!({ "query": "reason:poison" }),
        ),
    ] {
        let answer = api.post(&format!("{at}?{UNKNOWN}"), &body).await;
        assert_eq!(taken(answer.detail()), "dry_run", "POST {path}: {answer:?}");
        assert_eq!(described(&document, path, "post"), "dry_run", "POST {path}");
    }
}
