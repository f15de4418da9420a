//! `/healthz`, `/readyz` and `/metrics`: as routes for the API, and on a listener of their own for the other roles.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::Registry;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::exposition;

/// Answers `/healthz`, `/readyz` and `/metrics` on `listener` until `shutdown`.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    health: Health,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = probes(health).merge(metrics(registry));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// The routes `/healthz` (alive) and `/readyz` (200, or 503 naming what is down), with and without a slash.
pub fn probes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/healthz/", get(alive))
        .route("/readyz", get(ready))
        .route("/readyz/", get(ready))
        .with_state(health)
}

/// The route `/metrics`, in Prometheus' text format.
pub fn metrics(registry: Registry) -> Router {
    Router::new().route("/metrics", get(expose)).with_state(registry)
}

async fn alive() -> StatusCode {
    StatusCode::OK
}

async fn ready(State(health): State<Health>) -> Response {
    let readiness = health.readiness();
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut checks: serde_json::Map<String, Value> =
        readiness.up.iter().map(|name| ((*name).to_owned(), json!({ "up": true }))).collect();
    for down in &readiness.down {
        checks.insert(down.name.to_owned(), json!({ "up": false, "reason": down.reason }));
    }
    (status, Json(json!({ "ready": readiness.is_ready(), "checks": checks }))).into_response()
}

async fn expose(State(registry): State<Registry>) -> Response {
    match exposition(&registry) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::task::TaskTracker;

    use super::*;

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_listener_tells_life_readiness_and_numbers_and_ends_when_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (registry, shutdown, tasks) = (Registry::new(), CancellationToken::new(), TaskTracker::new());
        let health = Health::registered(&registry).unwrap();
        health.up("store");
        let server = tasks.spawn(serve(listener, registry, health.clone(), shutdown.clone()));

        assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200 "));
        assert!(ask(address, "/readyz").await.starts_with("HTTP/1.1 200 "));
        health.down("broker", "connection refused");
        let answer = ask(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.ends_with(
                r#"{"checks":{"broker":{"reason":"connection refused","up":false},"store":{"up":true}},"ready":false}"#
            ),
            "{answer}"
        );
        assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200 "), "alive, though not ready");
        assert!(ask(address, "/metrics").await.contains("berth_broker_connected 0\n"));
        shutdown.cancel();
        server.await.unwrap().unwrap();
    }
}
