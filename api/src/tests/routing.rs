//! Where runs go: defaults, rules, confinement, and what those hear that have nowhere to go.

use serde_json::{Value, json};

use super::{Answer, Api, hello, lease};

const RUNS: &str = "/api/v1/default/p/runs";
const PROJECT: &str = "/api/v1/default/p";
const SETTINGS: &str = "/api/v1/orgs/default/settings";

impl Api {
    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], body.to_string().into_bytes()).await
    }

    async fn make_queues(&self, names: &[&str]) {
        for name in names {
            let made = self.post("/api/v1/orgs/default/agents/local/queues", &json!({ "name": name })).await;
            assert_eq!(made.status, 201, "{made:?}");
        }
    }

    /// Submits a run that says that of where it goes, and says where it went.
    async fn goes(&self, queue: Option<&str>) -> String {
        let run = self.post(RUNS, &with_queue(queue)).await.ok();
        run["settings"]["queue"]["name"].as_str().unwrap().to_owned()
    }
}

fn with_queue(queue: Option<&str>) -> Value {
    let mut operation = hello();
    if let Some(queue) = queue {
        operation["queue"] = json!(queue);
    }
    json!({ "content": operation })
}

#[tokio::test]
async fn a_run_that_names_no_queue_goes_by_rules_then_by_its_projects_default_then_by_the_organizations() {
    let api = Api::open().await;
    api.make_queues(&["org", "project", "rule"]).await;
    assert_eq!(api.goes(None).await, "default");
    let set = api.patch(SETTINGS, &json!({ "default_queue": "org" })).await.ok();
    assert_eq!((&set["default_queue"], &set["routes"]), (&json!("org"), &json!([])));
    assert_eq!(api.goes(None).await, "org");
    api.patch(PROJECT, &json!({ "default_queue": "project" })).await.ok();
    assert_eq!(api.goes(None).await, "project");
    let rule = json!({ "match": { "project": "p", "kind": "job" }, "queues": ["local/rule"] });
    let set = api.patch(SETTINGS, &json!({ "routes": [rule] })).await.ok();
    assert_eq!(set["routes"], json!([rule]));
    assert_eq!(set["default_queue"], "org", "what is not given stays");
    assert_eq!(api.goes(None).await, "rule");
    assert_eq!(api.goes(Some("org")).await, "org", "what it says itself holds");
    api.patch(SETTINGS, &json!({ "routes": null, "default_queue": null })).await.ok();
    let set = api.get(SETTINGS).await.ok();
    assert_eq!((&set["default_queue"], &set["routes"]), (&Value::Null, &json!([])));
    assert_eq!(api.goes(None).await, "project");
}

#[tokio::test]
async fn an_organizations_limits_hold_for_all_of_its_runs_and_are_told_to_what_waits() {
    let api = Api::open().await;
    api.lease(lease()).await;
    let limits = json!({ "concurrency": 0, "quotas": { "gpu": "8" }, "rate": "30/m" });
    let set = api.patch(SETTINGS, &limits).await.ok();
    assert_eq!(
        (&set["concurrency"], &set["quotas"], &set["rate"]),
        (&json!(0), &json!({ "gpu": "8" }), &json!("30/m"))
    );
    let waits = api.post(RUNS, &with_queue(None)).await.ok();
    let told = api.get(&format!("{RUNS}/{}/explain", waits["uuid"].as_str().unwrap())).await.ok();
    let block = &told["blocked_by"][0];
    assert_eq!(
        (&block["rule"], &block["level"], &block["limit"]),
        (&json!("limit"), &json!("organization"), &json!(0))
    );
    let refused = api.patch(SETTINGS, &json!({ "quotas": { "gpu": "many" } })).await;
    assert_eq!(
        (refused.status, refused.detail().contains("`many` is not a quantity")),
        (400, true),
        "{refused:?}"
    );
    let set = api.patch(SETTINGS, &json!({ "concurrency": null, "quotas": null, "rate": null })).await.ok();
    assert_eq!((&set["concurrency"], &set["quotas"], &set["rate"]), (&json!(-1), &json!({}), &Value::Null));
}

#[tokio::test]
async fn rules_that_can_never_be_the_first_and_names_of_nothing_are_refused_in_these_words() {
    let api = Api::open().await;
    let rule = |matches: Value, queue: &str| json!({ "match": matches, "queues": [queue] });
    for (rules, said) in [
        (
            json!([
                rule(json!({ "kind": "job" }), "default"),
                rule(json!({ "kind": "job", "project": "p" }), "default")
            ]),
            "`routes`: rule 2 can never be the first: what it matches, rule 1 matches before it",
        ),
        (
            json!([rule(json!({ "project": "q" }), "default")]),
            "`routes`: rule 1 can never match: project `q` does not exist",
        ),
        (
            json!([rule(json!({}), "fast")]),
            "`routes`: rule 1: queue `fast` does not exist; there are: local/default",
        ),
        (
            json!([rule(json!({ "kind": "dag" }), "default")]),
            "`routes`: rule 1 can never match: no run is of the kind `dag`; use job or service",
        ),
    ] {
        let refused = api.patch(SETTINGS, &json!({ "routes": rules })).await;
        assert_eq!((refused.status, refused.detail()), (400, said));
    }
    let refused = api.patch(SETTINGS, &json!({ "default_queue": "x y" })).await;
    assert!(refused.detail().starts_with("`default_queue`: `x y` is not a name"), "{refused:?}");
    assert_eq!(api.get(SETTINGS).await.ok()["routes"], json!([]), "nothing was changed");
}

