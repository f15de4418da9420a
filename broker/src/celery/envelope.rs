//! kombu's envelope: a message as JSON text, its body in base64. That is how Redis' lists and channels carry it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_domain::json::{from_slice, from_str};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::{Builder, Uuid};

use crate::error::Error;
use crate::headers::Headers;
use crate::message::{Message, Properties};

/// The flag that whoever brings a message back sets, in the headers as kombu does.
const REDELIVERED: &str = "redelivered";

/// What is read. The body, by far the longest part, is taken as it lies in the raw text wherever it can be.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(rename = "content-type", default)]
    content_type: Option<String>,
    #[serde(rename = "content-encoding", default)]
    content_encoding: Option<String>,
    #[serde(default)]
    headers: Option<Headers>,
    properties: ReadProperties,
}

/// What is not of the type that it should be counts as missing.
#[derive(Deserialize)]
struct ReadProperties {
    #[serde(default, deserialize_with = "text")]
    body_encoding: Option<String>,
    #[serde(default, deserialize_with = "text")]
    correlation_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    reply_to: Option<String>,
    #[serde(default, deserialize_with = "text")]
    expiration: Option<String>,
    #[serde(default, deserialize_with = "number")]
    priority: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    delivery_mode: Option<u64>,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(Some(text)),
        _ => Ok(None),
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_u64())
}

/// What is written: borrowed, since a publisher writes hundreds at a time.
#[derive(Serialize)]
struct Written<'a> {
    body: String,
    #[serde(rename = "content-encoding")]
    content_encoding: Option<&'a str>,
    #[serde(rename = "content-type")]
    content_type: Option<&'a str>,
    headers: &'a Headers,
    properties: WrittenProperties<'a>,
}

#[derive(Serialize)]
struct WrittenProperties<'a> {
    body_encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    delivery_info: DeliveryInfo<'a>,
    delivery_mode: u8,
    delivery_tag: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
}

#[derive(Serialize)]
struct DeliveryInfo<'a> {
    exchange: &'a str,
    routing_key: &'a str,
}

/// Writes a message for the list of the queue that kombu knows as `routing_key`.
///
/// # Errors
/// Never, as far as is known: texts, numbers and tables of texts can all be written.
pub fn encode(message: &Message, routing_key: &str) -> Result<String, Error> {
    encode_through(message, "", routing_key)
}

/// Writes a message that goes through an exchange.
///
/// # Errors
/// Never, as far as is known.
pub fn encode_through(message: &Message, exchange: &str, routing_key: &str) -> Result<String, Error> {
    let from = &message.properties;
    let properties = WrittenProperties {
        body_encoding: "base64",
        correlation_id: from.correlation_id.as_deref(),
        delivery_info: DeliveryInfo { exchange, routing_key },
        delivery_mode: if from.persistent { 2 } else { 1 },
        // From the thread's generator: the system's costs a call for each message.
        delivery_tag: Builder::from_random_bytes(rand::random()).into_uuid(),
        expiration: from.expiration_ms.map(|millis| millis.to_string()),
        priority: from.priority,
        reply_to: from.reply_to.as_deref(),
    };
    let written = Written {
        body: STANDARD.encode(&message.body),
        content_encoding: from.content_encoding.as_deref(),
        content_type: from.content_type.as_deref(),
        headers: &message.headers,
        properties,
    };
    serde_json::to_string(&written)
        .map_err(|error| Error::Failed { doing: "encoding a message", text: error.to_string() })
}

