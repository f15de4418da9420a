//! What an operator does to all runs that a query names: shown before, done once, and told.

use berth_domain::lifecycle::{Event, step};
use berth_domain::scheduling::admit;
use berth_store::AdmissionOptions;
use serde_json::{Value, json};

use super::{Api, Auth, Limits, Scope, hello};

const RUNS: &str = "/api/v1/default/p/runs";
const QUEUES: &str = "/api/v1/orgs/default/agents/local/queues";

async fn queue(api: &Api, name: &str, more: Value) {
    let mut body = json!({ "name": name });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.post(QUEUES, &body).await.ok();
}

/// Submits a job to a queue, with a tag; the environment has the label `team`.
async fn submit(api: &Api, queue: &str, tag: &str) -> String {
    let mut operation = hello();
    operation["queue"] = json!(queue);
    operation["component"]["run"]["environment"] = json!({ "labels": { "team": "vision" } });
    let body = json!({ "content": operation.to_string(), "tags": [tag] });
    api.post(RUNS, &body).await.ok()["uuid"].as_str().unwrap().to_owned()
}

async fn run(api: &Api, uuid: &str) -> berth_store::Run {
    api.app.store.run_by_id(uuid.parse().unwrap()).await.unwrap()
}

async fn status(api: &Api, uuid: &str) -> String {
    run(api, uuid).await.status().to_string()
}

async fn conditions(api: &Api, uuid: &str) -> Vec<(String, String)> {
    let conditions = api.app.store.conditions(uuid.parse().unwrap()).await.unwrap();
    conditions.into_iter().map(|condition| (condition.reason, condition.message)).collect()
}

