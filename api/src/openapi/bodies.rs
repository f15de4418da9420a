//! What is sent and answered, for the operations that are described: those of credentials, which scripts call to install
//! agents, in full; of what is looked at, what [`answers`](super::answers) has. Tests compare each with a real answer.

use serde_json::{Value, json};

use super::answers::{ANSWERS, Answer, OBJECTS};
use super::notation::{self, reference};

const OF_AGENT: &str = "/api/v1/orgs/{owner}/agents/{agent}/credentials";
const OF_GENERATION: &str = "/api/v1/orgs/{owner}/agents/{agent}/credentials/{generation}";

/// The operation of that method and path, if it is described.
pub(super) fn of(method: &str, path: &str) -> Option<Value> {
    Some(match (method, path) {
        ("get", OF_AGENT) => json!({ "responses": answers("200", "CredentialsList") }),
        ("post", OF_AGENT) => json!({
            "requestBody": {
                "required": false,
                "content": { "application/json": { "schema": { "type": "object", "maxProperties": 0 } } },
            },
            "responses": answers("201", "NewCredentials"),
        }),
        ("delete", OF_GENERATION) => json!({ "responses": answers("200", "RetiredCredentials") }),
        ("get", _) => {
            let (_, answer) = ANSWERS.iter().find(|(described, _)| *described == path)?;
            let schema = match answer {
                Answer::One(name) => notation::schema(name),
                Answer::Page(name) => notation::object(&format!("{PAGE}, results: [{name}]")),
            };
            json!({ "responses": responses("200", &schema) })
        }
        _ => return None,
    })
}

/// What is around the results of a list.
const PAGE: &str = "count: integer?, next: text?, previous: text?";

fn answers(status: &str, schema: &str) -> Value {
    responses(status, &notation::schema(schema))
}

fn responses(status: &str, schema: &Value) -> Value {
    json!({
        status: { "description": "", "content": { "application/json": { "schema": schema } } },
        "default": {
            "description": "",
            "content": { "application/problem+json": { "schema": notation::schema("Problem") } },
        },
    })
}

/// The bodies by name.
pub(super) fn schemas() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let optional = |description: &str| json!({ "type": ["string", "null"], "description": description });
    let credentials = json!({
        "agent": text("The agent's name"),
        "generation": { "type": "integer", "minimum": 1, "description": "Counts up with each" },
        "user": text("The user on the broker"),
        "created_at": { "type": "string", "format": "date-time" },
        "created_by": text("Who made them"),
    });
    let told = json!({
        "on_broker": { "type": "boolean", "description": "Whether the broker knows of it" },
        "note": optional("What is left to do, if it does not"),
    });
    let new = json!({
        "password": { "type": "string", "description": "Told this once; kept are hashes" },
        "url": text("The broker for that user; replace the host where agents reach it by another"),
        "helm_values": text("YAML to install the agent with"),
        "valid": {
            "type": "array", "items": { "type": "integer" },
            "description": "The generations that come in from now on",
        },
    });
    let mut schemas = json!({
        "Credentials": object(&[&credentials]),
        "CredentialsList": object(&[&json!({
            "count": { "type": "integer" },
            "next": { "type": "null" },
            "previous": { "type": "null" },
            "results": { "type": "array", "items": { "$ref": reference("Credentials") } },
            "needed": { "type": "boolean", "description": "Whether agents of this broker need any" },
        })]),
        "NewCredentials": object(&[&credentials, &new, &told]),
        "RetiredCredentials": object(&[&credentials, &told]),
        "Problem": {
            "type": "object",
            "description": "RFC 9457, and `detail` as the stock client prints it",
            "properties": {
                "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string" },
            },
        },
    });
    for (name, members) in OBJECTS {
        schemas[*name] = notation::object(members);
    }
    schemas
}

/// An object that has all of these, and nothing else.
fn object(parts: &[&Value]) -> Value {
    let properties: serde_json::Map<String, Value> = parts
        .iter()
        .filter_map(|part| part.as_object())
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let required: Vec<&String> = properties.keys().collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}
