//! What every request passes on its way to a handler, in reading order, each layer with its reason. Nowhere else is
//! a layer added.

use std::any::Any;
use std::time::Duration;

use axum::BoxError;
use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::NotForContentType;
use tower_http::compression::{CompressionLayer, DefaultPredicate, Predicate};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;

use crate::app::AppState;
use crate::problem::Problem;
use crate::{authenticate, body, observe, origin};

/// The header that carries a request's id, there and back.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around `routes`. The first in the list is the outermost.
pub(crate) fn around(routes: Router, app: &AppState) -> Router {
    let limits = &app.limits;
    routes.layer(
        ServiceBuilder::new()
            // An id for every request, the client's own if it sent one, so that all that follows can name it.
            .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            // Before anything can log headers.
            .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
            // One line and one count per request, refused ones and panics included: so outside of both.
            .layer(from_fn_with_state(app.clone(), observe::observe))
            // A bug in one handler is a 500 for one client.
            .layer(CatchPanicLayer::custom(panicked))
            // Turns the errors of the two layers below into answers.
            .layer(HandleErrorLayer::new(refused))
            // Refuse at once rather than queue without bound; streams hold no place once their head is out.
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(limits.concurrent_requests))
            // Until the head of the answer: slow uploads end here, and streams, whose head comes at once, don't.
            .layer(TimeoutLayer::new(limits.request_timeout))
            // A web page elsewhere must not start processes here; before a byte of the body is read.
            .layer(from_fn_with_state(app.clone(), origin::check))
            // Too large a body is refused by its length, or while it is read; never collected first.
            .layer(from_fn_with_state(app.clone(), body::limit))
            // Who asks. Inside of the limits, since it may cost a look into the store.
            .layer(from_fn_with_state(app.clone(), authenticate::authenticate))
            // The stock client asks for gzip; server-sent events are left alone, and files keep their length.
            .layer(CompressionLayer::new().compress_when(compressed())),
    )
}

fn compressed() -> impl Predicate {
    let all = DefaultPredicate::new();
    all.and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("application/x-tar"))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that the layer asks for")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&'static str>().copied())
        .unwrap_or("no text");
    Problem::internal(&format_args!("a handler panicked: {text}")).into_response()
}

async fn refused(error: BoxError) -> Problem {
    if error.is::<tower::load_shed::error::Overloaded>() {
        Problem::unavailable("too many requests are under way here; try again in a moment")
    } else if error.is::<tower::timeout::error::Elapsed>() {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long and was given up")
    } else {
        Problem::internal(&error)
    }
}

/// How much a server takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// Requests under way at once; more are refused with 503.
    pub concurrent_requests: usize,
    /// From the head of a request to the head of its answer.
    pub request_timeout: Duration,
    /// Items in one bulk request.
    pub bulk_items: usize,
    /// Streams of events or logs open at once.
    pub streams: usize,
    /// How long an agent may take to begin its answer.
    pub agent_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 * 1024 * 1024,
            concurrent_requests: 1024,
            request_timeout: Duration::from_secs(30),
            bulk_items: 1_000,
            streams: 1024,
            agent_timeout: Duration::from_secs(10),
        }
    }
}