/// Reads an envelope; says whether it was delivered before. What is no envelope becomes a message whose body is
/// the raw bytes and whose type is unknown, so that it can be reported by whoever can't decode it.
pub fn decode(raw: &[u8]) -> (Message, bool) {
    let unreadable = || {
        let mut message = Message { body: Bytes::copy_from_slice(raw), ..Message::default() };
        message.properties.content_type = Some("application/octet-stream".to_owned());
        (message, false)
    };
    let Ok(envelope) = from_slice::<Envelope<'_>>(raw) else { return unreadable() };
    let from = envelope.properties;
    let body = if from.body_encoding.as_deref() == Some("base64") {
        match STANDARD.decode(envelope.body.as_bytes()) {
            Ok(body) => Bytes::from(body),
            Err(_) => return unreadable(),
        }
    } else {
        Bytes::from(envelope.body.into_owned())
    };
    let properties = Properties {
        content_type: envelope.content_type,
        content_encoding: envelope.content_encoding,
        correlation_id: from.correlation_id,
        reply_to: from.reply_to,
        priority: from.priority.map(|priority| priority.min(255) as u8),
        expiration_ms: from.expiration.and_then(|text| text.parse().ok()),
        persistent: from.delivery_mode == Some(2),
    };
    let mut headers = envelope.headers.unwrap_or_default();
    let redelivered = headers.remove(REDELIVERED).is_some_and(|flag| flag == Value::Bool(true));
    (Message { properties, headers, body, cut_from: None }, redelivered)
}

/// The same envelope, marked as delivered before; as it is if [`decode`] reads none, so that it stays unreadable.
pub fn mark_redelivered(raw: &str) -> String {
    if from_str::<Envelope<'_>>(raw).is_err() {
        return raw.to_owned();
    }
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

/// A message of which only the beginning was fetched.
pub(crate) fn beginning(raw: Vec<u8>, length: usize) -> Message {
    Message { body: raw.into(), cut_from: Some(length), ..Message::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let mut message = Message::json(&b"\x00\xff{}"[..]);
        message.headers.insert("a".to_owned(), json!([1, null, "x"]));
        message.properties.priority = Some(3);
        message.properties.expiration_ms = Some(5);
        assert_eq!(decode(encode(&message, "run.q").unwrap().as_bytes()), (message.clone(), false));
        let marked = mark_redelivered(&encode(&message, "run.q").unwrap());
        assert_eq!(decode(marked.as_bytes()), (message, true));
    }

    #[test]
    fn an_envelope_has_what_kombu_reads_and_nothing_that_is_not_said() {
        let mut message = Message::json("{}");
        message.headers.insert("a".to_owned(), json!({"b": 1}));
        let mut envelope: Value = serde_json::from_str(&encode(&message, "run.q").unwrap()).unwrap();
        let tag = envelope["properties"].as_object_mut().unwrap().remove("delivery_tag").unwrap();
        assert_eq!(Uuid::parse_str(tag.as_str().unwrap()).unwrap().get_version_num(), 4);
        let properties = json!({
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "run.q"},
            "body_encoding": "base64",
        });
        let expected = json!({
            "body": "e30=", "content-encoding": "utf-8", "content-type": "application/json",
            "headers": {"a": {"b": 1}}, "properties": properties,
        });
        assert_eq!(envelope, expected);
    }

    #[test]
    fn a_body_with_escapes_is_read_too() {
        let raw = r#"{"body": "a\"b\u00e9", "properties": {"priority": 300, "reply_to": 7}}"#;
        let (message, _) = decode(raw.as_bytes());
        assert_eq!(&message.body[..], "a\"b\u{e9}".as_bytes());
        assert_eq!((message.properties.priority, message.properties.reply_to), (Some(255), None));
    }

    #[test]
    fn what_is_no_envelope_is_kept_raw() {
        for raw in [&b"nonsense"[..], b"{}", b"\xff\xfe", b"{\"body\": 1, \"properties\": {}}"] {
            let (message, _) = decode(raw);
            assert_eq!(&message.body[..], raw);
            assert_eq!(message.properties.content_type.as_deref(), Some("application/octet-stream"));
        }
        assert_eq!(mark_redelivered("nonsense"), "nonsense");
        // A field given twice: written anew it would be there once, and the message another one.
        let twice = "{\"body\": \"\", \"headers\": {}, \"headers\": {}, \"properties\": {}}";
        assert_eq!(mark_redelivered(twice), twice);
    }
}
