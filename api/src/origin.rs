//! Keeps web pages of elsewhere out of an open installation: its Host must be its own, its Origin none or its own,
//! and its bodies of a kind that a page can't send without asking first.
//!
//! A page in a browser can make the browser send requests to a loopback address. Without this it could start
//! processes here (a plain form post needs no permission of ours), or read answers through a name that it has
//! pointed at 127.0.0.1 (DNS rebinding).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::{AppState, Auth};
use crate::problem::Problem;

/// Refuses what a foreign page could have sent, if nobody has to sign in here.
pub(crate) async fn check(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if let Auth::OpenOnLoopback { allowed_hosts } = &app.auth
        && let Err(problem) = inspect(request.headers(), request.uri(), allowed_hosts)
    {
        return problem.into_response();
    }
    next.run(request).await
}

fn inspect(headers: &HeaderMap, uri: &Uri, allowed: &[String]) -> Result<(), Problem> {
    // HTTP/2 has the host in the target, HTTP/1.1 in the header.
    let host = uri
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()))
        .unwrap_or_default();
    let is_own = |name: &str| allowed.iter().any(|own| own.eq_ignore_ascii_case(name));
    if !is_own(host) {
        return Err(Problem::forbidden(format!(
            "the host `{}` is not this server's: it answers to {}",
            shown(host),
            allowed.join(", ")
        )));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("?");
        if !origin.strip_prefix("http://").is_some_and(is_own) {
            return Err(Problem::forbidden(format!(
                "requests from the origin `{}` are not taken",
                shown(origin)
            )));
        }
    }
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or("?"));
    if let Some(kind) = kind
        && !is_json(kind)
        && !kind.starts_with("multipart/form-data")
    {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("the content type is `{}`; send application/json", shown(kind)),
        ));
    }
    Ok(())
}

/// Whether a content type is JSON.
pub(crate) fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(headers: &[(&'static str, &str)]) -> Result<(), u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let allowed = ["127.0.0.1:8000".to_owned(), "localhost:8000".to_owned()];
        inspect(&map, &Uri::from_static("/x"), &allowed).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_its_own_host_and_origin_may_speak_to_an_open_server() {
        let own = ("host", "127.0.0.1:8000");
        for good in [
            vec![own],
            vec![("host", "LOCALHOST:8000")],
            vec![own, ("origin", "http://127.0.0.1:8000")],
            vec![own, ("content-type", "application/json; charset=utf-8")],
            vec![own, ("content-type", "multipart/form-data; boundary=x")],
        ] {
            assert_eq!(verdict(&good), Ok(()), "{good:?}");
        }
        for (bad, status) in [
            (vec![], 403),
            (vec![("host", "evil.example")], 403),
            (vec![("host", "127.0.0.1:8001")], 403),
            (vec![("host", "127.0.0.1:8000.evil.example")], 403),
            (vec![own, ("origin", "http://evil.example")], 403),
            (vec![own, ("origin", "https://127.0.0.1:8000")], 403),
            (vec![own, ("origin", "null")], 403),
            (vec![own, ("origin", "http://127.0.0.1:8000"), ("origin", "http://evil.example")], 403),
            (vec![own, ("content-type", "text/plain")], 415),
            (vec![own, ("content-type", "application/x-www-form-urlencoded")], 415),
            (vec![own, ("content-type", "text/plain; a=application/json")], 415),
        ] {
            assert_eq!(verdict(&bad), Err(status), "{bad:?}");
        }
    }
}
