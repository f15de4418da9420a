//! `docs/reference/api.md`: every operation of `/openapi.json`, by tag.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{cell, is_page};

const HEAD: &str = "# API\n\n\
    Made of `/openapi.json`, which every API serves: what paths there are, what each does, and which query parameters it takes;\n\
    one that isn't known is refused by name. Bodies and answers are JSON, with the fields that the commands of `berth` and the\n\
    stock clients of Polyaxon have; the dashboard shows the call of whatever it does.\n\n\
    - **Who asks** is said by `Authorization: Token TOKEN`, or `Bearer TOKEN`. `/healthz` and `/readyz` need none, and `/metrics` on\n  \
      [a listener of its own](../monitoring.md#metrics) needs none.\n\
    - **Lists** are `{\"count\", \"next\", \"previous\", \"results\"}`. `next` is the path of the next page, by `cursor`.\n\
    - **Errors** are `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), with a text in `detail` that names\n  \
      the field, what was found and what is allowed.\n\
    - **Headers**: `Idempotency-Key` with a submission; `X-Berth-Reason` with a change, for the audit log; `traceparent`\n  \
      with a submission, see [Traces](../traces.md); `Last-Event-ID` with a stream of events.\n";

/// The methods that a path may have, in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "patch", "put", "delete"];

/// The names of an operation's query parameters.
fn query(document: &Value, operation: &Value) -> Vec<String> {
    let Some(parameters) = operation["parameters"].as_array() else { return Vec::new() };
    let name = |parameter: &Value| {
        let reference = parameter["$ref"].as_str().unwrap().trim_start_matches('#');
        format!("`{}`", document.pointer(reference).unwrap()["name"].as_str().unwrap())
    };
    parameters.iter().map(name).collect()
}

#[test]
fn the_reference_of_the_api_is_the_api() {
    let document = berth_api::openapi(env!("CARGO_PKG_VERSION"));
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let text = rows.entry(operation["tags"][0].as_str().unwrap()).or_default();
            let (summary, query) = (operation["summary"].as_str().unwrap(), query(&document, operation));
            let method = method.to_uppercase();
            writeln!(text, "| `{method} {path}` | {} | {} |", cell(summary), query.join(", ")).unwrap();
        }
    }
    let mut text = HEAD.to_owned();
    for tag in document["tags"].as_array().unwrap() {
        let tag = tag["name"].as_str().unwrap();
        let rows = rows.remove(tag).unwrap();
        write!(text, "\n## {tag}\n\n| operation | what it does | query |\n|---|---|---|\n{rows}").unwrap();
    }
    assert!(rows.is_empty(), "not among the tags: {:?}", rows.keys());
    text.push_str("\n## Query parameters\n\n| parameter | what it is |\n|---|---|\n");
    for (name, parameter) in document["components"]["parameters"].as_object().unwrap() {
        writeln!(text, "| `{name}` | {} |", cell(parameter["description"].as_str().unwrap())).unwrap();
    }
    is_page("reference/api.md", &text);
}
