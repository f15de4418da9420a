//! Dead letters: found by what they are, and each sent on its way once.

use berth_broker_config::arguments::QueueKind;
use berth_broker_config::build;
use berth_domain::dead_letter::Reason;
use berth_domain::lifecycle::{ClaimLimits, Event, MAX_LOST_CLAIMS, step};
use berth_domain::protocol::Envelope;
use berth_store::{Agent, DeadMessage};
use serde_json::{Value, json};
use std::time::Duration;

use super::{Api, Auth, Limits, Scope, has_keys};

const LETTERS: &str = "/api/v1/orgs/default/dead-letters";

async fn agent(api: &Api) -> Agent {
    let agent = api.app.store.agent("default", "local").await.unwrap();
    let broker = &api.app.requests_broker;
    broker.apply(&build::agent(&api.app.names, "local", ["default"], QueueKind::Quorum)).await.unwrap();
    agent
}

pub(super) async fn message(api: &Api, reason: Reason, raw: &str) {
    let agent = agent(api).await;
    let queue = api.app.store.queue("default", "local", "default").await.unwrap();
    let message = DeadMessage {
        owner: "default".to_owned(),
        agent_id: Some(agent.id),
        queue_id: (reason == Reason::Undecodable).then_some(queue.id),
        reason,
        detail: "on `out`: nobody can read it".to_owned(),
        raw: raw.to_owned(),
        envelope: Some(Envelope { content_type: Some("text/plain".to_owned()), ..Envelope::default() }),
        is_cut: false,
    };
    api.app.store.add_dead_message(&message, api.app.clock.now()).await.unwrap();
}

/// Has a waiting run claimed five times without a start.
async fn poison(api: &Api, run: &str) {
    let id = run.parse().unwrap();
    let limits = ClaimLimits { validity: Duration::ZERO, create_grace: Duration::ZERO, replace: false };
    let store = &api.app.store;
    let go = async |event: &Event<'_>| {
        let now = api.app.clock.now();
        let changed = store.transition(&[id], now, |head| step(&head.dispatch, event, now, 0.0).ok()).await;
        assert_eq!(changed.unwrap().len(), 1, "{event:?}");
    };
    go(&Event::Admit).await;
    for n in 0..MAX_LOST_CLAIMS {
        let attempt = store.run_by_id(id).await.unwrap().dispatch.attempt;
        go(&Event::Claim { replica: "r1", nonce: &n.to_string(), attempt, limits }).await;
        go(&Event::Ask).await;
        let question = store.run_by_id(id).await.unwrap().dispatch.question;
        go(&Event::Absent { attempt, question }).await;
    }
}

async fn listed(api: &Api, query: &str) -> Vec<Value> {
    let list = api.get(&format!("{LETTERS}?query={query}")).await.ok();
    list["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_reason_is_listed_counted_shown_replayed_and_dropped() {
    let api = Api::open().await;
    let run = api.submit().await;
    poison(&api, &run).await;
    for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Poison) {
        message(&api, reason, "eA==").await;
    }
    let groups = api.get(&format!("{LETTERS}/reasons")).await.ok();
    assert_eq!(groups["count"], Reason::ALL.len());
    for reason in Reason::ALL {
        let letters = listed(&api, &format!("reason:{reason}")).await;
        assert_eq!(letters.len(), 1, "{reason}");
        let letter = &letters[0];
        has_keys(letter, "uuid reason message run attempt agent queue is_cut first_at last_at times");
        assert_eq!((&letter["agent"], &letter["times"]), (&json!("local"), &json!(1)));
        let uuid = letter["uuid"].as_str().unwrap();
        let shown = api.get(&format!("{LETTERS}/{uuid}")).await.ok();
        let is_message = reason != Reason::Poison;
        assert_eq!(shown["raw"], if is_message { json!("eA==") } else { Value::Null });
        let replayed = api.post(&format!("{LETTERS}/{uuid}/replay"), &json!({})).await;
        if reason == Reason::Foreign {
            assert_eq!(replayed.status, 409, "{replayed:?}");
            assert!(replayed.detail().contains("not believed"), "{replayed:?}");
            assert_eq!(api.send("DELETE", &format!("{LETTERS}/{uuid}"), &[], Vec::new()).await.status, 204);
            continue;
        }
        replayed.ok();
        assert!(listed(&api, &format!("reason:{reason}")).await.is_empty(), "it is on its way");
        assert_eq!(api.post(&format!("{LETTERS}/{uuid}/replay"), &json!({})).await.status, 404);
    }
    assert_eq!(api.get(&format!("/api/v1/default/p/runs/{run}")).await.ok()["status"], "queued");
    let to_offers = api.app.names.offers("local", "default");
    let mut consumer = api.app.requests_broker.consume(&to_offers, 10).await;
    let offer = consumer.next().await.unwrap();
    assert_eq!(
        (offer.message.body.as_ref(), offer.message.properties.content_type.as_deref()),
        (&b"x"[..], Some("text/plain"))
    );
    let out = api.app.requests_broker.depth(&api.app.names.out("local")).await.unwrap();
    assert_eq!(out.ready, 2, "what the agent said is read as the agent's again");

    message(&api, Reason::Unreadable, "eA==").await;
    let again = listed(&api, "").await;
    assert_eq!((again.len(), &again[0]["times"]), (1, &json!(2)), "the same letter once more");
    let uuid = again[0]["uuid"].as_str().unwrap();
    assert_eq!(api.send("DELETE", &format!("{LETTERS}/{uuid}"), &[], Vec::new()).await.status, 204);
    assert!(listed(&api, "").await.is_empty());
    let log = api.get("/api/v1/orgs/default/audit?action=dead_letter.replay").await.ok();
    assert_eq!(log["results"].as_array().unwrap().len(), Reason::ALL.len() - 1);
}

