//! The shapes that the stock client relies on: every key that was seen on Polyaxon's own wire is there.

use serde_json::{Value, json};

use super::{Api, has_keys, hello};

const LISTED: &str = "uuid name created_at updated_at started_at finished_at schedule_at wait_time duration kind runtime \
                      meta_info status pipeline original is_managed managed_by pending inputs outputs tags settings user \
                      bookmarked resources";

#[tokio::test]
async fn the_first_questions_of_the_stock_client_are_answered() {
    let api = Api::open().await;
    let installation = api.get("/api/v1/installation").await.ok();
    assert_eq!(
        (installation["dist"].as_str(), installation["version"].as_str()),
        (Some("ce"), Some("2.18.0"))
    );
    assert_eq!(installation["key"].as_str().unwrap().len(), 32);
    has_keys(&api.get("/api/v1/compatibility/k/2-18-0/cli").await.ok(), "cli platform agent ui");
    has_keys(&api.get("/api/v1/users").await.ok(), "username email name kind theme organization");
    assert_eq!(api.get("/api/v1/log_handler").await.ok(), json!({}));
}

#[tokio::test]
async fn a_project_lives_from_create_to_delete() {
    let api = Api::open().await;
    let body = json!({ "name": "proj1", "description": "d", "tags": ["t1"], "is_public": true });
    let created = api.post("/api/v1/default/projects/create", &body).await;
    assert_eq!(created.status, 201);
    has_keys(&created.body, "uuid name description tags user created_at updated_at readme");
    let again = api.post("/api/v1/default/projects/create", &body).await;
    assert_eq!(
        (again.status, &again.body["name"]),
        (400, &json!(["project with this name already exists."]))
    );
    let listed = api.get("/api/v1/default/projects/list").await.ok();
    has_keys(&listed, "count next previous results");
    has_keys(&listed["results"][0], "uuid name description tags user created_at updated_at bookmarked");
    let patch = json!({ "description": "x", "concurrency": 3 }).to_string().into_bytes();
    let patched = api.send("PATCH", "/api/v1/default/proj1", &[], patch).await.ok();
    assert_eq!((patched["description"].as_str(), patched["concurrency"].as_i64()), (Some("x"), Some(3)));
    has_keys(&api.get("/api/v1/default/proj1").await.ok(), "uuid name bookmarked readme live_state owner");
    assert_eq!(api.send("DELETE", "/api/v1/default/proj1", &[], Vec::new()).await.status, 204);
    let gone = api.get("/api/v1/default/proj1").await;
    assert_eq!((gone.status, gone.detail()), (404, "project `proj1` does not exist"));
}

