//! What is said when something can't be done: RFC 9457 `application/problem+json` that also carries what the stock
//! client prints (`detail`, or a list of messages under a field's name). The only error type of handlers.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use berth_domain::access::Forbidden;
use berth_domain::query::QueryError;
use berth_store::Error as StoreError;
use serde_json::{Map, Value, json};

/// Seconds after which a client may try again what was refused for lack of a store or of room.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The same for a backlog that is full, which shrinks as its runs start.
const FULL_RETRY_AFTER_SECONDS: u32 = 10;

/// Members of RFC 9457 and of ours that a field's name must not replace.
const RESERVED: [&str; 6] = ["type", "title", "status", "detail", "errors", "instance"];

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// Where, as a path: `component.run.container`.
    pub field: String,
    /// What was found and what is allowed.
    pub message: String,
    /// The line of the text sent, from 1, where there is one.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
}

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    fields: Vec<FieldError>,
    retry_after: Option<u32>,
}

impl Problem {
    /// An answer with that status, and a sentence for people.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    /// 400: what was sent makes no sense.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 400: one field makes no sense.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let mut problem = Self::bad_request(format!("`{field}`: {message}"));
        problem.fields.push(FieldError { field, message, line: None, column: None });
        problem
    }

    /// 400: a query of a list makes no sense.
    pub(crate) fn query(error: &QueryError) -> Self {
        Self::field("query", error.to_string())
    }

    /// 401: nobody is known by that token, or none was sent.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: known, and not allowed to.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: `what` (a run, say) of that name isn't there.
    pub(crate) fn not_found(what: &str, name: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} `{name}` does not exist"))
    }

    /// 409: it can't be done in the state that things are in.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 503: it can't be done just now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// 500. The cause is logged here and not told.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed: {cause}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something went wrong here; the log has it, under the request's id",
        )
    }

    /// The same with what is wrong field by field.
    #[must_use]
    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }

    /// The status.
    #[must_use]
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is said to people.
    #[must_use]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The body.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        if !self.fields.is_empty() {
            let mut errors = Vec::new();
            for field in &self.fields {
                let mut error = Map::new();
                error.insert("field".to_owned(), json!(field.field));
                error.insert("message".to_owned(), json!(field.message));
                if let Some(line) = field.line {
                    error.insert("line".to_owned(), json!(line));
                }
                if let Some(column) = field.column {
                    error.insert("column".to_owned(), json!(column));
                }
                errors.push(Value::Object(error));
                if !field.field.is_empty() && !RESERVED.contains(&field.field.as_str()) {
                    let messages = body.entry(field.field.clone()).or_insert_with(|| json!([]));
                    if let Value::Array(messages) = messages {
                        messages.push(json!(field.message));
                    }
                }
            }
            body.insert("errors".to_owned(), Value::Array(errors));
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))],
            self.json().to_string(),
        )
            .into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        response
    }
}

impl From<Forbidden> for Problem {
    fn from(refusal: Forbidden) -> Self {
        Self::forbidden(refusal.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what } => {
                Self::new(StatusCode::NOT_FOUND, format!("{what} does not exist"))
            }
            StoreError::Conflict { message } | StoreError::Closed { message } => Self::conflict(message),
            StoreError::Full { message } => Self {
                retry_after: Some(FULL_RETRY_AFTER_SECONDS),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, message)
            },
            StoreError::Invalid { field, message } => Self::field(field, message),
            StoreError::Unavailable { reason, .. } => {
                tracing::warn!(reason = %reason, "a request failed for want of the store");
                Self::unavailable(format!("the store can't be used now: {reason}"))
            }
            StoreError::Schema { message } => {
                tracing::error!(message, "the database's schema does not fit");
                Self::unavailable("the store can't be used now: its schema does not fit this release")
            }
            error @ StoreError::Corrupt { .. } => Self::internal(&error),
        }
    }
}
