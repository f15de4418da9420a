//! `/openapi.json` says what is answered: each described answer is compared with a real one.

use berth_domain::dead_letter::Reason;
use serde_json::{Value, json};

use super::dead_letters::message;
use super::{Api, lease};

/// What of an answer is not as its schema says, by where it is.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema =
            document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no schema {name}"));
        return faults(document, schema, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let of_each = choices.iter().map(|choice| faults(document, choice, value, at));
        return of_each.min_by_key(Vec::len).unwrap_or_default();
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Vec::new(),
    };
    let fits = kinds.iter().any(|kind| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    });
    let is_word = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    if !fits || !is_word {
        return vec![format!("{at} is {value}, not {schema}")];
    }
    let mut found = Vec::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(document, &schema["items"], item, &format!("{at}[{index}]")));
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{place} is not described")),
            (Value::Null, other) => found.extend(faults(document, other, member, &place)),
            (described, _) => found.extend(faults(document, described, member, &place)),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}.{name} is missing"));
        }
    }
    found
}

#[tokio::test]
async fn answers_are_what_the_description_says() {
    let api = Api::open().await;
    api.lease(lease()).await;
    let run = api.submit().await;
    api.post("/api/v1/users/tokens", &json!({ "name": "ci", "scopes": ["read"] })).await.ok();
    let pause = json!({ "reason": "disks" });
    api.post("/api/v1/orgs/default/agents/local/queues/default/pause", &pause).await.ok();
    message(&api, Reason::Undecodable, "eA==").await;
    let document = api.get("/openapi.json").await.ok();
    let mut described = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        described += 1;
        let filled = [
            ("{namespace}", "default"),
            ("{owner}", "default"),
            ("{agent}", "local"),
            ("{queue}", "default"),
            ("{project}", "p"),
            ("{uuid}", run.as_str()),
            ("{kind}", "metric"),
        ];
        let target = filled.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
        let answer = api.get(&target).await.ok();
        assert_eq!(faults(&document, schema, &answer, path), Vec::<String>::new(), "{answer:#}");
        let is_page = schema["properties"]["results"].is_object();
        let may_be_empty = path.ends_with("/warnings");
        assert!(!is_page || may_be_empty || answer["results"][0].is_object(), "{path} has nothing: {answer}");
    }
    assert!(described > 15, "{described}");
}

#[test]
fn what_is_not_as_it_was_said_is_found() {
    let document = json!({ "components": { "schemas": { "A": {
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": ["integer", "null"] }, "b": { "type": "string", "enum": ["x"] } },
    } } } });
    let schema = json!({ "type": "array", "items": { "$ref": "#/components/schemas/A" } });
    let found = |value: Value| faults(&document, &schema, &value, "it").len();
    assert_eq!(found(json!([{ "a": null }, { "a": 1, "b": "x" }])), 0);
    assert_eq!(found(json!([{ "a": 0.5 }, { "a": 1, "b": "y" }, { "b": "x" }, { "a": 1, "c": 1 }, 3])), 5);
}
