//! What is shown of an installation: numbers, history, the head of a queue, groups, warnings.

use serde_json::json;

use super::{Api, has_keys, lease};

const QUEUE: &str = "/api/v1/orgs/default/agents/local/queues/default";

#[tokio::test]
async fn queues_are_shown_with_their_numbers_and_on_demand_with_their_last_hour() {
    let api = Api::open().await;
    api.lease(lease()).await;
    for _ in 0..3 {
        api.submit().await;
    }
    let stats = &api.get(QUEUE).await.ok()["stats"];
    assert_eq!(
        (&stats["backlog"], &stats["in_flight"], &stats["consumers"]),
        (&json!(3), &json!(0), &json!(1))
    );
    assert_eq!(stats["priorities"], json!({ "0": 3 }));
    assert!(stats["oldest_seconds"].as_f64().is_some_and(|oldest| oldest < 60.0), "{stats}");
    has_keys(
        stats,
        "offered admissible dead_letters submitted_per_second failed_per_second wait_p50_seconds",
    );

    let seen = [(api.queue().await, berth_domain::history::Gauges { backlog: 3, ..Default::default() })];
    api.app.store.write_history(Some(&seen), api.app.clock.now()).await.unwrap();
    let listed = api.get("/api/v1/orgs/default/queues?series=true").await.ok();
    assert_eq!(listed["results"][0]["stats"]["series"], json!([3]));
    let listed = api.get("/api/v1/orgs/default/queues").await.ok();
    assert!(listed["results"][0]["stats"].get("series").is_none(), "only for who asks");
}

#[tokio::test]
async fn a_queues_history_is_told_in_steps_of_the_range_that_is_asked_for() {
    let api = Api::open().await;
    api.submit().await;
    let seen = [(api.queue().await, berth_domain::history::Gauges { backlog: 1, ..Default::default() })];
    api.app.store.write_history(Some(&seen), api.app.clock.now()).await.unwrap();
    for (range, step) in [("1h", 60), ("24h", 300), ("7d", 3_600), ("30d", 14_400)] {
        for path in
            [format!("{QUEUE}/history?range={range}"), format!("/api/v1/orgs/default/history?range={range}")]
        {
            let history = api.get(&path).await.ok();
            assert_eq!((&history["range"], &history["step_seconds"]), (&json!(range), &json!(step)));
            let points = history["points"].as_array().unwrap();
            let sum = |key: &str| points.iter().filter_map(|point| point[key].as_u64()).sum::<u64>();
            assert_eq!((sum("backlog"), sum("submitted")), (1, 1), "{history}");
        }
    }
    let answer = api.get(&format!("{QUEUE}/history?range=2h")).await;
    assert_eq!(
        (answer.status, &answer.body["range"][0]),
        (400, &json!("`2h` is not a range: use 1h, 24h, 7d or 30d"))
    );
}

#[tokio::test]
async fn the_head_of_a_queue_is_told_in_order_with_what_holds_each_run_back() {
    let api = Api::open().await;
    api.lease(lease()).await;
    let first = api.submit().await;
    let urgent = {
        let content = json!({
            "kind": "operation", "environment": { "annotations": { "berth.dev/priority": "5" } },
            "component": { "run": { "kind": "job", "container": { "image": "x", "command": ["true"] } } },
        });
        let run = api.post("/api/v1/default/p/runs", &json!({ "content": content.to_string() })).await.ok();
        run["uuid"].as_str().unwrap().to_owned()
    };
    let head = api.get(&format!("{QUEUE}/head")).await.ok();
    let runs: Vec<&str> =
        head["results"].as_array().unwrap().iter().map(|run| run["uuid"].as_str().unwrap()).collect();
    assert_eq!(runs, [&urgent, &first]);
    assert_eq!(head["results"][0]["blocked_by"], json!([]), "it is next");
    assert_eq!(head["results"][1]["blocked_by"][0]["message"], "1 run is before it");
    api.post(&format!("{QUEUE}/pause"), &json!({ "reason": "the disk is full" })).await.ok();
    let head = api.get(&format!("{QUEUE}/head?limit=1")).await.ok();
    assert_eq!((&head["count"], &head["results"][0]["blocked_by"][0]["rule"]), (&json!(1), &json!("paused")));
    assert_eq!(api.get(&format!("{QUEUE}/head?limit=201")).await.status, 400);
}

