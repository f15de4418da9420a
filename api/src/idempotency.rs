//! `Idempotency-Key`: the same request, sent again within a day, gets the first answer and does nothing twice.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use berth_domain::id::RunId;
use berth_store::{Error as StoreError, Reservation};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::authenticate::Caller;
use crate::path::InProject;
use crate::problem::Problem;

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// A key that was reserved for this request.
#[derive(Debug)]
pub(crate) struct Key {
    key: String,
    ticket: Uuid,
    /// Whether an earlier try may have created some of it.
    pub again: bool,
}

/// What is to be done with a request.
pub(crate) enum Begun {
    /// Do it.
    Do(Option<Key>),
    /// It was done: this was the answer.
    Done(Response),
}

/// Looks for a key and reserves it. The body as it came is what must be the same.
///
/// # Errors
/// 422 if the key was used with another body, 409 while the first request is under way, 400 if it is no key.
pub(crate) async fn begin(
    app: &App,
    caller: &Caller,
    at: &InProject,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Begun, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(Begun::Do(None)) };
    let key = key.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > MAX_KEY {
        let message = format!("a key has 1 to {MAX_KEY} visible ASCII characters");
        return Err(Problem::field("Idempotency-Key", message));
    }
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    match app.store.reserve(&at.owner, &at.project, key, &hash, caller.now).await {
        Ok(Reservation::Go { ticket, again }) => {
            Ok(Begun::Do(Some(Key { key: key.to_owned(), ticket, again })))
        }
        Ok(Reservation::Done { status, answer }) => Ok(Begun::Done(replay(status, answer))),
        Ok(Reservation::InProgress) => {
            Err(Problem::conflict("a request with this Idempotency-Key is under way; try again in a moment"))
        }
        Err(StoreError::Conflict { .. }) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used with another body; use a new key for a new request",
        )),
        Err(error) => Err(error.into()),
    }
}

fn replay(status: u16, answer: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/json")], Body::from(answer)).into_response();
    response.headers_mut().insert("idempotent-replayed", header::HeaderValue::from_static("true"));
    response
}

impl Key {
    /// The id of the run at `index` of this request: the same in every try.
    pub(crate) fn run_id(&self, index: usize) -> RunId {
        let digest =
            Sha256::new().chain_update(self.ticket.as_bytes()).chain_update(index.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        // The ticket's own time in front keeps ids in the order of their creation.
        bytes[..6].copy_from_slice(&self.ticket.as_bytes()[..6]);
        RunId::from_uuid(uuid::Builder::from_bytes(bytes).with_version(uuid::Version::SortRand).into_uuid())
    }
}

/// Keeps the answer for the next time, or frees the key if the request was refused.
pub(crate) async fn end(
    app: &App,
    at: &InProject,
    key: Option<Key>,
    outcome: Result<(StatusCode, Value), Problem>,
) -> Result<Response, Problem> {
    let Some(Key { key, ticket, .. }) = key else {
        return outcome.map(|(status, body)| (status, axum::Json(body)).into_response());
    };
    match outcome {
        Ok((status, body)) => {
            let answer = body.to_string();
            // What was created is committed: an answer that can't be kept is found again by the run's id.
            if let Err(error) =
                app.store.remember(&at.owner, &at.project, &key, ticket, status.as_u16(), &answer).await
            {
                tracing::warn!(%error, "the answer to an idempotent request was not kept");
            }
            Ok((status, axum::Json(body)).into_response())
        }
        Err(problem) => {
            if !problem.status().is_server_error()
                && let Err(error) = app.store.forget(&at.owner, &at.project, &key, ticket).await
            {
                tracing::warn!(%error, "an idempotency key was not freed");
            }
            Err(problem)
        }
    }
}