#[tokio::test]
async fn a_purge_is_shown_first_and_stops_what_waits_in_its_queue_alone() {
    let api = Api::open().await;
    queue(&api, "gpu", json!({})).await;
    let (first, second) = (submit(&api, "local/gpu", "a").await, submit(&api, "local/gpu", "b").await);
    let elsewhere = submit(&api, "local/default", "a").await;
    // One is offered and not claimed.
    let now = api.app.clock.now();
    let ids = [first.parse().unwrap()];
    let offer =
        api.app.store.transition(&ids, now, |head| step(&head.dispatch, &Event::Admit, now, 0.0).ok());
    offer.await.unwrap();
    let purge = format!("{QUEUES}/gpu/purge");
    let preview = api.post(&format!("{purge}?dry_run=true"), &json!({})).await.ok();
    assert_eq!((&preview["count"], preview["sample"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(status(&api, &first).await, "scheduled", "nothing has changed");
    let none = api.post(&format!("{purge}?dry_run=true"), &json!({ "query": "status:running" })).await.ok();
    assert_eq!(none["count"], 0, "what runs is not purged");
    let only = api.post(&format!("{purge}?dry_run=true"), &json!({ "query": "tags:b" })).await.ok();
    assert_eq!((&only["count"], &only["sample"][0]["uuid"]), (&json!(1), &json!(second)));
    let headers = [("x-berth-reason", "gone bad")];
    let answer = api.send("POST", &purge, &headers, b"{}".to_vec()).await.ok();
    assert_eq!((&answer["done"], &answer["kept"], &answer["next"]), (&json!(2), &json!(0), &Value::Null));
    assert_eq!([status(&api, &first).await, status(&api, &second).await], ["stopped", "stopped"]);
    assert_eq!(status(&api, &elsewhere).await, "queued");
    let log = api.get("/api/v1/orgs/default/audit?action=run.stop").await.ok();
    let entry = &log["results"][0];
    assert_eq!((&entry["reason"], &entry["details"]["purged"]), (&json!("gone bad"), &json!("local/gpu")));
    assert_eq!(log["results"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn runs_that_are_moved_get_what_the_other_queue_lays_under_them_and_its_lanes() {
    let api = Api::open().await;
    let defaults = json!({ "runPatch": { "container": { "resources": { "requests": { "cpu": "2" } } } },
        "termination": { "maxRetries": 3 } });
    queue(&api, "shared", json!({ "fairness": "label:team", "defaults": defaults })).await;
    let (waits, offered) =
        (submit(&api, "local/default", "x").await, submit(&api, "local/default", "x").await);
    let stays = submit(&api, "local/default", "y").await;
    let now = api.app.clock.now();
    let ids = [offered.parse().unwrap()];
    let offer =
        api.app.store.transition(&ids, now, |head| step(&head.dispatch, &Event::Admit, now, 0.0).ok());
    offer.await.unwrap();
    let before = run(&api, &waits).await;
    assert!(before.lane.labels.is_empty() && before.lane.demand.is_empty());
    let body = json!({ "query": "tags:x", "queue": "local/shared" });
    let preview = api.post(&format!("{RUNS}/move?dry_run=true"), &body).await.ok();
    assert_eq!(preview["count"], 2);
    let answer = api.post(&format!("{RUNS}/move"), &body).await.ok();
    assert_eq!((&answer["done"], &answer["kept"]), (&json!(2), &json!(0)));
    for uuid in [&waits, &offered] {
        let moved = run(&api, uuid).await;
        assert_eq!((moved.queue.as_deref(), moved.status().as_str()), (Some("shared"), "queued"));
        assert_eq!(moved.lane.labels["team"], "vision", "its lane is one of the new queue");
        let demand = [("cpu".to_owned(), "2".parse().unwrap())].into_iter().collect();
        assert_eq!(moved.lane.demand, demand);
        assert_eq!(moved.dispatch.policy.max_retries, 3);
        let content = api.app.store.run_content(moved.id).await.unwrap().content.unwrap();
        assert!(content.contains("\"cpu\":\"2\""), "{content}");
        let (reason, message) = conditions(&api, uuid).await.pop().unwrap();
        assert_eq!(reason, "Moved");
        assert!(message.starts_with("Moved from local/default to local/shared by "), "{message}");
    }
    assert_eq!(run(&api, &waits).await.dispatch.queued_at, before.dispatch.queued_at, "it keeps its age");
    assert_eq!(run(&api, &stays).await.queue.as_deref(), Some("default"));
    let snapshot = api.app.store.snapshot("default", api.app.clock.now(), AdmissionOptions::default());
    let snapshot = snapshot.await.unwrap();
    assert_eq!(snapshot.lanes.len(), 2);
    assert!(admit(&snapshot, 10).starts.is_empty(), "nobody holds a lease");
    let again = api.post(&format!("{RUNS}/move"), &body).await.ok();
    assert_eq!((&again["done"], &again["not_done"][0]["why"]), (&json!(0), &json!("it is there already")));
}

#[tokio::test]
async fn a_larger_priority_goes_first_at_once() {
    let api = Api::open().await;
    let (old, new) = (submit(&api, "local/default", "a").await, submit(&api, "local/default", "b").await);
    let first = async || {
        let snapshot = api.app.store.snapshot("default", api.app.clock.now(), AdmissionOptions::default());
        snapshot.await.unwrap().lanes[0].heads[0].run.to_string()
    };
    assert_eq!(first().await, old);
    let body = json!({ "query": "tags:b", "priority": 7 });
    assert_eq!(api.post(&format!("{RUNS}/reprioritize"), &body).await.ok()["done"], 1);
    assert_eq!((first().await, run(&api, &new).await.priority), (new.clone(), 7));
    assert_eq!(conditions(&api, &new).await.pop().unwrap().0, "Reprioritized");
    let by_uuid = json!({ "uuids": [old], "priority": 9 });
    assert_eq!(api.post(&format!("{RUNS}/reprioritize"), &by_uuid).await.ok()["done"], 1);
    assert_eq!(first().await, old);
}

#[tokio::test]
async fn what_ended_is_done_again_once_and_what_succeeded_only_if_it_is_named() {
    let api = Api::open().await;
    let (one, two) = (submit(&api, "local/default", "a").await, submit(&api, "local/default", "a").await);
    let alive = submit(&api, "local/default", "a").await;
    for uuid in [&one, &two] {
        api.post(&format!("{RUNS}/{uuid}/stop"), &json!({})).await.ok();
    }
    let body = json!({ "query": "tags:a" });
    let answer = api.post(&format!("{RUNS}/restart"), &body).await.ok();
    assert_eq!((&answer["done"], &answer["kept"]), (&json!(2), &json!(0)), "not what it made itself");
    let list = api.get(&format!("{RUNS}?query=tags:a,status:queued")).await.ok();
    assert_eq!(list["count"], 3);
    let answer = api.post(&format!("{RUNS}/resume"), &body).await.ok();
    assert_eq!(answer["done"], 2);
    assert_eq!([status(&api, &one).await, status(&api, &two).await], ["queued", "queued"]);
    assert_eq!(run(&api, &alive).await.dispatch.attempt, 0);
    let none = api.post(&format!("{RUNS}/restart"), &json!({ "query": "status:queued" })).await.ok();
    assert_eq!((&none["done"], &none["next"]), (&json!(0), &Value::Null), "what waits can't be restarted");
    let all = api.post(&format!("{RUNS}/stop"), &json!({ "query": "" })).await.ok();
    assert_eq!(all["done"], 5);
    let done =
        api.post(&format!("{RUNS}/resume?dry_run=true"), &json!({ "query": "status:succeeded" })).await.ok();
    assert_eq!(done["count"], 0);
}

#[tokio::test]
async fn a_hold_says_why_by_whom_and_until_when_and_a_drain_lets_nothing_in() {
    let api = Api::open().await;
    queue(&api, "gpu", json!({})).await;
    let waits = submit(&api, "local/gpu", "a").await;
    let why = async || api.get(&format!("{RUNS}/{waits}/explain")).await.ok()["blocked_by"].clone();
    let body = json!({ "reason": "new driver", "until": "10m" });
    let paused = api.post(&format!("{QUEUES}/gpu/pause"), &body).await.ok()["paused"].clone();
    assert_eq!(
        (&paused["reason"], &paused["by"], &paused["drain"]),
        (&json!("new driver"), &json!("local"), &json!(false))
    );
    let told =
        format!("queue gpu was paused by local until {}: new driver", paused["until"].as_str().unwrap());
    assert!(
        why()
            .await
            .as_array()
            .unwrap()
            .iter()
            .any(|block| block["rule"] == "paused" && block["message"] == told)
    );
    submit(&api, "local/gpu", "b").await;
    api.post(&format!("{QUEUES}/gpu/drain"), &json!({ "reason": "it is sold" })).await.ok();
    assert!(why().await.to_string().contains("queue gpu is being drained by local: it is sold"));
    let mut operation = hello();
    operation["queue"] = json!("local/gpu");
    let refused = api.post(RUNS, &json!({ "content": operation.to_string() })).await;
    assert_eq!(
        (refused.status, refused.detail()),
        (409, "queue local/gpu is being drained by local: it is sold")
    );
    let moved = api.post(&format!("{RUNS}/move"), &json!({ "query": "", "queue": "gpu" })).await;
    assert_eq!((moved.status, moved.detail()), (409, "queue gpu is being drained by local: it is sold"));
    let past = json!({ "until": "2020-01-01T00:00:00Z" });
    assert_eq!(
        api.post(&format!("{QUEUES}/gpu/pause"), &past).await.detail(),
        "`until`: it lies in the past"
    );
    assert_eq!(api.post(&format!("{QUEUES}/gpu/resume"), &json!({})).await.ok()["paused"], Value::Null);

    let agent = "/api/v1/orgs/default/agents/local";
    let drained = api.post(&format!("{agent}/drain"), &json!({ "reason": "moving house" })).await.ok();
    assert_eq!((&drained["draining"], &drained["hold"]["drain"]), (&json!(true), &json!(true)));
    let draining = why().await;
    assert!(draining.as_array().unwrap().iter().any(|block| block["rule"] == "draining"), "{draining}");
    assert_eq!(api.post(RUNS, &json!({ "content": operation.to_string() })).await.status, 409);
    let patched = api.send("PATCH", agent, &[], br#"{"draining": false}"#.to_vec()).await.ok();
    assert_eq!((&patched["draining"], &patched["hold"]), (&json!(false), &Value::Null));
    let cordoned = api.send("PATCH", agent, &[], br#"{"cordoned": true}"#.to_vec()).await.ok();
    assert_eq!(
        (&cordoned["cordoned"], &cordoned["hold"]["reason"]),
        (&json!(true), &json!("no reason was given"))
    );
    let open = api.post(&format!("{agent}/uncordon"), &json!({})).await.ok();
    assert_eq!((&open["cordoned"], &open["hold"]), (&json!(false), &Value::Null));
    let log = api.get("/api/v1/orgs/default/audit?action=agent.drain").await.ok();
    assert_eq!(log["results"][0]["reason"], "moving house");
}

#[tokio::test]
async fn what_makes_no_sense_or_is_not_allowed_is_refused_by_name() {
    let mut api = Api::with(Auth::Tokens, Limits::default()).await;
    api.token = Some(api.token(Scope::Write).await);
    for (verb, body, detail) in [
        ("move", json!({ "query": "" }), "`queue`: This field is required."),
        (
            "move",
            json!({ "query": "", "queue": "local/none" }),
            "`queue`: queue `local/none` does not exist; there are: local/default",
        ),
        ("reprioritize", json!({ "query": "" }), "`priority`: This field is required."),
        (
            "reprioritize",
            json!({ "query": "", "priority": 10 }),
            "`priority`: `10` is not allowed: use 0 to 9",
        ),
        (
            "archive",
            json!({ "query": "" }),
            "`query`: this takes `uuids`; by a query: stop, skip, move, reprioritize, resume, restart",
        ),
        (
            "stop",
            json!({ "query": "", "uuids": ["0123456789abcdef0123456789abcdef"] }),
            "`query`: it and `uuids` exclude each other",
        ),
        ("restart", json!({}), "`uuids`: it has 0 items; 1 to 1000 are allowed, or give a `query`"),
        ("stop", json!({ "query": "", "cursor": "x" }), "`cursor`: it is not one that a call like this gave"),
    ] {
        let refused = api.post(&format!("{RUNS}/{verb}"), &body).await;
        assert_eq!((refused.status, refused.detail()), (400, detail), "{verb}");
    }
    assert_eq!(
        api.post(&format!("{QUEUES}/default/purge"), &json!({})).await.status,
        403,
        "a queue is an operator's"
    );
    api.token = Some(api.token(Scope::Read).await);
    assert_eq!(api.post(&format!("{RUNS}/stop"), &json!({ "query": "" })).await.status, 403);
}