#[tokio::test]
async fn runs_are_counted_by_what_they_have_in_common() {
    let api = Api::open().await;
    for _ in 0..2 {
        api.submit().await;
    }
    let stopped = api.submit().await;
    api.post(&format!("/api/v1/default/p/runs/{stopped}/stop"), &json!({})).await.ok();
    let by_queue = json!([{ "key": "local/default", "count": 3, "statuses": { "queued": 2, "stopped": 1 } }]);
    for path in ["/api/v1/orgs/default/runs/groups", "/api/v1/default/p/runs/groups"] {
        let groups = api.get(&format!("{path}?by=queue")).await.ok();
        assert_eq!((&groups["results"], &groups["is_cut"]), (&by_queue, &json!(false)));
    }
    let groups = api.get("/api/v1/orgs/default/runs/groups?by=status&query=status:queued").await.ok();
    assert_eq!(groups["results"], json!([{ "key": "queued", "count": 2, "statuses": { "queued": 2 } }]));
    let answer = api.get("/api/v1/orgs/default/runs/groups?by=color").await;
    let allowed = "`color` is nothing that runs are counted by; allowed: queue, agent, project, status, user, kind, reason";
    assert_eq!((answer.status, &answer.body["by"][0]), (400, &json!(allowed)));
}

#[tokio::test]
async fn the_overview_counts_what_there_is_and_says_what_is_wrong() {
    let api = Api::open().await;
    api.submit().await;
    let overview = api.get("/api/v1/orgs/default/overview").await.ok();
    assert_eq!(
        (&overview["waiting"], &overview["live"], &overview["queues"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(overview["statuses"], json!({ "queued": 1 }));
    assert_eq!(overview["agents"], json!({ "live": 0, "lost": 0, "cordoned": 0, "count": 1 }));
    assert_eq!(overview["saturation"], json!([{ "agent": "local", "in_flight": 0, "limit": null }]));
    let of = |name: &str| {
        let checks = overview["health"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };
    assert_eq!(of("api"), json!({ "name": "api", "ok": true, "message": null }));
    assert_eq!(of("broker")["ok"], true);
    let silent = "no scheduler has worked yet: runs are accepted, and none starts";
    assert_eq!(of("scheduler"), json!({ "name": "scheduler", "ok": false, "message": silent }));
    assert_eq!(of("agent local")["message"], "it has never asked for a lease");

    let warnings = api.get("/api/v1/orgs/default/warnings").await.ok();
    assert_eq!(overview["warnings"], warnings["results"]);
    let warning = &warnings["results"][0];
    assert_eq!((&warning["name"], &warning["alert"]), (&json!("NoScheduler"), &json!("BerthNoScheduler")));
    assert_eq!((&warning["severity"], &warning["message"]), (&json!("critical"), &json!(silent)));
    assert_eq!(warning["object"], json!({ "kind": "scheduler", "agent": null, "queue": null }));
    assert_eq!(warning["runbook"], "runbooks/NoScheduler.html");

    api.app.store.take_history_turn("s1", api.app.clock.now()).await.unwrap();
    assert_eq!(api.get("/api/v1/orgs/default/warnings").await.ok()["count"], 0, "a scheduler has worked");
}

#[tokio::test]
async fn a_replica_is_shown_with_how_it_works() {
    let api = Api::open().await;
    let sent_at = api.app.clock.now().plus(std::time::Duration::from_secs(60));
    let vitals = berth_domain::protocol::Vitals { sent_at, creates_at_once: Some(16), pushbacks: Some(3) };
    api.lease(berth_domain::protocol::LeaseRequest { vitals: Some(Box::new(vitals)), ..lease() }).await;
    let agent = api.get("/api/v1/orgs/default/agents/local").await.ok();
    let replica = &agent["replicas"][0];
    assert_eq!((&replica["create_limit"], &replica["pushbacks"]), (&json!(16), &json!(3)));
    assert!(
        replica["clock_skew_seconds"].as_f64().is_some_and(|skew| (50.0..=60.0).contains(&skew)),
        "{replica}"
    );
    has_keys(replica, "name version executor heartbeat_seconds held creates_per_second");
    let warnings = api.get("/api/v1/orgs/default/warnings").await.ok();
    let names: Vec<&str> =
        warnings["results"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"ClockSkew"), "{names:?}");
}
