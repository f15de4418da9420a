//! Who may do what: tokens and their scopes, hosts and origins.

use axum::http::StatusCode;
use berth_domain::access::Scope;
use serde_json::json;

use super::{Api, hello};
use crate::app::Auth;
use crate::layers::Limits;

#[tokio::test]
async fn without_a_good_token_nothing_but_the_public_is_seen() {
    let api = Api::with(Auth::Tokens, Limits::default()).await;
    for path in ["/healthz", "/readyz", "/api/v1/installation", "/api/v1/compatibility/k/2-18-0/cli"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert_eq!(api.get("/api/v1/installation").await.ok()["dist"], "ee");
    for path in ["/metrics", "/openapi.json", "/api/v1/users", "/api/v1/default/p", "/nothing"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.detail(), "no token was sent: use the header `Authorization: Token <token>`");
        assert_eq!(answer.headers["www-authenticate"], "Token");
    }
    let answer = api.send("GET", "/api/v1/users", &[("authorization", "Token berth_x")], Vec::new()).await;
    assert_eq!(
        (answer.status, answer.detail()),
        (401, "the token is not known, was revoked, or has expired")
    );
}

#[tokio::test]
async fn each_scope_does_what_it_is_for_and_no_more() {
    let mut api = Api::with(Auth::Tokens, Limits::default()).await;
    let run = json!({ "content": hello().to_string() });
    let token = json!({ "name": "ci" });
    for scope in Scope::ALL {
        api.token = Some(api.token(scope).await);
        let is = |needs: Scope| if scope >= needs { 2 } else { 4 };
        for (needs, method, path, body) in [
            (Scope::Read, "GET", "/api/v1/default/p/runs", None),
            (Scope::Read, "GET", "/metrics", None),
            (Scope::Read, "GET", "/api/v1/users", None),
            (Scope::Write, "POST", "/api/v1/default/p/runs", Some(&run)),
            (Scope::Admin, "POST", "/api/v1/users/tokens", Some(&token)),
            (Scope::Admin, "GET", "/api/v1/users/tokens", None),
            (Scope::Admin, "GET", "/api/v1/orgs/default/audit", None),
            (Scope::Admin, "GET", "/api/v1/orgs/default/agents/local/credentials", None),
        ] {
            let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
            let answer = api.send(method, path, &[], body).await;
            assert_eq!(answer.status / 100, is(needs), "{scope} {method} {path}: {answer:?}");
            if answer.status >= 400 {
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                let detail = format!("token `u-{scope}` has the scope `{scope}`, and this needs `{needs}`");
                assert_eq!(answer.detail(), detail);
            }
        }
    }
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_revoked() {
    let mut api = Api::with(Auth::Tokens, Limits::default()).await;
    let admin = api.token(Scope::Admin).await;
    api.token = Some(admin.clone());
    let made =
        api.post("/api/v1/users/tokens", &json!({ "name": "ci", "scopes": ["read"], "expiration": 7 })).await;
    assert_eq!(made.status, 201);
    let (uuid, key) = (made.body["uuid"].as_str().unwrap(), made.body["key"].as_str().unwrap());
    let listed = api.get("/api/v1/users/tokens").await.ok();
    assert!(!listed.to_string().contains(key), "shown again");
    api.token = Some(key.to_owned());
    assert_eq!(api.get("/api/v1/users").await.ok()["username"], "ci");
    api.token = Some(admin);
    let path = format!("/api/v1/users/tokens/{uuid}");
    assert_eq!(api.send("DELETE", &path, &[], Vec::new()).await.status, 204);
    api.token = Some(key.to_owned());
    assert_eq!(api.get("/api/v1/users").await.status, 401);
}

#[tokio::test]
async fn a_page_of_another_origin_can_not_start_a_run() {
    let api = Api::open().await;
    let body = json!({ "content": hello().to_string() }).to_string().into_bytes();
    for (headers, status) in [
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://127.0.0.1:8000")], 201),
        (vec![("content-type", "text/plain")], 415),
        (vec![("content-type", "application/x-www-form-urlencoded")], 415),
    ] {
        let answer = api.send("POST", "/api/v1/default/p/runs", &headers, body.clone()).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let runs = api.get("/api/v1/default/p/runs").await.ok();
    assert_eq!(runs["count"], 1);
}
