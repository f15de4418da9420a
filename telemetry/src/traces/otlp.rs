//! Spans as OTLP's messages.

use berth_domain::time::Time;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Message, Status};

use super::Settings;
use super::span::{Attribute, Kind, Span};

/// The version of the conventions that attributes are named by.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.37.0";

/// Who records: what is said of a process with all its spans. What was set holds over what is known.
pub(super) fn resource(settings: &Settings) -> Resource {
    let own = [
        ("service.name", settings.service.as_str()),
        ("service.namespace", "berth"),
        ("service.version", settings.release.as_str()),
        ("service.instance.id", settings.replica.as_str()),
    ];
    let is_given = |name: &str| settings.attributes.iter().any(|(given, _)| given == name);
    let own = own.into_iter().filter(|(name, _)| *name == "service.name" || !is_given(name));
    // The service's name has a setting of its own, which holds.
    let given = settings.attributes.iter().filter(|(name, _)| name != "service.name");
    let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
    let attributes = own.chain(given).map(|(name, value)| pair(name, Value::StringValue(value.to_owned())));
    Resource { attributes: attributes.collect(), ..Resource::default() }
}

/// One request for a batch.
pub(super) fn request(resource: &Resource, release: &str, spans: &[Span]) -> ExportTraceServiceRequest {
    let scope =
        InstrumentationScope { name: "berth".to_owned(), version: release.to_owned(), ..Default::default() };
    let spans = spans.iter().map(message).collect();
    let of_scope = ScopeSpans { scope: Some(scope), spans, schema_url: CONVENTIONS.to_owned() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: vec![of_scope],
            schema_url: CONVENTIONS.to_owned(),
        }],
    }
}

fn message(span: &Span) -> Message {
    Message {
        trace_id: span.trace.bytes().to_vec(),
        span_id: span.id.bytes().to_vec(),
        trace_state: span.state.clone().unwrap_or_default(),
        parent_span_id: span.parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        flags: span.flags.into(),
        name: span.name.to_string(),
        kind: match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        }
        .into(),
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.end),
        attributes: span.attributes.iter().map(|(name, value)| pair(name, attribute(value))).collect(),
        links: span
            .links
            .iter()
            .map(|(trace, span)| Link {
                trace_id: trace.bytes().to_vec(),
                span_id: span.bytes().to_vec(),
                ..Link::default()
            })
            .collect(),
        status: span
            .failure
            .as_ref()
            .map(|why| Status { message: why.clone(), code: StatusCode::Error.into() }),
        ..Message::default()
    }
}

fn nanos(time: Time) -> u64 {
    u64::try_from(time.micros()).unwrap_or(0).saturating_mul(1_000)
}

fn attribute(value: &Attribute) -> Value {
    match value {
        Attribute::Text(text) => Value::StringValue(text.clone()),
        Attribute::Number(number) => Value::IntValue(*number),
    }
}

fn pair(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
