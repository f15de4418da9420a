//! kombu's envelope: a message as JSON text, its body in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::message::{Message, Properties};

/// The flag that whoever brings a message back sets, in the headers as kombu does.
const REDELIVERED: &str = "redelivered";

#[derive(Deserialize)]
struct Envelope {
    body: String,
    #[serde(rename = "content-type", default)]
    content_type: Option<String>,
    #[serde(rename = "content-encoding", default)]
    content_encoding: Option<String>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    properties: Map<String, Value>,
}

/// Writes a message for the list of the queue that kombu knows as `routing_key`.
pub(crate) fn encode(message: &Message, routing_key: &str) -> String {
    let from = &message.properties;
    let mut properties = json!({
        "delivery_mode": if from.persistent { 2 } else { 1 },
        "delivery_info": {"exchange": "", "routing_key": routing_key},
        "body_encoding": "base64",
        "delivery_tag": Uuid::new_v4().to_string(),
    });
    let optional = [
        ("correlation_id", from.correlation_id.as_deref().map(Value::from)),
        ("reply_to", from.reply_to.as_deref().map(Value::from)),
        ("priority", from.priority.map(Value::from)),
        ("expiration", from.expiration_ms.map(|millis| Value::from(millis.to_string()))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            properties[name] = value;
        }
    }
    json!({
        "body": STANDARD.encode(&message.body),
        "content-encoding": from.content_encoding,
        "content-type": from.content_type,
        "headers": message.headers,
        "properties": properties,
    })
    .to_string()
}

/// Reads an envelope; says whether it was delivered before. What is no envelope becomes a message whose body is
/// the raw bytes and whose type is unknown, so that it can be reported by whoever can't decode it.
pub(crate) fn decode(raw: &[u8]) -> (Message, bool) {
    let unreadable = || {
        let mut message = Message { body: Bytes::copy_from_slice(raw), ..Message::default() };
        message.properties.content_type = Some("application/octet-stream".to_owned());
        (message, false)
    };
    let Ok(envelope) = serde_json::from_slice::<Envelope>(raw) else { return unreadable() };
    let text = |name: &str| envelope.properties.get(name).and_then(Value::as_str).map(str::to_owned);
    let body = if text("body_encoding").as_deref() == Some("base64") {
        match STANDARD.decode(&envelope.body) {
            Ok(body) => Bytes::from(body),
            Err(_) => return unreadable(),
        }
    } else {
        Bytes::from(envelope.body.clone())
    };
    let number = |name: &str| envelope.properties.get(name).and_then(Value::as_u64);
    let properties = Properties {
        content_type: envelope.content_type.clone(),
        content_encoding: envelope.content_encoding.clone(),
        correlation_id: text("correlation_id"),
        reply_to: text("reply_to"),
        priority: number("priority").map(|priority| priority.min(255) as u8),
        expiration_ms: text("expiration").and_then(|text| text.parse().ok()),
        persistent: number("delivery_mode") == Some(2),
    };
    let mut headers = envelope.headers.unwrap_or_default();
    let redelivered = headers.remove(REDELIVERED).is_some_and(|flag| flag == Value::Bool(true));
    (Message { properties, headers, body }, redelivered)
}

/// The same envelope, marked as delivered before; as it is if it is none.
pub(crate) fn mark_redelivered(raw: &str) -> String {
    let Ok(Value::Object(mut envelope)) = serde_json::from_str::<Value>(raw) else { return raw.to_owned() };
    if let Some(Value::Object(headers)) = envelope.get_mut("headers") {
        headers.insert(REDELIVERED.to_owned(), Value::Bool(true));
    }
    let info = envelope.get_mut("properties").and_then(|properties| properties.get_mut("delivery_info"));
    if let Some(Value::Object(info)) = info {
        info.insert(REDELIVERED.to_owned(), Value::Bool(true));
    }
    Value::Object(envelope).to_string()
}

/// The envelope in a record of an un-acked message, `[envelope, exchange, routing key]`, if the record is of the
/// queue that kombu knows as `routing_key`.
pub(crate) fn of_record(record: &str, routing_key: &str) -> Option<String> {
    let parsed = serde_json::from_str::<(Box<serde_json::value::RawValue>, String, String)>(record);
    if let Ok((envelope, _, key)) = parsed {
        return (key == routing_key).then(|| envelope.get().to_owned());
    }
    // Not JSON, so the envelope is none: our own record of it has a known end.
    let end = format!(",\"\",{}]", Value::from(routing_key));
    Some(record.strip_prefix('[')?.strip_suffix(end.as_str())?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let mut message = Message::json(&b"\x00\xff{}"[..]);
        message.headers.insert("a".to_owned(), json!([1, null, "x"]));
        message.properties.priority = Some(3);
        message.properties.expiration_ms = Some(5);
        assert_eq!(decode(encode(&message, "run.q").as_bytes()), (message.clone(), false));
        let marked = mark_redelivered(&encode(&message, "run.q"));
        assert_eq!(decode(marked.as_bytes()), (message, true));
    }

    #[test]
    fn what_is_no_envelope_is_kept_raw() {
        for raw in [&b"nonsense"[..], b"{}", b"\xff\xfe", b"{\"body\": 1, \"properties\": {}}"] {
            let (message, _) = decode(raw);
            assert_eq!(&message.body[..], raw);
            assert_eq!(message.properties.content_type.as_deref(), Some("application/octet-stream"));
        }
        assert_eq!(mark_redelivered("nonsense"), "nonsense");
        assert_eq!(of_record("[nonsense,\"\",\"run.q\"]", "run.q").as_deref(), Some("nonsense"));
        assert_eq!(of_record("[{\"a\": 1}, \"\", \"run.q\"]", "run.q").as_deref(), Some("{\"a\": 1}"));
        assert_eq!(of_record("[{}, \"\", \"other\"]", "run.q"), None);
    }
}
