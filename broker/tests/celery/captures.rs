//! Every capture decodes, and what it decodes to is written as it was.

use std::path::Path;

use base64::Engine as _;
use berth_broker::celery::{control, event, result, task};
use berth_broker::{Message, Properties};
use serde_json::{Map, Value};

/// All captures in a folder whose names begin with `prefix`.
fn captures(folder: &str, prefix: &str) -> Vec<(String, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "no captures {prefix}* in {}", path.display());
    found
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn properties(from: &Value) -> Properties {
    Properties {
        content_type: text(&from["content_type"]),
        content_encoding: text(&from["content_encoding"]),
        correlation_id: text(&from["correlation_id"]),
        reply_to: text(&from["reply_to"]),
        priority: from["priority"].as_u64().map(|priority| priority as u8),
        expiration_ms: from["expiration"].as_str().and_then(|millis| millis.parse().ok()),
        persistent: from["delivery_mode"] == 2,
    }
}

/// A message as the AMQP captures or the Redis captures have it.
fn message(capture: &Value) -> Message {
    let headers = |value: &Value| value.as_object().cloned().unwrap_or_else(Map::new);
    if let Some(body) = capture["body_utf8"].as_str() {
        return Message {
            properties: properties(&capture["properties"]),
            headers: headers(&capture["headers"]).into(),
            body: body.to_owned().into(),
            cut_from: None,
        };
    }
    let raw = capture["value_raw"].as_str().expect("an AMQP or a Redis capture");
    let envelope: Value = serde_json::from_str(raw).unwrap();
    let body = base64::engine::general_purpose::STANDARD.decode(envelope["body"].as_str().unwrap()).unwrap();
    let mut properties = properties(&envelope["properties"]);
    properties.content_type = text(&envelope["content-type"]);
    properties.content_encoding = text(&envelope["content-encoding"]);
    Message { properties, headers: headers(&envelope["headers"]).into(), body: body.into(), cut_from: None }
}

/// Every message somewhere in a capture file.
fn messages(capture: &Value, found: &mut Vec<Value>) {
    match capture {
        Value::Object(entries) if entries.contains_key("body_utf8") || entries.contains_key("value_raw") => {
            found.push(capture.clone());
        }
        Value::Object(entries) => entries.values().for_each(|entry| messages(entry, found)),
        Value::Array(items) => items.iter().for_each(|item| messages(item, found)),
        _ => {}
    }
}

fn all(capture: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    messages(capture, &mut found);
    found
}

#[test]
fn every_captured_task_decodes_and_is_written_as_it_was() {
    for (file, capture) in captures("amqp", "task_").into_iter().chain(captures("redis", "task_")) {
        for capture in all(&capture) {
            let message = message(&capture);
            let task = task::decode(&message).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(task.id, message.header_text("id").unwrap(), "{file}");
            let written = task::encode(&task);
            let body = |message: &Message| serde_json::from_slice::<Value>(&message.body).unwrap();
            assert_eq!(body(&written), body(&message), "{file}");
            for (name, value) in message.headers.iter().filter(|(name, _)| *name != "lang") {
                assert_eq!(Some(value), written.headers.get(name), "{file}: {name}");
            }
            assert_eq!(written.properties.correlation_id, message.properties.correlation_id, "{file}");
            assert_eq!(written.properties.reply_to, message.properties.reply_to, "{file}");
            assert_eq!(task::decode(&written).unwrap(), task, "{file}");
        }
    }
}

#[test]
fn what_a_task_says_is_read() {
    let of = |name: &str| task::decode(&message(&captures("amqp", name)[0].1)).unwrap();
    let plain = of("task_plain.json");
    assert_eq!((plain.name.as_str(), plain.body.args.len()), ("capp.add", 2));
    assert_eq!(plain.argsrepr.as_deref(), Some("(2, 3)"));
    let held = of("task_eta_priority_expires_timelimit");
    assert!(held.eta.is_some() && held.expires.is_some());
    assert!(held.hard_limit.is_some() && held.soft_limit.is_some());
    assert!(of("task_chain_first_step").body.embed.chain.is_some_and(|chain| !chain.is_empty()));
    assert!(of("task_chord_header_0").body.embed.chord.is_some());
    assert!(of("task_group_member_1").group_index == Some(1));
    assert!(of("task_stamped").stamped_headers.is_some());
}

#[test]
fn every_captured_event_decodes_and_is_written_as_it_was() {
    let files = captures("events", "amqp_").into_iter().chain(captures("events", "redis_"));
    let mut count = 0;
    for (file, capture) in files {
        for capture in all(&capture) {
            let message = message(&capture);
            let events = event::decode(&message).unwrap_or_else(|error| panic!("{file}: {error}"));
            for event in events {
                assert!(event.hostname.contains('@') && event.timestamp > 1e9, "{file}");
                assert_eq!(event.task().is_some(), event.kind.starts_with("task-"), "{file}");
                assert_eq!(event::decode(&event::encode(&event)).unwrap(), [event], "{file}");
                count += 1;
            }
        }
    }
    for event in captures("events", "decoded_")[0].1["events"].as_array().unwrap() {
        let body = Message::json(event.to_string());
        assert_eq!(event::decode(&body).unwrap().len(), 1);
    }
    assert!(count > 20, "{count}");
}

#[test]
fn every_captured_command_and_reply_decodes_and_is_written_as_it_was() {
    for (file, capture) in captures("control", "") {
        let pairs = capture.as_array().cloned().unwrap_or_else(|| vec![capture.clone()]);
        for pair in pairs {
            let received =
                control::decode(&message(&pair["request"])).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(received.command.method, pair["method"].as_str().unwrap(), "{file}");
            assert_eq!(control::decode(&control::encode(&received)).unwrap(), received, "{file}");
            for capture in all(&pair["replies"]) {
                let reply =
                    control::decode_reply(&message(&capture)).unwrap_or_else(|e| panic!("{file}: {e}"));
                assert_eq!(reply.ticket, received.command.ticket, "{file}");
                assert_eq!(control::decode_reply(&control::encode_reply(&reply)).unwrap(), reply, "{file}");
            }
        }
    }
}

#[test]
fn every_captured_result_decodes_and_is_written_as_it_was() {
    let mut states = Vec::new();
    for (file, capture) in captures("results", "") {
        for capture in all(&capture) {
            let body = capture["body_utf8"].as_str().or(capture["value_raw"].as_str()).unwrap();
            let Ok(value) = serde_json::from_str::<Value>(body) else { continue };
            if value.get("status").is_none() {
                // A group's bookkeeping, not a task's result.
                continue;
            }
            let decoded = result::decode(body.as_bytes()).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(serde_json::from_str::<Value>(&result::text(&decoded)).unwrap(), value, "{file}");
            if decoded.status == result::Status::Failure {
                assert!(!decoded.failure().unwrap().exc_type.is_empty(), "{file}");
            }
            states.push(decoded.status);
        }
    }
    for wanted in [result::Status::Success, result::Status::Failure, result::Status::Revoked] {
        assert!(states.contains(&wanted), "{states:?}");
    }
}
