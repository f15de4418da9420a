//! Bodies: bounded while they are read, and JSON whose errors name the line, the column and the field.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use berth_domain::json;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::app::AppState;
use crate::origin::is_json;
use crate::problem::{FieldError, Problem};

/// Refuses a body that is too large by its length; one that doesn't tell its length ends when it passes the limit.
pub(crate) async fn limit(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let limit = app.limits.body_bytes;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return too_large(limit).into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, limit)))).await
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than the {limit} bytes that are allowed"),
    )
}

/// Collects a body that [`limit`] bounds.
async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    match request.into_body().collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
            while let Some(error) = cause {
                if error.is::<LengthLimitError>() {
                    return Err(too_large(limit));
                }
                cause = error.source();
            }
            Err(Problem::bad_request("the body could not be read to its end"))
        }
    }
}

/// Collects a body that must be JSON, and may be empty.
pub(crate) async fn read_json(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or("?").to_owned());
    let bytes = read(request, limit).await?;
    match kind {
        Some(kind) if !bytes.is_empty() && !is_json(&kind) => {
            let kind: String = kind.chars().take(100).collect();
            let detail = format!("the content type is `{kind}`; send application/json");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
        _ => Ok(bytes),
    }
}

/// A JSON body. None at all is read as `{}`, which the stock client leaves out.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        let bytes = read_json(request, app.limits.body_bytes).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        parse(&bytes).map(Self)
    }
}

/// Reads JSON; an error names the line, the column, and the field if there is one.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        // Not only wrong: a list's items would be taken for fields, in their order.
        return Err(Problem::field("body", "expected an object, found a list"));
    }
    json::check(bytes).map_err(|error| explain(".".to_owned(), &error))?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        explain(field, error.inner())
    })?;
    reader.end().map_err(|error| explain(".".to_owned(), &error))?;
    Ok(value)
}

fn explain(field: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let place = format!("line {}, column {}", error.line(), error.column());
    let is_root = field == "." || field == "?";
    let detail = match (error.is_data(), is_root) {
        (true, true) => format!("the body does not fit: {message}, at {place}"),
        (true, false) => format!("`{field}`: {message}, at {place}"),
        (false, _) => format!("the body is not valid JSON: {message}, at {place}"),
    };
    let field = if is_root || !error.is_data() { "body".to_owned() } else { field };
    Problem::bad_request(detail).with_fields(vec![FieldError {
        field,
        message,
        line: Some(error.line() as u64),
        column: Some(error.column() as u64),
    }])
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only read")]
        tags: Vec<String>,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_its_place() {
        for (body, detail) in [
            ("{", "the body is not valid JSON: EOF while parsing an object, at line 1, column 1"),
            (
                "{\n \"tags\": [1]}",
                "`tags[0]`: invalid type: integer `1`, expected a string, at line 2, column 11",
            ),
            ("[]", "`body`: expected an object, found a list"),
            ("{}", "the body does not fit: missing field `tags`, at line 1, column 2"),
            ("{\"tag\":[]}", "`tag`: unknown field `tag`, expected `tags`, at line 1, column 6"),
            ("{\"tags\":[]} x", "the body is not valid JSON: trailing characters, at line 1, column 13"),
            (
                "{\"tags\":[\"\u{1}\"]}",
                "the body is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string, at line 1, column 11",
            ),
        ] {
            let problem = parse::<Shape>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.json()["detail"], detail, "{body}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        let problem = parse::<serde_json::Value>(deep.as_bytes()).unwrap_err();
        let detail = problem.json()["detail"].to_string();
        assert!(
            detail.starts_with("\"the body is not valid JSON: recursion limit exceeded, at line 1, column "),
            "{detail}"
        );
    }
}
