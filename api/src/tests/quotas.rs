//! Quotas, rates and sharing: set, shown, refused, and told of to whoever waits for them.

use serde_json::{Value, json};

use super::Api;

const RUNS: &str = "/api/v1/default/p/runs";
const QUEUE: &str = "/api/v1/orgs/default/agents/local/queues/default";

async fn patch(api: &Api, path: &str, body: &Value) -> super::Answer {
    api.send("PATCH", path, &[], body.to_string().into_bytes()).await
}

fn asking(gpus: &str) -> Value {
    let resources = json!({"limits": {"nvidia.com/gpu": gpus}});
    let container = json!({"image": "a", "command": ["true"], "resources": resources});
    let operation =
        json!({"kind": "operation", "component": {"run": {"kind": "job", "container": container}}});
    json!({ "content": operation.to_string() })
}

#[tokio::test]
async fn what_is_set_is_shown_and_stays_where_nothing_is_said() {
    let api = Api::open().await;
    let limits = json!({
        "quota": {"gpu": 8, "memory": "64Gi"}, "rate": "60/60s", "fairness": "user", "weights": {"ada": 3},
        "reserve_after_seconds": 30, "max_backlog": 1000, "preemption": "lower_priority",
    });
    patch(&api, QUEUE, &limits).await.ok();
    patch(&api, QUEUE, &json!({"description": "fast"})).await.ok();
    let queue = api.get(QUEUE).await.ok();
    assert_eq!(queue["quotas"], json!({"gpu": "8", "memory": "64Gi"}));
    assert_eq!((&queue["quota"], &queue["rate"]), (&Value::Null, &json!("60/m")));
    assert_eq!((&queue["fairness"], &queue["weights"]), (&json!("user"), &json!({"ada": 3})));
    assert_eq!((&queue["reserve_after_seconds"], &queue["max_backlog"]), (&json!(30), &json!(1000)));
    assert_eq!(queue["preemption"], json!("lower_priority"));

    // As a stock client does: it sends back what it got, with Polyaxon's pair.
    let mut sent = queue;
    for unknown in ["quotas", "paused"] {
        sent.as_object_mut().unwrap().remove(unknown);
    }
    (sent["resource"], sent["quota"]) = (json!("gpu"), json!("4"));
    let queue = patch(&api, QUEUE, &sent).await.ok();
    assert_eq!(
        (&queue["resource"], &queue["quota"], &queue["quotas"]),
        (&json!("gpu"), &json!("4"), &json!({"gpu": "4"}))
    );
    let queue = patch(&api, QUEUE, &json!({"quotas": null, "rate": null, "fairness": null})).await.ok();
    assert_eq!(
        (&queue["quotas"], &queue["rate"], &queue["fairness"]),
        (&json!({}), &Value::Null, &json!("project"))
    );
    for path in ["/api/v1/default/p", "/api/v1/orgs/default/agents/local"] {
        let thing = patch(&api, path, &json!({"quotas": {"gpu": "2"}, "rate": "5/s"})).await.ok();
        assert_eq!((&thing["quotas"], &thing["rate"]), (&json!({"gpu": "2"}), &json!("5/s")), "{path}");
    }
}

#[tokio::test]
async fn bad_limits_are_refused_field_by_field() {
    let api = Api::open().await;
    for (body, said) in [
        (
            json!({"quota": {"gpu": "many"}}),
            "`quota`: the quota of `gpu`: `many` is not a quantity: use a number",
        ),
        (json!({"quota": {"gpu": "-1"}}), "`quota`: the quota of `gpu` is -1, which is below zero"),
        (json!({"quota": "8"}), "`resource`: a quota that is one amount needs the resource that it is of"),
        (json!({"rate": "often"}), "`rate`: `often` is not a rate: use starts per period, such as 30/m"),
        (
            json!({"fairness": "label"}),
            "`fairness`: `label` is not allowed: use none, project, user or label:KEY",
        ),
        (
            json!({"preemption": "always"}),
            "`preemption`: `always` is not allowed: use never or lower_priority",
        ),
        (json!({"weights": {"a": 0}}), "`weights`: the weight of `a` is 0: use 1 to 1000"),
    ] {
        let answer = patch(&api, QUEUE, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        let detail = answer.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(said), "{body}: {detail}");
    }
}

#[tokio::test]
async fn a_run_that_waits_for_a_quota_is_told_its_numbers() {
    let api = Api::open().await;
    patch(&api, QUEUE, &json!({"quotas": {"gpu": "2"}})).await.ok();
    let run = api.post(RUNS, &asking("4")).await.ok();
    let path = format!("{RUNS}/{}/explain", run["uuid"].as_str().unwrap());
    let blocked = api.get(&path).await.ok()["blocked_by"].clone();
    let quota = blocked.as_array().unwrap().iter().find(|block| block["rule"] == "quota").unwrap();
    assert_eq!(
        (&quota["level"], &quota["limit"], &quota["used"]),
        (&json!("queue"), &json!("2"), &json!("0"))
    );
    assert_eq!(quota["message"], "it asks for 4 of gpu, and queue default may never use more than 2");
}

#[tokio::test]
async fn a_full_backlog_is_429_with_when_to_try_again() {
    let api = Api::open().await;
    patch(&api, QUEUE, &json!({"max_backlog": 1})).await.ok();
    api.post(RUNS, &asking("1")).await.ok();
    let answer = api.post(RUNS, &asking("1")).await;
    assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (429, "10"));
    assert_eq!(answer.detail(), "queue `default` has 1 waiting runs, and may have no more: try later");
}
