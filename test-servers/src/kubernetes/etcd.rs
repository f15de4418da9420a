//! What a test does to etcd behind the API server's back, through its JSON gateway.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Compacts everything up to now: watches of older versions end with 410 once the API server has forgotten them too.
/// Returns the revision that was compacted.
///
/// # Panics
/// If etcd doesn't answer, or refuses.
pub(super) fn compact(port: u16) -> i64 {
    let range = post(port, "/v3/kv/range", &json!({ "key": "AA==", "limit": 1 }));
    let revision =
        range.pointer("/header/revision").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let revision: i64 = revision.unwrap_or_else(|| panic!("etcd told no revision: {range}"));
    post(port, "/v3/kv/compaction", &json!({ "revision": revision.to_string(), "physical": true }));
    revision
}

/// Whether etcd says that it is healthy.
pub(super) fn is_healthy(port: u16) -> bool {
    exchange(port, "GET /health HTTP/1.0\r\n\r\n").is_ok_and(|answer| answer.contains("\"true\""))
}

fn post(port: u16, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer =
        exchange(port, &request).unwrap_or_else(|error| panic!("etcd doesn't answer {path}: {error}"));
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    assert!(
        answer.lines().next().is_some_and(|status| status.contains(" 200 ")),
        "etcd refused {path}: {answer}"
    );
    serde_json::from_str(body)
        .unwrap_or_else(|error| panic!("etcd's answer to {path} is no JSON ({error}): {answer}"))
}

fn exchange(port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
