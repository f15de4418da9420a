//! What agents say of themselves: labels under an operator's, and the namespaces that they serve.

use berth_broker::{Broker, ManagementUrl, Settings};
use berth_domain::labels::Labels;
use berth_domain::protocol::LeaseRequest;
use berth_domain::reported::ConnectionName;
use serde_json::{Value, json};

use super::{Api, HOST, hello, lease};
use crate::app::Auth;
use crate::layers::Limits;

const RUNS: &str = "/api/v1/default/p/runs";
const LOCAL: &str = "/api/v1/orgs/default/agents/local";

/// A lease of the agent `local`, as a replica asks for it.
async fn reports(api: &Api, labels: Value, namespaces: &[&str]) {
    let labels = Some(serde_json::from_value(labels).unwrap());
    let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
    api.lease(LeaseRequest { labels, namespaces, ..lease() }).await;
}

fn selecting(selector: &str) -> Value {
    let mut operation = hello();
    let annotations = json!({ "annotations": { "berth.dev/agent-selector": selector } });
    operation["component"]["run"]["environment"] = annotations;
    json!({ "content": operation.to_string() })
}

#[tokio::test]
async fn selectors_match_reported_labels_under_an_operators() {
    let api = Api::open().await;
    assert_eq!(
        api.post(RUNS, &selecting("gpu=a100")).await.detail(),
        "`berth.dev/agent-selector`: no agent has the labels gpu=a100"
    );
    reports(&api, json!({ "gpu": "a100", "zone": "eu" }), &[]).await;
    api.post(RUNS, &selecting("gpu=a100,zone=eu")).await.ok();
    let patch = json!({ "labels": { "gpu": "none", "rack": "7" } }).to_string().into_bytes();
    let agent = api.send("PATCH", LOCAL, &[], patch).await.ok();
    assert_eq!(agent["labels"], json!({ "gpu": "none", "rack": "7" }));
    assert_eq!(agent["reported_labels"], json!({ "gpu": "a100", "zone": "eu" }));
    assert_eq!(agent["effective_labels"], json!({ "gpu": "none", "rack": "7", "zone": "eu" }));
    assert_eq!(api.post(RUNS, &selecting("gpu=a100")).await.status, 400);
    api.post(RUNS, &selecting("gpu=none,zone=eu")).await.ok();
}

#[tokio::test]
async fn a_connection_that_no_agent_has_is_refused_and_one_that_is_gone_is_explained() {
    let api = Api::open().await;
    let has = async |names: &[&str]| {
        let connections = names.iter().map(|name| ConnectionName { name: (*name).into(), kind: "s3".into() });
        let features = ["image", "connections"].map(str::to_owned).to_vec();
        let labels = Some(Labels::new());
        let connections = connections.collect();
        api.lease(LeaseRequest { labels, connections, features, ..lease() }).await;
    };
    let mut operation = hello();
    operation["component"]["run"]["connections"] = json!(["data"]);
    let body = json!({ "content": operation.to_string() });
    has(&["logs"]).await;
    let refused = api.post(RUNS, &body).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.detail(), "`run.connections`: agent local has no connection `data`; it has logs");
    has(&["data", "logs"]).await;
    let shown = api.get(LOCAL).await.ok();
    assert_eq!(shown["connections"][0], json!({ "name": "data", "kind": "s3" }));
    let run = api.post(RUNS, &body).await.ok();
    let explain = format!("{RUNS}/{}/explain", run["uuid"].as_str().unwrap());
    let told = async || api.get(&explain).await.ok()["blocked_by"].to_string();
    assert!(!told().await.contains("no connection"));
    has(&["logs"]).await;
    assert!(told().await.contains("agent local has no connection `data`; it has logs; the run fails when"));
}

#[tokio::test]
async fn labels_that_are_none_are_refused_by_name() {
    let api = Api::open().await;
    let patch = json!({ "labels": { "a b": "c" } }).to_string().into_bytes();
    let refused = api.send("PATCH", LOCAL, &[], patch).await;
    assert_eq!(refused.status, 400);
    assert!(refused.detail().starts_with("`labels`: the key `a b` is not 1 to 63 of"), "{refused:?}");
}

