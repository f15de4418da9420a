//! Sends the dashboard's files: compressed as the browser takes them, kept as long as they may be, under a policy that
//! lets the page load and ask nothing but this server. What the files are is `berth_dashboard`'s.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use berth_dashboard::File;
use http_body_util::Full;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::AppState;
use crate::installation;

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

/// How long the page waits for what it could be told of the installation. Without it, it asks: a store that is away keeps
/// nobody from a page that says so.
const TELLING: Duration = Duration::from_millis(500);

/// The answer to a request of the page; none if it asks for something else.
pub(crate) async fn answer(app: &AppState, request: &Parts) -> Option<Response> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return None;
    }
    let file = berth_dashboard::find(request.uri.path())?;
    if !file.is_page() {
        return Some(send(file, &request.headers));
    }
    let facts = tokio::time::timeout(TELLING, installation::facts(app)).await;
    Some(match facts {
        Ok(Ok(facts)) => tell(file, &facts, &request.headers),
        Ok(Err(_)) | Err(_) => send(file, &request.headers),
    })
}

/// The page with what it needs to know before it can ask for anything, written into it. What is between packs it.
fn tell(file: &'static File, facts: &Value, asked: &HeaderMap) -> Response {
    // In a script, even one that is data, `<` could end it.
    let facts = facts.to_string().replace('<', r"\u003c");
    let page = String::from_utf8_lossy(file.whole);
    let page = page.replacen(
        "<head>",
        &format!("<head><script type=\"application/json\" id=\"installation\">{facts}</script>"),
        1,
    );
    let digest = Sha256::digest(page.as_bytes());
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    reply(file, &format!("\"{tag}\""), asked, || (page.into_bytes().into(), None))
}

fn send(file: &'static File, asked: &HeaderMap) -> Response {
    reply(file, file.tag, asked, || {
        let (bytes, encoding) = choose(file, asked);
        (Bytes::from_static(bytes), encoding)
    })
}

/// A file's answer, whose tag and bytes are these.
fn reply(
    file: &File,
    tag: &str,
    asked: &HeaderMap,
    body: impl FnOnce() -> (Bytes, Option<&'static str>),
) -> Response {
    let mut headers = HeaderMap::from_iter(ALWAYS);
    let kept = if file.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    if is_known(asked, tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    let (bytes, encoding) = body();
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
