//! A run's log, of an agent that has none of it, or can't read it now.

use berth_domain::protocol::logs::UNREADABLE;
use serde_json::json;

use super::Api;
use super::left::{answering, begun};

const SEEN: &str = "2026-11-23T02:27:43.369712Z";

#[tokio::test]
async fn a_log_that_can_not_be_read_now_is_not_taken_for_none() {
    for (said, is_trouble) in [
        (format!("{UNREADABLE}the API server is slow"), true),
        ("this agent has no log of it".to_owned(), false),
    ] {
        let api = Api::open().await;
        let refusing = said.clone();
        let _agent = answering(&api, move |responder, _| {
            let said = refusing.clone();
            async move { responder.fail(&said).await.unwrap() }
        })
        .await;
        let run = begun(&api).await;

        // While it goes on, nothing is lost: who follows it asks again from the same place.
        let followed = api.get(&format!("{run}/logs?last_time={SEEN}")).await.ok();
        assert_eq!((&followed["logs"], &followed["last_time"]), (&json!([]), &json!(SEEN)), "{said}");

        api.post(&format!("{}/stop", run.replace("/streams/v1/default", "/api/v1")), &json!({})).await.ok();
        let printed = api.get(&format!("{run}/logs")).await;
        if is_trouble {
            assert_eq!(printed.status, 503);
            assert!(printed.detail().ends_with("says: it can't be read now: the API server is slow"));
        } else {
            assert_eq!(printed.ok()["logs"], json!([]), "{said}");
        }
    }
}
