//! The API server's audit log: what was changed by whom, and exactly when. Order across clusters is proven with it.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

/// One request that changed something, answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Who asked.
    pub user: String,
    /// The kind of the object as in a URL, `pods`; with its subresource: `pods/binding`.
    pub resource: String,
    /// The object's namespace; empty if it has none.
    pub namespace: String,
    /// The object's name; empty if the request named none.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// When the request came in.
    pub received: Timestamp,
    /// When it was answered, so when what it asked for was there to see.
    pub answered: Timestamp,
}

/// Reads what the log has now, in the order of the answers. A last line that is half written is left out.
///
/// # Panics
/// If there is no log, or it has something else in it than audit events.
pub(super) fn read(log: &Path) -> Vec<AuditEvent> {
    let text = std::fs::read_to_string(log)
        .unwrap_or_else(|error| panic!("no audit log at {} ({error}): was it asked for?", log.display()));
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(parse).collect()
}

fn parse(line: &str) -> AuditEvent {
    let value: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not an audit event ({error}): {line}"));
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let time = |pointer: &str| {
        text(pointer).parse().unwrap_or_else(|error| panic!("no time at {pointer} ({error}): {line}"))
    };
    let subresource = text("/objectRef/subresource");
    let resource = text("/objectRef/resource");
    let code = value.pointer("/responseStatus/code").and_then(Value::as_u64);
    AuditEvent {
        verb: text("/verb"),
        user: text("/user/username"),
        resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
        namespace: text("/objectRef/namespace"),
        name: text("/objectRef/name"),
        code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
        received: time("/requestReceivedTimestamp"),
        answered: time("/stageTimestamp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_line_is_read() {
        let event = parse(
            r#"{"verb":"create","user":{"username":"me"},"objectRef":{"resource":"pods","subresource":"binding",
            "namespace":"a","name":"b"},"responseStatus":{"code":201},
            "requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z","stageTimestamp":"2026-01-02T03:04:05.000003Z"}"#,
        );
        assert_eq!((event.resource.as_str(), event.code), ("pods/binding", 201));
        assert_eq!(event.answered.as_microsecond() - event.received.as_microsecond(), 2);
    }
}