#[tokio::test]
async fn a_run_that_goes_on_already_keeps_its_letter_and_is_named() {
    let api = Api::open().await;
    let run = api.submit().await;
    poison(&api, &run).await;
    api.post(&format!("/api/v1/default/p/runs/{run}/resume"), &json!({})).await.ok();
    let letter = listed(&api, "").await.remove(0);
    let uuid = letter["uuid"].as_str().unwrap();
    let refused = api.post(&format!("{LETTERS}/{uuid}/replay"), &json!({})).await;
    assert_eq!((refused.status, refused.detail()), (409, "its run is queued by now: drop the letter"));
    let all = api.post(&format!("{LETTERS}/replay"), &json!({ "query": "" })).await.ok();
    assert_eq!(
        (&all["done"], &all["kept"], &all["not_done"][0]["uuid"]),
        (&json!(0), &json!(1), &json!(uuid))
    );
}

#[tokio::test]
async fn a_thousand_that_fail_again_are_replayed_once_each() {
    const COUNT: usize = 1_000;
    let api = Api::open().await;
    let agent = agent(&api).await;
    let dead = |n: usize| DeadMessage {
        owner: "default".to_owned(),
        agent_id: Some(agent.id),
        queue_id: None,
        reason: Reason::Unreadable,
        detail: "not a message of an agent".to_owned(),
        raw: format!("{n:08}"),
        envelope: None,
        is_cut: false,
    };
    for n in 0..COUNT {
        api.app.store.add_dead_message(&dead(n), api.app.clock.now()).await.unwrap();
    }
    // The cause persists: what is sent on its way is set aside again while the replay goes on.
    let mut consumer = api.app.requests_broker.consume(&api.app.names.out("local"), 100).await;
    let body = json!({ "query": "reason:unreadable,agent:local" });
    let preview = api.post(&format!("{LETTERS}/replay?dry_run=true"), &body).await.ok();
    assert_eq!((&preview["count"], preview["sample"].as_array().unwrap().len()), (&json!(COUNT), 10));
    let path = format!("{LETTERS}/replay");
    let (answer, _) = tokio::join!(api.post(&path, &body), async {
        for _ in 0..COUNT {
            let delivery = consumer.next().await.unwrap();
            let raw = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &delivery.message.body);
            let dead = DeadMessage { raw, ..dead(0) };
            api.app.store.add_dead_message(&dead, api.app.clock.now()).await.unwrap();
            delivery.ack().await.unwrap();
        }
    });
    let answer = answer.ok();
    assert_eq!((&answer["done"], &answer["kept"], &answer["next"]), (&json!(COUNT), &json!(0), &Value::Null));
    let out = api.app.requests_broker.depth(&api.app.names.out("local")).await.unwrap();
    assert_eq!(out.ready, 0, "nothing was sent twice");
    let group = api.get(&format!("{LETTERS}/reasons")).await.ok()["results"][0].clone();
    assert_eq!(
        (&group["letters"], &group["times"]),
        (&json!(COUNT), &json!(2 * COUNT)),
        "no letter is another one"
    );

    let dropped = api.post(&format!("{LETTERS}/drop"), &json!({ "query": "reason:unreadable" })).await.ok();
    assert_eq!(dropped["done"], COUNT);
    assert!(listed(&api, "").await.is_empty());
}

#[tokio::test]
async fn who_may_look_may_not_see_messages_and_a_bad_query_is_refused_by_name() {
    let mut api = Api::with(Auth::Tokens, Limits::default()).await;
    message(&api, Reason::Unreadable, "eA==").await;
    api.token = Some(api.token(Scope::Admin).await);
    let uuid = listed(&api, "").await[0]["uuid"].as_str().unwrap().to_owned();
    for (query, detail) in [
        (
            "reason:bad",
            "`query`: reason: `bad` is not a reason: use poison, undecodable, unreadable, newer_version or foreign",
        ),
        ("status:failed", "`query`: unknown field `status`; allowed: agent, last_at, queue, reason, run"),
        ("queue:local/none", "`query`: queue `local/none` does not exist; there are: local/default"),
    ] {
        let refused = api.post(&format!("{LETTERS}/drop"), &json!({ "query": query })).await;
        assert_eq!((refused.status, refused.detail()), (400, detail));
    }
    let refused = api.post(&format!("{LETTERS}/drop"), &json!({})).await;
    assert_eq!(refused.status, 400, "nothing is said of which");
    api.token = Some(api.token(Scope::Write).await);
    assert_eq!(listed(&api, "").await.len(), 1);
    assert_eq!(api.get(&format!("{LETTERS}/{uuid}")).await.status, 403);
    for path in [format!("{LETTERS}/{uuid}/replay"), format!("{LETTERS}/replay"), format!("{LETTERS}/drop")] {
        assert_eq!(api.post(&path, &json!({ "query": "" })).await.status, 403, "{path}");
    }
}
