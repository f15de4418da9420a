//! Services, what agents can do, defaults under an operation, and where its fields come from.

use berth_domain::nodes::{Node, NodeSummary, Taint};
use berth_domain::protocol::LeaseRequest;
use serde_json::{Value, json};

use super::{Api, hello, lease};

const RUNS: &str = "/api/v1/default/p/runs";
const LOCAL: &str = "/api/v1/orgs/default/agents/local";
const QUEUE: &str = "/api/v1/orgs/default/agents/local/queues/default";

/// A lease of the agent `local`, that can do these, and has these nodes.
async fn leases(api: &Api, features: &[&str], nodes: Option<NodeSummary>) {
    let features = features.iter().map(|name| (*name).to_owned()).collect();
    api.lease(LeaseRequest { features, nodes: nodes.map(Box::new), ..lease() }).await;
}

fn service() -> Value {
    let run = json!({
        "kind": "service", "ports": [8888], "replicas": 2,
        "container": {"image": "a", "command": ["serve"], "args": ["{{ globals.base_url }}"]},
    });
    json!({ "content": json!({"kind": "operation", "name": "s", "component": {"run": run}}).to_string() })
}

async fn patch(api: &Api, path: &str, body: &Value) -> super::Answer {
    api.send("PATCH", path, &[], body.to_string().into_bytes()).await
}

async fn explained(api: &Api, run: &Value) -> Value {
    api.get(&format!("{RUNS}/{}/explain", run["uuid"].as_str().unwrap())).await.ok()
}

