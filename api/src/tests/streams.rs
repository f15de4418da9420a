//! Events and logs.

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::json;

use super::{Api, HOST, eventually};

/// Reads a stream of events until `wanted` is in it, and returns all that came.
async fn events(api: &Api, path: &str, last: Option<&str>, wanted: &str) -> String {
    let mut request = Request::get(path).header("host", HOST);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = api.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    let read = async {
        while !text.contains(wanted) {
            let chunk = stream.next().await.expect("the stream ended").unwrap();
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("it did not come");
    text
}

fn ids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}

#[tokio::test]
async fn events_go_on_where_they_were_left_and_say_when_they_can_not() {
    let api = Api::open().await;
    let path = "/api/v1/orgs/default/events";
    let run = api.submit().await;
    let of_run = format!("/api/v1/default/p/runs/{run}/events/stream");
    let first = events(&api, &of_run, None, "queued").await;
    let id = ids(&first)[0].to_owned();
    api.post(&format!("/api/v1/default/p/runs/{run}/stop"), &json!({})).await.ok();
    let later = events(&api, path, Some(&id), "stopped").await;
    assert!(later.contains("event: run\n"), "{later}");
    assert!(later.contains(&run), "{later}");
    let nonsense = events(&api, path, Some("nonsense"), "resync").await;
    assert!(nonsense.starts_with("event: resync\n"), "{nonsense}");
    eventually("streams that nobody reads are given up", async || {
        api.app.streams.available_permits() == api.app.limits.streams
    })
    .await;
}

#[tokio::test]
async fn a_stream_goes_on_after_a_time_in_which_nobody_listened() {
    let api = Api::open().await;
    let run = api.submit().await;
    let of_run = format!("/api/v1/default/p/runs/{run}/events/stream");
    let first = events(&api, &of_run, None, "queued").await;
    let id = ids(&first)[0].to_owned();
    eventually("what was read is forgotten", async || api.app.feed.end().is_none()).await;
    api.post(&format!("/api/v1/default/p/runs/{run}/stop"), &json!({})).await.ok();
    let later = events(&api, "/api/v1/orgs/default/events", Some(&id), "stopped").await;
    assert!(later.contains(&run), "{later}");
}

#[tokio::test]
async fn a_slow_reader_misses_nothing_and_others_dont_wait_for_it() {
    let api = Api::open().await;
    let path = "/api/v1/orgs/default/events";
    let request = || Request::get(path).header("host", HOST).body(Body::empty()).unwrap();
    let slow = api.raw(request()).await;
    let mut runs = std::collections::BTreeSet::new();
    // More than is kept for those who are in time.
    for _ in 0..10 {
        runs.extend(api.submit_to_store(1_000).await);
        let last = api.submit().await;
        let fast = events(&api, &format!("/api/v1/default/p/runs/{last}/events/stream"), None, &last).await;
        assert!(fast.contains(&last));
        runs.insert(last);
    }
    let mut stream = slow.into_body().into_data_stream();
    let read = async {
        let mut text = String::new();
        while !runs.is_empty() {
            text.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
            let seen = text.split("\"uuid\":\"").skip(1).filter_map(|rest| rest.get(..32));
            seen.for_each(|uuid| {
                runs.remove(uuid);
            });
            text.drain(..text.len().saturating_sub(300).min(text.rfind("\n\n").unwrap_or(0)));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), read).await.expect("all of them come");
}

#[tokio::test]
async fn the_log_of_a_run_that_never_began_is_empty_and_of_an_absent_agent_is_explained() {
    let api = Api::open().await;
    let run = api.submit().await;
    let path = format!("/streams/v1/default/default/p/runs/{run}/logs");
    let answer = api.get(&format!("{path}?last_time=2026-11-23T02:27:43.369712%2B0000&kind=job")).await.ok();
    assert_eq!(
        answer,
        json!({ "logs": [], "last_time": "2026-11-23T02:27:43.369712Z", "last_file": null, "files": [] })
    );
    let bad = api.get(&format!("{path}?last_time=yesterday")).await;
    assert_eq!(bad.status, 400);
    let inspect = api.get(&format!("/streams/v1/default/default/p/runs/{run}/k8s_inspect?kind=job")).await;
    assert_eq!(inspect.status, 200);
    let artifact = api.get(&format!("/streams/v1/default/default/p/runs/{run}/artifact?path=a.txt")).await;
    assert_eq!((artifact.status, artifact.detail()), (404, "Artifact not found: filepath=a.txt"));
}
