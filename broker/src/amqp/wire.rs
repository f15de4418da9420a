//! Messages as AMQP basic properties and field tables, and lapin's errors as ours.
//!
//! Texts are sent as long strings only: RabbitMQ reads `s` as a 16-bit number, and Python clients get byte
//! arrays for `x`.

use bytes::Bytes;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use lapin::{BasicProperties, ErrorKind};
use serde_json::{Map, Number, Value};

use crate::error::Error;
use crate::headers::Headers;
use crate::message::{Message, Properties};

/// AMQP's short string, at most 255 bytes; lapin's own conversion would panic beyond that.
pub(crate) fn short(doing: &'static str, text: &str) -> Result<ShortString, Error> {
    ShortString::try_new(text).map_err(|_| Error::Failed {
        doing,
        text: format!(
            "`{}...` is longer than the 255 bytes that AMQP allows",
            text.chars().take(32).collect::<String>()
        ),
    })
}

pub(crate) fn properties(message: &Message) -> Result<BasicProperties, Error> {
    const DOING: &str = "encoding a message";
    let from = &message.properties;
    let mut to = BasicProperties::default().with_delivery_mode(if from.persistent { 2 } else { 1 });
    if let Some(text) = &from.content_type {
        to = to.with_content_type(short(DOING, text)?);
    }
    if let Some(text) = &from.content_encoding {
        to = to.with_content_encoding(short(DOING, text)?);
    }
    if let Some(text) = &from.correlation_id {
        to = to.with_correlation_id(short(DOING, text)?);
    }
    if let Some(text) = &from.reply_to {
        to = to.with_reply_to(short(DOING, text)?);
    }
    if let Some(priority) = from.priority {
        to = to.with_priority(priority);
    }
    if let Some(millis) = from.expiration_ms {
        to = to.with_expiration(short(DOING, &millis.to_string())?);
    }
    Ok(to.with_headers(table(DOING, message.headers.iter())?))
}

pub(crate) fn message(properties: &BasicProperties, body: Vec<u8>) -> Message {
    let text = |value: &Option<ShortString>| value.as_ref().map(|text| text.as_str().to_owned());
    let named = |table: &FieldTable| {
        Headers::read(table.inner().iter().map(|(name, field)| (name.as_str(), value(field))))
    };
    let headers = properties.headers().as_ref().map(named).unwrap_or_default();
    Message {
        properties: Properties {
            content_type: text(properties.content_type()),
            content_encoding: text(properties.content_encoding()),
            correlation_id: text(properties.correlation_id()),
            reply_to: text(properties.reply_to()),
            priority: *properties.priority(),
            expiration_ms: text(properties.expiration()).and_then(|text| text.parse().ok()),
            persistent: *properties.delivery_mode() == Some(2),
        },
        headers,
        body: Bytes::from(body),
        cut_from: None,
    }
}

fn table<'a>(
    doing: &'static str,
    entries: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<FieldTable, Error> {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(short(doing, name)?, field(doing, value)?);
    }
    Ok(table)
}

fn field(doing: &'static str, value: &Value) -> Result<AMQPValue, Error> {
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(small) => i32::try_from(small).map_or(AMQPValue::LongLongInt(small), AMQPValue::LongInt),
            None => AMQPValue::Double(number.as_f64().unwrap_or(f64::MAX)),
        },
        Value::String(text) => AMQPValue::LongString(text.as_bytes().into()),
        Value::Array(items) => {
            let items = items.iter().map(|item| field(doing, item)).collect::<Result<Vec<_>, _>>()?;
            AMQPValue::FieldArray(FieldArray::from(items))
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.as_str(), value));
            AMQPValue::FieldTable(table(doing, entries)?)
        }
    })
}

fn map(table: &FieldTable) -> Map<String, Value> {
    table.inner().iter().map(|(name, field)| (name.as_str().to_owned(), value(field))).collect()
}

fn value(field: &AMQPValue) -> Value {
    let float = |value: f64| Number::from_f64(value).map_or(Value::Null, Value::Number);
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    match field {
        AMQPValue::Boolean(value) => Value::from(*value),
        AMQPValue::ShortShortInt(value) => Value::from(*value),
        AMQPValue::ShortShortUInt(value) => Value::from(*value),
        AMQPValue::ShortInt(value) => Value::from(*value),
        AMQPValue::ShortUInt(value) => Value::from(*value),
        AMQPValue::LongInt(value) => Value::from(*value),
        AMQPValue::LongUInt(value) => Value::from(*value),
        AMQPValue::LongLongInt(value) => Value::from(*value),
        AMQPValue::Float(value) => float(f64::from(*value)),
        AMQPValue::Double(value) => float(*value),
        AMQPValue::DecimalValue(value) => float(f64::from(value.value) / 10_f64.powi(i32::from(value.scale))),
        AMQPValue::ShortString(value) => Value::from(value.as_str()),
        AMQPValue::LongString(value) => text(value.as_bytes()),
        AMQPValue::FieldArray(items) => Value::Array(items.as_slice().iter().map(value).collect()),
        AMQPValue::Timestamp(value) => Value::from(*value),
        AMQPValue::FieldTable(entries) => Value::Object(map(entries)),
        AMQPValue::ByteArray(bytes) => text(bytes.as_slice()),
        AMQPValue::Void => Value::Null,
    }
}

/// What an error of lapin means for an operation on queue (or exchange) `name`.
pub(crate) fn error(doing: &'static str, name: &str, error: &lapin::Error) -> Error {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => match refusal.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => Error::NoSuchQueue { queue: name.to_owned() },
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Error::Forbidden { doing, text },
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED | AMQPSoftError::RESOURCELOCKED) => {
                Error::Conflict {
                    name: name.to_owned(),
                    difference: refusal.get_message().as_str().to_owned(),
                }
            }
            _ => Error::Failed { doing, text },
        },
        ErrorKind::IOError(_)
        | ErrorKind::InvalidChannel(_)
        | ErrorKind::InvalidChannelState(..)
        | ErrorKind::InvalidConnectionState(_)
        | ErrorKind::MissingHeartbeatError => Error::NotConnected { last: Some(text) },
        _ => Error::Failed { doing, text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_pass_unchanged() {
        let mut sent = Message::json("{}");
        let headers = json!({"a": null, "b": [1, 2.5, "x", {"c": true}], "n": -5_000_000_000_i64, "t": "é"});
        sent.headers = headers.as_object().unwrap().clone().into();
        sent.properties.priority = Some(3);
        sent.properties.expiration_ms = Some(1500);
        let got = message(&properties(&sent).unwrap(), sent.body.to_vec());
        assert_eq!(got, sent);
    }

    #[test]
    fn a_text_too_long_for_amqp_is_an_error_not_a_panic() {
        let mut sent = Message::json("{}");
        sent.properties.correlation_id = Some("x".repeat(256));
        assert!(properties(&sent).unwrap_err().to_string().contains("255 bytes"));
    }
}
