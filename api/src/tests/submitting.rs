//! Submitting: queues, schedules, keys, many at once, tried dry.

use serde_json::{Value, json};

use super::{Api, hello};

const RUNS: &str = "/api/v1/default/p/runs";

#[tokio::test]
async fn an_operation_is_taken_as_a_text_of_json_as_yaml_and_as_an_object() {
    let api = Api::open().await;
    let yaml = "kind: job\nname: y\n";
    for content in [
        json!(hello().to_string()),
        hello(),
        json!("run: {kind: job, container: {image: x, command: [date]}}"),
    ] {
        let answer = api.post(RUNS, &json!({ "content": content })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    assert_eq!(api.post(RUNS, &json!({ "content": yaml })).await.status, 400);
}

#[tokio::test]
async fn a_run_goes_to_the_queue_that_it_names_or_hears_which_there_are() {
    let api = Api::open().await;
    let with = |queue: &str| {
        let mut operation = hello();
        operation["queue"] = json!(queue);
        json!({ "content": operation.to_string() })
    };
    let answer = api.post(RUNS, &with("local/default")).await;
    assert_eq!(answer.ok()["settings"]["agent"]["name"], "local");
    let answer = api.post(RUNS, &with("nowhere/q")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.detail(), "`queue`: queue `nowhere/q` does not exist; there are: local/default");
    let made = api.post("/api/v1/orgs/default/agents/local/queues", &json!({ "name": "q" })).await;
    assert_eq!(made.status, 201);
    assert_eq!(api.post(RUNS, &with("q")).await.ok()["settings"]["queue"]["name"], "q", "known at once");
}

#[tokio::test]
async fn retries_of_a_class_are_taken_and_poison_is_refused_by_name() {
    let api = Api::open().await;
    let with = |retry: &str| {
        let mut operation = hello();
        operation["component"]["run"]["environment"] = json!({ "annotations": { "berth.dev/retry": retry } });
        json!({ "content": operation.to_string() })
    };
    api.post(RUNS, &with("image=5, user=0")).await.ok();
    let refused = api.post(RUNS, &with("poison=1")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.detail().contains("berth.dev/retry"), "{refused:?}");
}

#[tokio::test]
async fn a_run_waits_for_its_time_or_for_an_approval() {
    let api = Api::open().await;
    let later = json!({ "content": hello(), "schedule_at": "2999-01-01T00:00:00Z" });
    assert_eq!(api.post(RUNS, &later).await.ok()["status"], "on_schedule");
    let pending = api.post(RUNS, &json!({ "content": hello(), "pending": "approval" })).await.ok();
    assert_eq!(pending["status"], "created");
    let run = format!("{RUNS}/{}", pending["uuid"].as_str().unwrap());
    assert_eq!(api.get(&format!("{run}/explain")).await.ok()["blocked_by"][0]["rule"], "approval");
    api.post(&format!("{run}/approve"), &json!({})).await.ok();
    let run = api.get(&run).await.ok();
    assert_eq!((run["status"].as_str(), &run["pending"]), (Some("queued"), &Value::Null));
}

#[tokio::test]
async fn a_dry_run_tells_all_and_stores_nothing() {
    let api = Api::open().await;
    let answer = api.post(&format!("{RUNS}?dry_run=true"), &json!({ "content": hello() })).await.ok();
    assert_eq!(answer["operation"]["run"]["container"]["args"], json!(["hi"]));
    assert_eq!(answer["explain"]["position"], 1);
    assert_eq!(api.get(RUNS).await.ok()["count"], 0);
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_and_another_body_is_refused() {
    let api = Api::open().await;
    let body = json!({ "content": hello() }).to_string().into_bytes();
    let key = [("idempotency-key", "k1")];
    let first = api.send("POST", RUNS, &key, body.clone()).await;
    let again = api.send("POST", RUNS, &key, body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = json!({ "content": hello(), "name": "other" }).to_string().into_bytes();
    let refused = api.send("POST", RUNS, &key, other).await;
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.detail(),
        "this Idempotency-Key was used with another body; use a new key for a new request"
    );
    assert_eq!(api.get(RUNS).await.ok()["count"], 1);

    let bad = json!({ "content": "x: [" }).to_string().into_bytes();
    let key = [("idempotency-key", "k2")];
    assert_eq!(api.send("POST", RUNS, &key, bad).await.status, 400);
    let good = json!({ "content": hello() }).to_string().into_bytes();
    assert_eq!(api.send("POST", RUNS, &key, good).await.status, 201, "a refused request frees its key");
}

#[tokio::test]
async fn of_many_runs_each_stands_for_itself() {
    let api = Api::open().await;
    let body = json!({ "runs": [{ "content": hello() }, { "content": "nonsense: 1" }, { "contnt": 1 }, { "content": hello() }] });
    let answer = api.post(&format!("{RUNS}/bulk"), &body).await.ok();
    let statuses: Vec<u64> =
        answer["results"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 400, 201]);
    assert!(
        answer["results"][2]["error"]["detail"].as_str().unwrap().starts_with("`contnt`: unknown field"),
        "{answer}"
    );
    let uuids = [&answer["results"][0]["uuid"], &answer["results"][3]["uuid"]];
    assert_eq!(api.get(RUNS).await.ok()["count"], 2);
    let stop = json!({ "uuids": [uuids[0], uuids[1], "00000000000000000000000000000001"] });
    let stopped = api.post(&format!("{RUNS}/stop"), &stop).await.ok();
    assert_eq!(stopped, json!({ "unknown": ["00000000000000000000000000000001"] }));
    assert_eq!(api.get(&format!("{RUNS}?query=status:stopped")).await.ok()["count"], 2);
}

#[tokio::test]
async fn a_run_of_a_client_follows_its_reports_and_one_of_ours_does_not() {
    let api = Api::open().await;
    let tracked = api.post(RUNS, &json!({ "name": "t" })).await.ok();
    assert_eq!((tracked["managed_by"].as_str(), tracked["status"].as_str()), (Some("user"), Some("created")));
    let statuses = format!("{RUNS}/{}/statuses", tracked["uuid"].as_str().unwrap());
    let report = |status: &str| json!({ "condition": { "type": status, "status": "True" } });
    for (status, now) in
        [("Running", "running"), ("queued", "running"), ("succeeded", "succeeded"), ("failed", "succeeded")]
    {
        let answer = api.post(&statuses, &report(status)).await;
        assert_eq!((answer.status, answer.body["status"].as_str()), (201, Some(now)), "{status}");
    }
    let ours = format!("{RUNS}/{}/statuses", api.submit().await);
    assert_eq!(api.post(&ours, &report("running")).await.status, 403);
}
