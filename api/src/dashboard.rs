//! Sends the dashboard's files: compressed as the browser takes them, kept as long as they may be, under a policy that
//! lets the page load and ask nothing but this server. What the files are is `berth_dashboard`'s.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use berth_dashboard::File;
use http_body_util::Full;

/// What the page may do: nothing but scripts, styles and answers of this server, in no frame of others.
const POLICY: &str = "default-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Sent with every file.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::VARY, HeaderValue::from_static("accept-encoding")),
];

/// Whether a path is one of the page's: it needs no token, since it holds nothing of anybody.
pub(crate) fn is_page(path: &str) -> bool {
    berth_dashboard::find(path).is_some()
}

/// The answer to a request of the page; none if it asks for something else.
pub(crate) fn answer(request: &Request) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    berth_dashboard::find(request.uri().path()).map(|file| send(file, request.headers()))
}

fn send(file: &'static File, asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::from_iter(ALWAYS);
    let kept = if file.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::ETAG, HeaderValue::from_static(file.tag));
    if is_known(asked, file.tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    let (bytes, encoding) = choose(file, asked);
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, Body::new(Full::from(bytes))).into_response()
}

/// Whether the browser has it already. Tags are compared weakly: what is between may have packed it otherwise.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let tags = asked.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag)
}

/// The smallest form that is taken.
fn choose(file: &'static File, asked: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepted =
        asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts.next() == Some(name) && parts.all(|part| part != "q=0")
        })
    };
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if takes("br") => (bytes, Some("br")),
        (_, Some(bytes)) if takes("gzip") => (bytes, Some("gzip")),
        _ => (file.whole, None),
    }
}