#[tokio::test]
async fn a_service_is_one_in_every_answer_and_is_restarted_as_one() {
    let api = Api::open().await;
    let run = api.post(RUNS, &service()).await.ok();
    assert_eq!(run["kind"], "service");
    let path = format!("{RUNS}/{}", run["uuid"].as_str().unwrap());
    let full = api.get(&path).await.ok();
    assert_eq!((&full["kind"], &full["runtime"]), (&json!("service"), &json!("service")));
    let content: Value = serde_json::from_str(full["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["run"]["ports"], json!([8888]));
    assert_eq!(full["meta_info"], json!({"ports": [8888], "rewrite_path": false, "is_external": false}));
    let again = api.post(&format!("{path}/restart"), &json!({})).await.ok();
    assert_eq!(again["kind"], "service");
    let listed = api.get(&format!("{RUNS}?query=kind:service")).await.ok();
    assert_eq!(listed["results"].as_array().unwrap().len(), 2);
    assert_eq!(api.get(&format!("{RUNS}?query=kind:job")).await.ok()["results"], json!([]));
}

#[tokio::test]
async fn what_no_agent_there_can_do_is_refused_and_waits_where_one_may_come_that_can() {
    let api = Api::open().await;
    let run = api.post(RUNS, &service()).await.ok();
    assert!(
        explained(&api, &run).await["blocked_by"]
            .as_array()
            .unwrap()
            .iter()
            .all(|b| b["rule"] == "agent_lost")
    );
    leases(&api, &["process"], None).await;
    let refused = api.post(RUNS, &service()).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.detail(),
        "`run.kind`: agent local can't do `service`; it can do none of the features that operations may need; name a \
         queue of an agent that can"
    );
    // It was accepted before anybody knew: it waits, and says for what.
    let blocks = explained(&api, &run).await["blocked_by"].clone();
    assert_eq!(blocks[0]["rule"], "no_matching_agent", "{blocks}");
    assert!(blocks[0]["message"].as_str().unwrap().starts_with("agent local can't do `service`"), "{blocks}");
    assert_eq!(blocks.as_array().unwrap().len(), 1, "{blocks}");
    api.submit().await;
    leases(&api, &["process", "service"], None).await;
    assert_eq!(explained(&api, &run).await["blocked_by"], json!([]));
    api.post(RUNS, &service()).await.ok();
}

#[tokio::test]
async fn defaults_are_laid_under_runs_and_every_field_tells_whose_it_is() {
    let api = Api::open().await;
    let agent = json!({"termination": {"ttl": 5, "timeout": 60}, "env": {"API_TOKEN": "abcdefgh12345678"}});
    let shown = patch(&api, LOCAL, &json!({ "defaults": agent })).await.ok();
    assert_eq!(shown["defaults"]["termination"]["ttl"], 5);
    assert!(!shown.to_string().contains("abcdefgh12345678"), "{shown}");
    let queue = json!({"environment": {"tolerations": [{"key": "gpu"}]}, "priority": 4});
    patch(&api, QUEUE, &json!({ "defaults": queue })).await.ok();
    let mut operation = hello();
    operation["termination"] = json!({"timeout": 9});
    let body = json!({ "content": operation.to_string() });
    let run = api.post(RUNS, &body).await.ok();
    let path = format!("{RUNS}/{}", run["uuid"].as_str().unwrap());
    let full = api.get(&path).await.ok();
    assert_eq!(full["priority"], 4);
    let content: Value = serde_json::from_str(full["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["termination"], json!({"ttl": 5, "timeout": 9}));
    assert_eq!(content["run"]["environment"]["tolerations"], json!([{"key": "gpu"}]));
    let raw: Value = serde_json::from_str(full["raw_content"].as_str().unwrap()).unwrap();
    assert_eq!(raw["termination"], json!({"timeout": 9}), "as it was submitted");
    let told = api.get(&format!("{path}/origins")).await.ok()["origins"].clone();
    assert_eq!(told["termination.ttl"], "agent");
    assert_eq!(told["termination.timeout"], "operation");
    assert_eq!(told["run.environment"], "queue");
    assert_eq!(told["run.container.env[0]"], "agent");
    assert_eq!(told["run.container.image"], "component");
    let dry = api.post(&format!("{RUNS}?dry_run=true"), &body).await.ok();
    assert_eq!(dry["origins"], told);

    // Made anew from what was submitted, under what holds now.
    patch(&api, LOCAL, &json!({ "defaults": null })).await.ok();
    let again = api.post(&format!("{path}/restart"), &json!({})).await.ok();
    let path = format!("{RUNS}/{}", again["uuid"].as_str().unwrap());
    let content = api.get(&path).await.ok()["content"].as_str().unwrap().to_owned();
    let content: Value = serde_json::from_str(&content).unwrap();
    assert_eq!(content["termination"], json!({"timeout": 9}));
    patch(&api, QUEUE, &json!({ "defaults": {} })).await.ok();
    let plain = api.submit().await;
    let told = api.get(&format!("{RUNS}/{plain}/origins")).await.ok()["origins"].clone();
    assert_eq!(told["run.container"], "component");
    let log = api.get("/api/v1/orgs/default/audit?action=queue.update").await.ok();
    assert_eq!(log["results"][1]["details"]["defaults"]["priority"], 4, "{log}");
}

#[tokio::test]
async fn defaults_that_cant_be_are_refused_with_their_paths_and_change_nothing() {
    let api = Api::open().await;
    for (defaults, expected) in [
        (
            json!({"enviroment": {}}),
            "defaults.enviroment: unknown field `enviroment`; did you mean `environment`?",
        ),
        (json!({"queue": "a"}), "defaults.queue: defaults are laid under a run once its queue is chosen"),
        (json!({"cmd": "x"}), "defaults.cmd: defaults and saved presets say how"),
        (json!([1]), "`defaults`: expected an operation patch (a mapping), or null"),
        (
            json!({"tags": ["x".repeat(70_000)]}),
            "`defaults`: they have 70013 bytes; allowed are at most 65536",
        ),
    ] {
        for path in [LOCAL, QUEUE] {
            let refused = patch(&api, path, &json!({ "defaults": defaults })).await;
            assert_eq!(refused.status, 400, "{defaults}");
            assert!(refused.detail().contains(expected), "{expected}\n{}", refused.detail());
        }
    }
    assert_eq!(api.get(QUEUE).await.ok()["defaults"], Value::Null);
    // Well-formed, and wrong for this run: refused then, with the queue's name.
    patch(&api, QUEUE, &json!({ "defaults": {"resources": {"cpu": "1..2"}} })).await.ok();
    let mut operation = hello();
    operation["component"]["run"]["container"]["resources"] = json!({"requests": {"cpu": "4"}});
    let refused = api.post(RUNS, &json!({ "content": operation.to_string() })).await;
    assert_eq!(refused.status, 400);
    assert!(refused.detail().starts_with("With the defaults of local/default under it"), "{refused:?}");
    // And what they need counts like what the run itself needs.
    leases(&api, &["process"], None).await;
    patch(&api, QUEUE, &json!({ "defaults": {"environment": {"nodeSelector": {"a": "b"}}} })).await.ok();
    let refused = api.post(RUNS, &json!({ "content": hello().to_string() })).await;
    assert!(refused.detail().contains("can't do `kubernetes-environment`"), "{refused:?}");
}

#[tokio::test]
async fn a_run_that_no_node_can_take_is_told_so_before_and_after_it_is_submitted() {
    let api = Api::open().await;
    let node = Node {
        labels: [("pool".to_owned(), "cpu".to_owned())].into(),
        taints: vec![Taint { key: "spot".into(), value: String::new(), effect: "PreferNoSchedule".into() }],
        ..Node::default()
    };
    leases(&api, &["kubernetes-environment"], Some(NodeSummary::of(&[node]))).await;
    assert_eq!(api.get(LOCAL).await.ok()["nodes"]["labels"]["pool"]["values"], json!(["cpu"]));
    let mut operation = hello();
    operation["component"]["run"]["environment"] = json!({"nodeSelector": {"pool": "gpu"}});
    let body = json!({ "content": operation.to_string() });
    let expected = json!(["no node of agent local has pool=gpu; there are cpu"]);
    let dry = api.post(&format!("{RUNS}?dry_run=true"), &body).await.ok();
    assert_eq!(dry["explain"]["placement"], expected);
    let run = api.post(RUNS, &body).await.ok();
    let told = explained(&api, &run).await;
    assert_eq!((&told["placement"], &told["blocked_by"]), (&expected, &json!([])));
    let fits = json!({ "content": hello().to_string() });
    let run = api.post(RUNS, &fits).await.ok();
    assert_eq!(explained(&api, &run).await["placement"], json!([]));
}

#[tokio::test]
async fn saved_presets_are_made_named_and_laid_under_what_names_them() {
    let api = Api::open().await;
    let presets = "/api/v1/orgs/default/presets";
    let gpu = "isPreset: true\nenvironment: {nodeSelector: {pool: gpu, zone: a}}\ntermination: {ttl: 7}";
    let made = api.post(presets, &json!({"name": "gpu", "tags": ["x"], "content": gpu})).await.ok();
    for key in
        ["uuid", "name", "description", "tags", "user", "content", "live_state", "created_at", "updated_at"]
    {
        assert!(made.get(key).is_some(), "{key}");
    }
    assert_eq!(api.post(presets, &json!({"name": "gpu", "content": {}})).await.status, 409);
    api.post(presets, &json!({"name": "eu_1", "content": {"queue": "local/default", "priority": 5}}))
        .await
        .ok();
    let named = |names: Value| {
        let mut operation = hello();
        operation["presets"] = names;
        json!({ "content": operation.to_string() })
    };
    let run = api.post(RUNS, &named(json!(["gpu", "eu_1"]))).await.ok();
    let path = format!("{RUNS}/{}", run["uuid"].as_str().unwrap());
    let full = api.get(&path).await.ok();
    let content: Value = serde_json::from_str(full["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["run"]["environment"]["nodeSelector"], json!({"pool": "gpu", "zone": "a"}));
    assert_eq!((&content["presets"], &full["priority"]), (&json!(["gpu", "eu_1"]), &json!(5)));
    let told = api.get(&format!("{path}/origins")).await.ok()["origins"].clone();
    assert_eq!(told["run.environment.nodeSelector"], "preset:gpu");
    assert_eq!((&told["termination"], &told["queue"]), (&json!("preset:gpu"), &json!("preset:eu_1")));
    let refused = api.post(RUNS, &named(json!(["gqu"]))).await;
    assert_eq!(refused.detail(), "`presets`: preset `gqu` does not exist; there are: eu_1, gpu");

    // A queue names one for all its runs; over its own words, under the operation's.
    let defaults = json!({"presets": ["gpu"], "termination": {"ttl": 1, "maxRetries": 2}});
    patch(&api, QUEUE, &json!({ "defaults": defaults })).await.ok();
    let by_uuid = format!("{presets}/{}", made["uuid"].as_str().unwrap());
    patch(&api, &by_uuid, &json!({"content": {"termination": {"ttl": 8}}})).await.ok();
    let run = api.submit().await;
    let content = api.get(&format!("{RUNS}/{run}")).await.ok()["content"].as_str().unwrap().to_owned();
    let content: Value = serde_json::from_str(&content).unwrap();
    assert_eq!(content["termination"], json!({"ttl": 8, "maxRetries": 2}));
    assert_eq!(content["run"].get("environment"), None, "changed since");

    assert_eq!(api.get(&format!("{presets}/names")).await.ok()["count"], 2);
    assert_eq!(api.send("DELETE", &format!("{presets}/gpu"), &[], Vec::new()).await.status, 204);
    assert_eq!(api.get(&by_uuid).await.status, 404);
    let refused = api.post(RUNS, &json!({ "content": hello().to_string() })).await;
    assert!(
        refused.detail().contains("preset `gpu` does not exist"),
        "the queue still names it: {refused:?}"
    );
}

#[tokio::test]
async fn presets_that_cant_be_are_refused_by_name() {
    let api = Api::open().await;
    let presets = "/api/v1/orgs/default/presets";
    for (body, expected) in [
        (json!({"content": {}}), "`name`: This field is required."),
        (json!({"name": "a"}), "`content`: This field is required."),
        (json!({"name": "a b", "content": {}}), "`name`: `a b` is not allowed: use 1 to 128 of"),
        (json!({"name": "names", "content": {}}), "`name`: `names` is not allowed"),
        (
            json!({"name": "a", "content": "isPreset: true\ncmd: x"}),
            "The preset is invalid: cmd: defaults and",
        ),
        (
            json!({"name": "a", "content": {"presets": ["b"]}}),
            "The preset is invalid: presets: a saved preset",
        ),
        (
            json!({"name": "a", "content": "enviroment: {}"}),
            "The preset is invalid: line 1, column 1: enviroment",
        ),
    ] {
        let refused = api.post(presets, &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.detail().starts_with(expected), "{expected}\n{}", refused.detail());
    }
    assert_eq!(api.get(presets).await.ok()["results"], json!([]));
}
