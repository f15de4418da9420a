//! A short way to write what answers look like, of which `/openapi.json` has the long one.
//!
//! An object is a list of `name: type` by commas. A type is `text`, `time`, `integer`, `number`, `flag`, `any`, the name of
//! another object, words as in `ce/ee`, a list `[type]`, or a map by name `{type}`. `type?` may be null, and `name?:` may be missing.

use serde_json::{Map, Value, json};

/// The schema of an object that has these members, and nothing else.
pub(super) fn object(text: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in members(text) {
        let (name, kind) = member.split_once(':').unwrap_or((member, "any"));
        let name = match name.trim().strip_suffix('?') {
            Some(name) => name,
            None => {
                required.push(name.trim());
                name.trim()
            }
        };
        properties.insert(name.to_owned(), schema(kind.trim()));
    }
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The schema of a type.
pub(super) fn schema(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix('?') {
        return or_null(schema(kind));
    }
    let within = |open: char, close: char| kind.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if let Some(item) = within('[', ']') {
        return json!({ "type": "array", "items": schema(item) });
    }
    if let Some(value) = within('{', '}') {
        return json!({ "type": "object", "additionalProperties": schema(value) });
    }
    match kind {
        "text" => json!({ "type": "string" }),
        "time" => json!({ "type": "string", "format": "date-time" }),
        "integer" => json!({ "type": "integer" }),
        "number" => json!({ "type": "number" }),
        "flag" => json!({ "type": "boolean" }),
        "any" => json!({}),
        name if name.starts_with(char::is_uppercase) => json!({ "$ref": reference(name) }),
        words => json!({ "type": "string", "enum": words.split('/').collect::<Vec<_>>() }),
    }
}

/// Where a schema is.
pub(super) fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn or_null(mut schema: Value) -> Value {
    match schema.get_mut("type") {
        Some(kind) => *kind = json!([kind.take(), "null"]),
        None => return json!({ "oneOf": [schema, { "type": "null" }] }),
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    schema
}

/// The members of an object.
fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_says_what_the_long_one_does() {
        let long = object("a: text, b?: [Thing], c: {integer?}, d: ce/ee?, e: Thing?, f: any");
        assert_eq!(long["required"], json!(["a", "c", "d", "e", "f"]));
        let thing = json!({ "$ref": "#/components/schemas/Thing" });
        for (name, schema) in [
            ("a", json!({ "type": "string" })),
            ("b", json!({ "type": "array", "items": thing })),
            ("c", json!({ "type": "object", "additionalProperties": { "type": ["integer", "null"] } })),
            ("d", json!({ "type": ["string", "null"], "enum": ["ce", "ee", null] })),
            ("e", json!({ "oneOf": [thing, { "type": "null" }] })),
            ("f", json!({})),
        ] {
            assert_eq!(long["properties"][name], schema, "{name}");
        }
    }
}
