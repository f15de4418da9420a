//! What is too much, and what goes wrong inside.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::get;
use serde_json::Value;
use tower::ServiceExt;

use super::{Api, HOST};
use crate::app::Auth;
use crate::layers::{Limits, around};

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_its_length_or_while_it_is_read() {
    let api = Api::open().await;
    let detail = "the body is larger than the 8388608 bytes that are allowed";
    let told = [("content-length", "104857600")];
    let answer = api.send("POST", "/api/v1/default/p/runs", &told, Vec::new()).await;
    assert_eq!((answer.status, answer.detail()), (413, detail));

    // 100 MB in pieces of 64 KiB, made as they are read: what was read shows how early it was refused.
    let read = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = read.clone();
    let pieces = futures_util::stream::iter((0..1600).map(move |_| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(&[b'['; 65_536]))
    }));
    let request = Request::post("/api/v1/default/p/runs")
        .header("host", HOST)
        .header("content-type", "application/json")
        .body(Body::from_stream(pieces))
        .unwrap();
    let response = api.raw(request).await;
    assert_eq!(response.status(), 413);
    assert!(read.load(std::sync::atomic::Ordering::Relaxed) <= 130, "it was read on");
}

#[tokio::test]
async fn a_panic_is_a_500_for_one_and_nothing_for_others() {
    let api = Api::open().await;
    async fn panics() -> &'static str {
        panic!("on purpose")
    }
    let service = around(Router::new().route("/panic", get(panics)), &api.app);
    let request = || Request::get("/panic").header("host", HOST).body(Body::empty()).unwrap();
    for _ in 0..2 {
        let response = service.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["detail"], "something went wrong here; the log has it, under the request's id");
    }
}

#[tokio::test]
async fn what_is_too_much_at_once_is_refused_at_once_and_what_takes_too_long_is_given_up() {
    let limits =
        Limits { concurrent_requests: 1, request_timeout: Duration::from_millis(200), ..Limits::default() };
    let api = Api::with(Auth::OpenOnLoopback { allowed_hosts: vec![HOST.to_owned()] }, limits).await;
    let routes = Router::new().route("/slow", get(std::future::pending::<&'static str>));
    let service = around(routes, &api.app);
    let request = || Request::get("/slow").header("host", HOST).body(Body::empty()).unwrap();
    let (first, second) = tokio::join!(service.clone().oneshot(request()), async {
        tokio::task::yield_now().await;
        service.clone().oneshot(request()).await
    });
    let mut details = Vec::new();
    for response in [first.unwrap(), second.unwrap()] {
        assert_eq!(response.status(), 503);
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        details.push(serde_json::from_slice::<Value>(&body).unwrap()["detail"].as_str().unwrap().to_owned());
    }
    details.sort();
    assert_eq!(
        details,
        [
            "the request took too long and was given up",
            "too many requests are under way here; try again in a moment"
        ]
    );
}
