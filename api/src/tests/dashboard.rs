//! The page: where it is, who may have it, what it may do, and that it stands in nobody's way.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;

use super::{Api, HOST};
use crate::app::Auth;
use crate::layers::Limits;

async fn page(api: &Api, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().uri(path).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = api.raw(request.body(Body::empty()).unwrap()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn the_page_is_at_every_path_of_a_view_and_needs_no_token() {
    let api = Api::with(Auth::Tokens, Limits::default()).await;
    for path in
        ["/", "/queues", "/queues/local/default", "/runs/8490e3eff75a4f3ba9d2194ecde68fcc", "/?owner=a"]
    {
        let (status, headers, body) = page(&api, path, &[]).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(body.starts_with(b"<!doctype html>"), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-cache");
    }
}

#[tokio::test]
async fn it_answers_nothing_of_the_apis() {
    let api = Api::open().await;
    for path in
        ["/api", "/api/v1/nothing", "/api/v1/orgs/default/nothing", "/streams/x", "/queues/a", "/nothing"]
    {
        let (status, headers, _) = page(&api, path, &[]).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    let answer = api.send("POST", "/queues", &[], b"{}".to_vec()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    for path in ["/healthz", "/metrics", "/openapi.json"] {
        let (status, headers, _) = page(&api, path, &[]).await;
        assert_eq!((status, headers.get("content-security-policy")), (200, None), "{path}");
    }
}

#[tokio::test]
async fn others_still_need_a_token() {
    let api = Api::with(Auth::Tokens, Limits::default()).await;
    for path in ["/api/v1/orgs/default/queues", "/metrics", "/openapi.json", "/nothing"] {
        assert_eq!(page(&api, path, &[]).await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let api = Api::open().await;
    let (_, headers, _) = page(&api, "/", &[]).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, headers, body) =
        page(&api, "/agents", &[("if-none-match", &format!("\"x\", W/{tag}"))]).await;
    assert_eq!((status, body.len(), headers["etag"].to_str().unwrap()), (304, 0, tag.as_str()));
    assert_eq!(page(&api, "/", &[("if-none-match", "\"x\"")]).await.0, 200);
}

#[tokio::test]
async fn the_page_is_told_of_the_installation() {
    for (api, dist) in [(Api::open().await, "ce"), (Api::with(Auth::Tokens, Limits::default()).await, "ee")] {
        let (_, headers, body) = page(&api, "/runs", &[]).await;
        let body = String::from_utf8(body).unwrap();
        let told = body.split_once("<script type=\"application/json\" id=\"installation\">").unwrap().1;
        let told: serde_json::Value = serde_json::from_str(told.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(told["dist"], dist);
        assert_eq!(told, api.get("/api/v1/installation").await.body);
        // Another installation's page is another page.
        let (status, ..) =
            page(&Api::open().await, "/runs", &[("if-none-match", headers["etag"].to_str().unwrap())]).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn files_come_as_the_browser_takes_them() {
    let api = Api::open().await;
    let (_, headers, whole) = page(&api, "/", &[("accept-encoding", "identity, br;q=0")]).await;
    assert!(headers.get("content-encoding").is_none());
    assert!(whole.starts_with(b"<!doctype html>"));
    let (_, headers, packed) = page(&api, "/", &[("accept-encoding", "gzip, deflate, br")]).await;
    // Packed when the page was built, or on the way where it was not.
    assert!(["br", "gzip"].contains(&headers["content-encoding"].to_str().unwrap()));
    assert_ne!(packed, whole);
}
