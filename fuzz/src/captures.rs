//! Messages of real traffic: the captures that the broker's tests decode.

use std::path::Path;

use anyhow::Context as _;
use berth_broker::Message;
use serde_json::Value;

/// A message as it was captured, on one of the two brokers.
pub(crate) enum Capture {
    /// Headers and body, from RabbitMQ.
    Amqp(Message),
    /// kombu's envelope, from Redis.
    Redis(String),
}

/// Every message in the capture files of `folder`.
///
/// # Errors
/// If a file can't be read or is not JSON.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Capture>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))? {
        let path = entry?.path();
        let text = std::fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        let file = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        collect(&file, &mut found);
    }
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<Capture>) {
    match value {
        Value::Object(entries) => {
            if let Some(body) = value["body_utf8"].as_str() {
                let mut message = Message::json(body.to_owned());
                message.headers = value["headers"].as_object().cloned().unwrap_or_default().into();
                found.push(Capture::Amqp(message));
            } else if let Some(raw) = value["value_raw"].as_str() {
                found.push(Capture::Redis(raw.to_owned()));
            } else {
                entries.values().for_each(|entry| collect(entry, found));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
