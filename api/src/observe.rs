//! One log line and one count per request, with the run's uuid where there is one.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument;

use crate::app::AppState;
use crate::layers::REQUEST_ID;

/// The id of a request, as sent or as made here.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let text = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Watches a request from outside.
pub(crate) async fn observe(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _in_flight = app.metrics.http.begin();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Only matched routes become labels: raw paths would be without bound.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let id = request_id(request.headers());
    let run = run_of(&path).unwrap_or_default().to_owned();
    let span =
        tracing::info_span!("request", request.id = id, run.uuid = run, trace_id = tracing::field::Empty);
    let response = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status();
    app.metrics.http.answered(method_label(&method), &route, status.as_u16(), took);
    let _entered = span.enter();
    let took_ms = took.as_secs_f64() * 1_000.0;
    let quiet = matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") && status == StatusCode::OK;
    if quiet {
        tracing::debug!(http.method = %method, http.path = path, http.status = status.as_u16(), took_ms, "{method} {path} {status}");
    } else {
        tracing::info!(http.method = %method, http.path = path, http.status = status.as_u16(), took_ms, "{method} {path} {status}");
    }
    response
}

/// Methods are sent by clients: unknown ones share a label.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The part of a path that follows `runs` and looks like an id.
fn run_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/').skip_while(|part| *part != "runs").skip(1);
    parts.next().filter(|part| part.len() >= 32 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_of_a_path_is_found() {
        let id = "8490e3eff75a4f3ba9d2194ecde68fcc";
        assert_eq!(run_of(&format!("/api/v1/default/p/runs/{id}/statuses")), Some(id));
        assert_eq!(run_of("/api/v1/default/p/runs/bulk"), None);
        assert_eq!(run_of("/api/v1/installation"), None);
    }
}