#[tokio::test]
async fn a_run_lives_from_submit_to_delete() {
    let api = Api::open().await;
    let created = api
        .post("/api/v1/default/p/runs", &json!({ "content": hello().to_string(), "managed_by": "agent" }))
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    has_keys(
        &created.body,
        "uuid kind name description content is_managed managed_by pending meta_info tags settings",
    );
    assert_eq!((created.body["kind"].as_str(), created.body["name"].as_str()), (Some("job"), Some("hello")));
    let uuid = created.body["uuid"].as_str().unwrap();
    assert_eq!(uuid.len(), 32);
    let run = format!("/api/v1/default/p/runs/{uuid}");

    let listed = api.get("/api/v1/default/p/runs?limit=20&query=status%3Aqueued%7Crunning%2C%20kind%3Ajob&sort=-created_at").await.ok();
    assert_eq!(listed["count"], 1);
    has_keys(&listed["results"][0], LISTED);
    let full = api.get(&run).await.ok();
    has_keys(&full, &format!("{LISTED} owner project readme description raw_content content live_state"));
    has_keys(
        &full["settings"],
        "namespace agent queue artifacts_store tensorboard build component models artifacts",
    );
    assert_eq!(full["settings"]["queue"]["name"], "default");
    assert_eq!((full["status"].as_str(), full["inputs"]["msg"].as_str()), (Some("queued"), Some("hi")));
    assert!(!full.to_string().contains("hunter2"), "a secret is shown: {full}");

    let statuses = api.get(&format!("{run}/statuses")).await.ok();
    let types: Vec<&Value> =
        statuses["status_conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
    assert_eq!(types, ["created", "compiled", "queued"]);
    has_keys(
        &statuses["status_conditions"][0],
        "type status reason message last_update_time last_transition_time",
    );

    let patch = json!({ "name": "n2", "tags": ["x", "y"] }).to_string().into_bytes();
    let patched = api.send("PATCH", &run, &[], patch).await.ok();
    assert_eq!((patched["name"].as_str(), &patched["tags"]), (Some("n2"), &json!(["x", "y"])));

    let explain = api.get(&format!("{run}/explain")).await.ok();
    has_keys(&explain, "status position of blocked_by estimate waited");
    assert_eq!(
        (explain["position"].as_u64(), explain["blocked_by"][0]["rule"].as_str()),
        (Some(1), Some("agent_lost"))
    );

    let resumed = api.post(&format!("{run}/resume"), &json!({})).await;
    assert_eq!(
        (resumed.status, resumed.detail()),
        (400, "Cannot resume this run, the run must reach a final state first, current status error: queued")
    );
    assert_eq!(api.post(&format!("{run}/stop"), &json!({})).await.ok(), json!({}));
    assert_eq!(api.get(&run).await.ok()["status"], "stopped");
    let resumed = api.post(&format!("{run}/resume"), &json!({})).await;
    assert_eq!((resumed.status, resumed.body["status"].as_str()), (201, Some("queued")), "{resumed:?}");

    for (verb, kind) in [("restart", "restart"), ("copy", "copy")] {
        let clone = api.post(&format!("{run}/{verb}"), &json!({})).await;
        assert_eq!(clone.status, 201, "{clone:?}");
        assert_eq!(clone.body["original"], json!({ "uuid": uuid, "name": "n2", "kind": kind }));
    }
    assert_eq!(api.get(&format!("{run}/namespace")).await.ok()["namespace"], "default");
    assert_eq!(api.get(&format!("{run}/lineage/clones")).await.ok()["count"], 0);
    assert_eq!(api.send("DELETE", &run, &[], Vec::new()).await.status, 204);
    let gone = api.get(&run).await;
    assert_eq!((gone.status, gone.detail().starts_with("run `")), (404, true), "{gone:?}");
}

#[tokio::test]
async fn agents_and_queues_are_made_changed_paused_and_deleted() {
    let api = Api::open().await;
    let made =
        api.post("/api/v1/orgs/default/agents", &json!({ "name": "eu", "labels": { "gpu": "a100" } })).await;
    assert_eq!(made.status, 201, "{made:?}");
    has_keys(
        &made.body,
        "uuid name description tags live_state user namespace version_api version content created_at updated_at status settings",
    );
    let uuid = made.body["uuid"].as_str().unwrap();
    assert_eq!(api.get(&format!("/api/v1/orgs/default/agents/{uuid}")).await.ok()["name"], "eu");
    let cordon = json!({ "cordoned": true }).to_string().into_bytes();
    assert_eq!(api.send("PATCH", "/api/v1/orgs/default/agents/eu", &[], cordon).await.ok()["cordoned"], true);
    let taken = api.post("/api/v1/orgs/default/agents", &json!({ "name": "eu" })).await;
    assert_eq!((taken.status, taken.detail()), (409, "agent `eu` exists already"));

    let made =
        api.post("/api/v1/orgs/default/agents/eu/queues", &json!({ "name": "gpu", "concurrency": 2 })).await;
    assert_eq!(made.status, 201, "{made:?}");
    has_keys(
        &made.body,
        "uuid agent name description tags user priority concurrency resource quota stats created_at updated_at",
    );
    let queue = "/api/v1/orgs/default/agents/eu/queues/gpu";
    let pause = json!({ "paused": { "reason": "maintenance" } }).to_string().into_bytes();
    let paused = api.send("PATCH", queue, &[], pause).await.ok();
    assert_eq!(
        paused["paused"],
        json!({ "reason": "maintenance", "by": "local", "until": null, "drain": false })
    );
    assert_eq!(api.post(&format!("{queue}/resume"), &json!({})).await.ok()["paused"], Value::Null);
    assert_eq!(api.get("/api/v1/orgs/default/queues").await.ok()["results"].as_array().unwrap().len(), 3);
    assert_eq!(api.send("DELETE", queue, &[], Vec::new()).await.status, 204);
    assert_eq!(api.send("DELETE", "/api/v1/orgs/default/agents/eu", &[], Vec::new()).await.status, 204);
    let audit = api.get("/api/v1/orgs/default/audit?actor=local").await.ok();
    assert_eq!(audit["results"][0]["action"], "agent.delete");
}