#[tokio::test]
async fn a_confined_project_is_refused_what_it_may_not_use_and_what_waits_says_why() {
    let api = Api::open().await;
    api.make_queues(&["fast", "slow"]).await;
    api.lease(lease()).await;
    let waits = api.post(RUNS, &with_queue(Some("slow"))).await.ok();
    let set =
        api.patch(PROJECT, &json!({ "queues": ["fast", "local/fast"], "agents": ["local"] })).await.ok();
    assert_eq!(set["queues"], json!(["local/fast"]), "each once, with its agent");
    assert_eq!(api.goes(Some("fast")).await, "fast");
    for (queue, said) in [
        (
            Some("fast,slow"),
            "`queue`: queue `local/slow` is none that project `p` may use; it is confined to the queues local/fast",
        ),
        (
            None,
            "`queue`: it names no queue; the default queue `local/default` is none that project `p` may use; it is \
             confined to the queues local/fast",
        ),
    ] {
        let refused = api.post(RUNS, &with_queue(queue)).await;
        assert_eq!((refused.status, refused.detail()), (400, said));
    }
    let explain = format!("{RUNS}/{}/explain", waits["uuid"].as_str().unwrap());
    let told = api.get(&explain).await.ok();
    assert_eq!(told["blocked_by"][0]["rule"], "confined");
    assert_eq!(
        told["blocked_by"][0]["message"],
        "project p may not use local/slow: it is confined to the queues local/fast"
    );
    let settings = json!({ "queues": [], "agents": [], "namespaces": ["team"] });
    let set = api.patch(&format!("{PROJECT}/settings"), &settings).await.ok();
    assert_eq!(set, json!({ "queue": null, "queues": [], "agents": [], "namespaces": ["team"] }));
    let refused = api.post(RUNS, &with_queue(None)).await;
    assert_eq!(
        refused.detail(),
        "`namespace`: no namespace, which leaves it to the agent, is none that project `p` may use; it is confined \
         to the namespaces team"
    );
    for (body, said) in [
        (
            json!({ "queues": ["eu/x"] }),
            "`queues`: queue `eu/x` does not exist; there are: local/default, local/fast, local/slow",
        ),
        (json!({ "agents": ["eu"] }), "`agents`: agent `eu` does not exist; there are: local"),
    ] {
        assert_eq!(api.patch(PROJECT, &body).await.detail(), said);
    }
    let refused = api.patch(PROJECT, &json!({ "namespaces": ["A"] })).await;
    assert!(refused.detail().starts_with("`namespaces`: `A` is not a name"), "{refused:?}");
}

#[tokio::test]
async fn a_run_with_several_queues_waits_in_the_first_that_has_room_and_is_told_when_it_moves() {
    let api = Api::open().await;
    api.make_queues(&["fast", "slow"]).await;
    api.lease(lease()).await;
    let queue = |name: &str| format!("/api/v1/orgs/default/agents/local/queues/{name}");
    let set = api.patch(&queue("fast"), &json!({ "overflow_after_seconds": 30 })).await.ok();
    assert_eq!(set["overflow_after_seconds"], 30);
    assert_eq!(api.get(&queue("slow")).await.ok()["overflow_after_seconds"], 60, "by default");
    let refused = api.patch(&queue("fast"), &json!({ "overflow_after_seconds": 90_000 })).await;
    assert_eq!(
        refused.detail(),
        "`overflow_after_seconds`: 90000 is not allowed: use 0 for never, or 1 to 86400"
    );
    assert_eq!(api.goes(Some("fast,slow")).await, "fast");
    assert_eq!(api.goes(Some("fast,slow")).await, "fast", "which has room for more than is about to start");
    for name in ["fast", "slow"] {
        api.patch(&queue(name), &json!({ "concurrency": 3 })).await.ok();
    }
    assert_eq!(api.goes(Some("fast,slow")).await, "fast", "its last slot");
    assert_eq!(api.goes(Some("fast,slow")).await, "slow", "what waits in the first takes all its slots");
    for _ in 0..2 {
        assert_eq!(api.goes(Some("fast,slow")).await, "slow");
    }
    assert_eq!(api.goes(Some("fast,slow")).await, "fast", "no room anywhere: the first that was named");
    let dry = api.post(&format!("{RUNS}?dry_run=true"), &with_queue(Some("fast,slow"))).await.ok();
    let overflow = &dry["explain"]["overflow"];
    assert_eq!(overflow["candidates"], json!(["local/fast", "local/slow"]));
    assert!(overflow["overflow_at"].is_string(), "{overflow}");
    assert!(overflow["message"].as_str().unwrap().starts_with("it moves at "), "{overflow}");
    assert!(api.patch(&queue("fast"), &json!({ "paused": {} })).await.status == 200);
    assert_eq!(api.goes(Some("fast,slow")).await, "slow", "the first is paused");
    let alone = api.post(&format!("{RUNS}?dry_run=true"), &with_queue(Some("slow"))).await.ok();
    assert!(alone["explain"].get("overflow").is_none(), "{alone}");
}

#[tokio::test]
async fn an_agent_that_came_a_moment_ago_counts_for_a_run_that_has_a_choice() {
    let api = Api::open().await;
    api.make_queues(&["fast", "slow"]).await;
    assert_eq!(api.goes(Some("fast,slow")).await, "fast", "none is open: the first that was named");
    let agent = api.app.store.agent("default", "local").await.unwrap();
    api.patch("/api/v1/orgs/default/agents/local/queues/fast", &json!({ "concurrency": 1 })).await.ok();
    assert_eq!(api.goes(Some("fast,slow")).await, "fast", "still none");
    // By a scheduler: this process is not told.
    api.app.store.grant_lease(agent.id, "r1", &lease(), api.app.clock.now()).await.unwrap();
    assert_eq!(api.goes(Some("fast,slow")).await, "slow", "what waits in the first takes its slot");
}
