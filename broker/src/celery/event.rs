//! Events, which monitors live on: `task-*` and `worker-*` on the exchange `celeryev`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{BodyError, read};
use crate::message::Message;

/// The exchange that all events go to: a topic on RabbitMQ, a fanout on Redis.
pub const EXCHANGE: &str = "celeryev";

/// One event.
///
/// `fields` are what its type adds: `uuid` for every task event, `name`, `args` and `kwargs` (as Python shows
/// them) for `task-received`, `freq`, `active` and `processed` for worker events, and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `task-received`, `worker-heartbeat`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The node's name, `name@host`.
    pub hostname: String,
    /// Seconds since the epoch.
    pub timestamp: f64,
    /// The sender's process.
    #[serde(default)]
    pub pid: Option<i64>,
    /// Its Lamport clock.
    #[serde(default)]
    pub clock: Option<u64>,
    /// Hours west of UTC; Berth sends 0.
    #[serde(default)]
    pub utcoffset: f64,
    /// Everything else.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Event {
    /// The routing key on AMQP: `task-received` as `task.received`.
    pub fn routing_key(&self) -> String {
        self.kind.replacen('-', ".", 1)
    }

    /// The task it is about.
    pub fn task(&self) -> Option<&str> {
        self.fields.get("uuid")?.as_str()
    }
}

/// Writes one event; it is transient, as Celery's are.
pub fn encode(event: &Event) -> Message {
    // A map of texts and JSON values can't fail to be written.
    let mut message = Message::json(json!(event).to_string());
    message.properties.persistent = false;
    message.properties.priority = Some(0);
    message.headers.insert("hostname".to_owned(), Value::from(event.hostname.as_str()));
    message
}

/// Reads a message of events: one, or a list of them (workers buffer their `task-*` events).
///
/// # Errors
/// If the body is not one.
pub fn decode(message: &Message) -> Result<Vec<Event>, BodyError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Events {
        Many(Vec<Event>),
        One(Box<Event>),
    }
    Ok(match read(&message.body)? {
        Events::Many(events) => events,
        Events::One(event) => vec![*event],
    })
}