#[tokio::test]
async fn a_namespace_that_no_agent_serves_is_refused_and_one_that_is_no_longer_served_is_explained() {
    let api = Api::open().await;
    let mut operation = hello();
    operation["namespace"] = json!("ml");
    let body = json!({ "content": operation.to_string() });
    reports(&api, json!({}), &["etl"]).await;
    let refused = api.post(RUNS, &body).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.detail(), "`namespace`: agent local does not serve the namespace `ml`; it serves etl");
    reports(&api, json!({}), &["etl", "ml"]).await;
    let run = api.post(RUNS, &body).await.ok();
    let explain = format!("{RUNS}/{}/explain", run["uuid"].as_str().unwrap());
    let lacks = |answer: &Value| {
        let blocks = answer["blocked_by"].as_array().unwrap().clone();
        blocks.into_iter().find(|block| block["rule"] == "no_matching_agent")
    };
    assert_eq!(lacks(&api.get(&explain).await.ok()), None);
    reports(&api, json!({}), &["etl"]).await;
    let block = lacks(&api.get(&explain).await.ok()).unwrap();
    assert!(block["message"].as_str().unwrap().contains("does not serve the namespace `ml`"), "{block}");
}

#[tokio::test]
async fn agents_inside_the_process_need_no_credentials_and_get_none() {
    let api = Api::open().await;
    let path = format!("{LOCAL}/credentials");
    let there = api.get(&path).await.ok();
    assert_eq!((&there["needed"], &there["results"]), (&json!(false), &json!([])));
    let refused = api.post(&path, &json!({})).await;
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("inside this process"), "{refused:?}");
    let nothing = api.send("DELETE", &format!("{path}/1"), &[], Vec::new()).await;
    assert_eq!((nothing.status, nothing.detail()), (404, "generation `1` does not exist"));
}

/// That an answer has just what `/openapi.json` says.
async fn is_described(api: &Api, method: &str, path: &str, status: &str, answer: &Value) {
    let document = api.get("/openapi.json").await.ok();
    let path = format!("/api/v1/orgs/{{owner}}/agents/{{agent}}/{path}");
    let content = &document["paths"][&path][method]["responses"][status]["content"]["application/json"];
    let name = content["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{method} {path}: {document:#}"));
    let schema = document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no schema {name}"));
    let described: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), described, "{name}");
    assert_eq!(schema["required"], json!(described));
    for (key, value) in answer.as_object().unwrap() {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let said = &schema["properties"][key]["type"];
        let fits = said == kind || said.as_array().is_some_and(|kinds| kinds.contains(&json!(kind)));
        assert!(fits, "{name}: {key} is {kind}, not {said}");
    }
}

#[tokio::test]
async fn where_the_broker_can_not_be_told_of_users_credentials_are_made_and_it_is_said_what_is_left_to_do() {
    let mut settings = Settings::new("amqp://me:s3cret@127.0.0.1:1/%2fx").unwrap();
    settings.management = ManagementUrl::Off;
    let auth = Auth::OpenOnLoopback { allowed_hosts: vec![HOST.to_owned()] };
    let api = Api::on(Broker::connect(settings).unwrap(), auth, Limits::default()).await;
    let path = format!("{LOCAL}/credentials");
    let made = api.post(&path, &json!({})).await.ok();
    let password = made["password"].as_str().unwrap();
    assert_eq!(made["url"], format!("amqp://berth-local:{password}@127.0.0.1:1/%2fx"));
    assert_eq!((&made["on_broker"], &made["valid"]), (&json!(false), &json!([1])));
    assert!(made["note"].as_str().unwrap().contains("berth broker export rabbitmq"), "{made}");
    is_described(&api, "post", "credentials", "201", &made).await;
    let second = api.post(&path, &json!({})).await.ok();
    assert_ne!(second["password"], made["password"]);
    assert_eq!((&second["user"], &second["valid"]), (&json!("berth-local.2"), &json!([1, 2])));
    let listed = api.get(&path).await.ok();
    is_described(&api, "get", "credentials", "200", &listed).await;
    assert_eq!((&listed["needed"], &listed["count"]), (&json!(true), &json!(2)));
    let told = listed.to_string();
    assert!(!told.contains(password) && !told.contains("hash") && !told.contains("s3cret"), "{told}");
    let retired = api.send("DELETE", &format!("{path}/1"), &[], Vec::new()).await.ok();
    is_described(&api, "delete", "credentials/{generation}", "200", &retired).await;
    assert_eq!((&retired["user"], &retired["on_broker"]), (&json!("berth-local"), &json!(false)));
    assert!(
        retired["note"].as_str().unwrap().contains("delete the user `berth-local` there by hand"),
        "{retired}"
    );
    assert_eq!(api.get(&path).await.ok()["results"][0]["generation"], 2);
    let log = api.get("/api/v1/orgs/default/audit").await.ok().to_string();
    assert!(log.contains("agent.credentials.create") && log.contains("agent.credentials.retire"), "{log}");
    assert!(!log.contains(password), "{log}");
}
