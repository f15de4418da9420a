//! Words of what a server answered, or that it didn't: pure texts with the right exit status.

use serde_json::{Map, Value};
use url::Url;

use crate::failure::{Failure, Status};

/// No answer came.
pub(super) fn unreachable(host: &Url, error: &reqwest::Error) -> Failure {
    let reason = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(error) };
    no_answer(host, &reason)
}

fn no_answer(host: &Url, reason: &str) -> Failure {
    let shown = shown(host);
    Failure::new(Status::Unreachable, format!("can't reach {shown}: {reason}"))
        .hint("is `berth up` running? --host or BERTH_HOST name another server")
}

/// The cause that says most is the last one; the others only say that there is one.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Something answered that is no Berth server.
pub(super) fn not_berth(host: &Url, status: u16) -> Failure {
    let shown = shown(host);
    Failure::new(Status::Failed, format!("{shown} answered {status} with something that is not JSON"))
        .hint("is that a Berth server?")
}

/// The server answered, but not with what was asked for.
pub(super) fn refused(host: &Url, status: u16, body: &[u8]) -> Failure {
    let said = said(body);
    let shown = shown(host);
    let or = |default: &str| said.clone().unwrap_or_else(|| default.to_owned());
    match status {
        400 | 409 | 413 | 415 | 422 => {
            let kind = if status == 409 { Status::Failed } else { Status::Usage };
            Failure::new(kind, or("the server refused the request without saying why"))
        }
        401 => {
            Failure::new(Status::NotAllowed, format!("{shown} wants a token: {}", or("none was accepted")))
                .hint("keep one with `berth login`, or set BERTH_TOKEN")
        }
        403 => Failure::new(Status::NotAllowed, or("not allowed")),
        404 => Failure::new(Status::NotFound, or("there is no such thing")),
        429 | 502 | 503 | 504 => Failure::new(
            Status::Unreachable,
            format!("{shown} can't answer now ({status}): {}", or("no reason given")),
        )
        .hint("try again; /readyz of the server says what is away"),
        _ => Failure::new(Status::Failed, format!("{shown} answered {status}: {}", or("no reason given"))),
    }
}

/// What is down, by the body of a `/readyz`.
fn down(checks: &Map<String, Value>) -> String {
    let down =
        checks.iter().filter_map(|(name, check)| Some(format!("{name}: {}", check["reason"].as_str()?)));
    down.collect::<Vec<_>>().join("; ")
}

/// What an error's body says: `detail`, or a list of texts, or texts by field, or checks that failed.
fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if let Some(checks) = value.get("checks").and_then(Value::as_object) {
        return Some(down(checks));
    }
    let detail = value.get("detail").and_then(Value::as_str);
    let text = match (&value, detail) {
        (_, Some(detail)) => detail.to_owned(),
        (Value::Array(items), None) => texts(items).join("\n"),
        (Value::Object(fields), None) => fields
            .iter()
            .filter_map(|(field, value)| Some((field, value.as_array()?)))
            .map(|(field, items)| format!("{field}: {}", texts(items).join("; ")))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(Value::as_str).collect()
}

fn shown(host: &Url) -> &str {
    host.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Url {
        "http://127.0.0.1:8000".parse().unwrap()
    }

    #[test]
    fn every_answer_has_its_exit_status_and_text() {
        let table: &[(u16, &str, Status, &str)] = &[
            (
                400,
                r#"["Compile operation received an invalid configuration: x"]"#,
                Status::Usage,
                "Compile operation received an invalid configuration: x",
            ),
            (
                400,
                r#"{"name":["project with this name already exists."]}"#,
                Status::Usage,
                "name: project with this name already exists.",
            ),
            (400, "", Status::Usage, "the server refused the request without saying why"),
            (401, "", Status::NotAllowed, "http://127.0.0.1:8000 wants a token: none was accepted"),
            (
                401,
                r#"{"detail":"token expired"}"#,
                Status::NotAllowed,
                "http://127.0.0.1:8000 wants a token: token expired",
            ),
            (403, r#"{"detail":"needs the scope `admin`"}"#, Status::NotAllowed, "needs the scope `admin`"),
            (
                404,
                r#"{"detail":"no run 12 in default/default"}"#,
                Status::NotFound,
                "no run 12 in default/default",
            ),
            (404, "<html>", Status::NotFound, "there is no such thing"),
            (409, r#"{"detail":"the run has ended"}"#, Status::Failed, "the run has ended"),
            (413, r#"{"detail":"the body is too large"}"#, Status::Usage, "the body is too large"),
            (429, "", Status::Unreachable, "http://127.0.0.1:8000 can't answer now (429): no reason given"),
            (
                500,
                r#"{"detail":"internal error"}"#,
                Status::Failed,
                "http://127.0.0.1:8000 answered 500: internal error",
            ),
            (
                503,
                r#"{"detail":"the database is away"}"#,
                Status::Unreachable,
                "http://127.0.0.1:8000 can't answer now (503): the database is away",
            ),
            (301, "", Status::Failed, "http://127.0.0.1:8000 answered 301: no reason given"),
        ];
        for (status, body, kind, text) in table {
            let failure = refused(&host(), *status, body.as_bytes());
            assert_eq!((failure.status, failure.message.as_str()), (*kind, *text), "{status} {body}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named_with_a_hint() {
        let failure = no_answer(&host(), "connection refused");
        assert_eq!(failure.message, "can't reach http://127.0.0.1:8000: connection refused");
        assert_eq!(
            failure.hint.as_deref(),
            Some("is `berth up` running? --host or BERTH_HOST name another server")
        );
        assert_eq!(failure.status, Status::Unreachable);
        assert_eq!(not_berth(&host(), 200).hint.as_deref(), Some("is that a Berth server?"));
    }
}
