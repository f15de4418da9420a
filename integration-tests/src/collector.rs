//! A collector of traces: takes OTLP over HTTP as protobuf, decodes it, and keeps what it was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A span, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Who sent it: `service.name`.
    pub service: String,
    /// Its trace, in hex.
    pub trace: String,
    /// Its id, in hex.
    pub id: String,
    /// Its parent's id, in hex; empty for a root.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// OTLP's number of its kind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// When it began and was over, in nanoseconds.
    pub times: (u64, u64),
    /// What is said of it, as texts.
    pub attributes: BTreeMap<String, String>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// The traces that it is linked to, in hex.
    pub links: Vec<String>,
}

impl Seen {
    /// The hop that it is.
    pub fn hop(&self) -> &str {
        self.attribute("berth.hop")
    }

    /// Something that is said of it; empty if nothing is.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

type Kept = Arc<Mutex<Vec<Seen>>>;

/// A collector on a free port, gone with its value.
#[derive(Debug)]
pub struct Collector {
    endpoint: String,
    spans: Kept,
    _serving: JoinSet<()>,
}

impl Collector {
    /// Starts one.
    ///
    /// # Panics
    /// If it can't listen.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.unwrap_or_else(|error| panic!("no collector: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let spans = Kept::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It is ended by being dropped.
            axum::serve(listener, router).await.ok();
        });
        Self { endpoint: format!("http://{address}"), spans, _serving: serving }
    }

    /// Its address, as the setting has it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All that it was sent.
    pub fn spans(&self) -> Vec<Seen> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it was sent of a trace.
    pub fn trace(&self, id: &str) -> Vec<Seen> {
        self.spans().into_iter().filter(|span| span.trace == id).collect()
    }

    /// Waits until `enough` holds of a trace.
    ///
    /// # Panics
    /// If it doesn't after `limit`.
    pub async fn wait_for(
        &self,
        trace: &str,
        limit: Duration,
        enough: impl Fn(&[Seen]) -> bool,
    ) -> Vec<Seen> {
        let deadline = Instant::now() + limit;
        loop {
            let spans = self.trace(trace);
            if enough(&spans) {
                return spans;
            }
            assert!(Instant::now() < deadline, "the trace {trace} is not whole after {limit:?}: {spans:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn take(State(spans): State<Kept>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/x-protobuf") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, Vec::new());
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return (StatusCode::BAD_REQUEST, Vec::new());
    };
    spans.lock().unwrap_or_else(PoisonError::into_inner).extend(seen(request));
    (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
}

fn seen(request: ExportTraceServiceRequest) -> Vec<Seen> {
    let mut all = Vec::new();
    for resource in request.resource_spans {
        let said = attributes(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(Seen {
                service: said.get("service.name").cloned().unwrap_or_default(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                kind: span.kind,
                times: (span.start_time_unix_nano, span.end_time_unix_nano),
                attributes: attributes(span.attributes),
                // 2 is an error.
                failure: span.status.filter(|status| status.code == 2).map(|status| status.message),
                links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
            });
        }
    }
    all
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    pairs.into_iter().map(|pair| (pair.key, text(pair.value.and_then(|value| value.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
