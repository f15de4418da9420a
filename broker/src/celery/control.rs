//! Remote control (pidbox): commands to workers on `celery.pidbox`, and their replies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{BodyError, read};
use crate::message::Message;

/// The namespace that Celery's clients use where none is set (`control_exchange`).
pub const NAMESPACE: &str = "celery";

/// The exchange that commands of a namespace go to.
pub fn commands(namespace: &str) -> String {
    format!("{namespace}.pidbox")
}

/// The exchange that replies of a namespace go to.
pub fn replies(namespace: &str) -> String {
    format!("reply.{namespace}.pidbox")
}

/// A command to all workers, or some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// `ping`, `stats`, `revoke`, ...
    pub method: String,
    /// Its arguments; clients send nulls and numbers for flags.
    #[serde(default)]
    pub arguments: Option<Map<String, Value>>,
    /// The nodes it is for; all if there is none.
    #[serde(default)]
    pub destination: Option<Vec<String>>,
    /// Nodes by pattern instead.
    #[serde(default)]
    pub pattern: Option<String>,
    /// `glob` or `pcre`.
    #[serde(default)]
    pub matcher: Option<String>,
    /// What its replies are told by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Where to reply; nowhere if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
}

/// Where a command's replies go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// `reply.celery.pidbox`.
    pub exchange: String,
    /// The client's id; its queue is `<id>.<exchange>`.
    pub routing_key: String,
}

impl ReplyTo {
    /// The queue that the client waits at.
    pub fn queue(&self) -> String {
        format!("{}.{}", self.routing_key, self.exchange)
    }
}

/// What came with a command beside its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The command.
    pub command: Command,
    /// The client's Lamport clock.
    pub clock: Option<u64>,
    /// Seconds since the epoch after which nobody waits; `None`: no limit.
    pub expires: Option<f64>,
}

/// Reads a command.
///
/// # Errors
/// If the body is not one.
pub fn decode(message: &Message) -> Result<Received, BodyError> {
    Ok(Received {
        command: read(&message.body)?,
        clock: message.headers.get("clock").and_then(Value::as_u64),
        // Clients write 0 for "no limit".
        expires: message.headers.get("expires").and_then(Value::as_f64).filter(|expires| *expires > 0.0),
    })
}

/// Writes a command.
pub fn encode(received: &Received) -> Message {
    let mut message = Message::json(json!(received.command).to_string());
    message.properties.priority = Some(0);
    message.headers.insert("clock".to_owned(), json!(received.clock.unwrap_or(0)));
    message.headers.insert("expires".to_owned(), json!(received.expires.unwrap_or(0.0)));
    message
}

/// A header of commands that Berth itself sends to workers.
const OWN: &str = "berth-own";

/// Writes a command of Berth's own, which it does not answer itself when it hears it.
pub fn encode_own(received: &Received) -> Message {
    let mut message = encode(received);
    message.headers.insert(OWN.to_owned(), json!(true));
    message
}

/// Whether a command is Berth's own.
pub fn is_own(message: &Message) -> bool {
    message.headers.contains_key(OWN)
}

/// One node's reply to a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The node's name, `name@host`.
    pub node: String,
    /// `{"ok": ...}`, `{"error": ...}`, or what the command returns.
    pub answer: Value,
    /// The command's ticket.
    pub ticket: Option<String>,
    /// The node's Lamport clock.
    pub clock: Option<u64>,
}

/// Writes a reply: `{node: answer}`, with the ticket as a header.
pub fn encode_reply(reply: &Reply) -> Message {
    let mut body = Map::new();
    body.insert(reply.node.clone(), reply.answer.clone());
    let mut message = Message::json(Value::Object(body).to_string());
    message.properties.persistent = false;
    message.properties.priority = Some(0);
    message.headers.insert("ticket".to_owned(), json!(reply.ticket));
    message.headers.insert("clock".to_owned(), json!(reply.clock.unwrap_or(0)));
    message
}

/// Reads a reply.
///
/// # Errors
/// If the body is not a table with one node.
pub fn decode_reply(message: &Message) -> Result<Reply, BodyError> {
    let body: Map<String, Value> = read(&message.body)?;
    let count = body.len();
    let mut entries = body.into_iter();
    let (Some((node, answer)), None) = (entries.next(), entries.next()) else {
        return Err(BodyError::Form(format!("a reply has one node, this has {count}")));
    };
    Ok(Reply {
        node,
        answer,
        ticket: message.header_text("ticket").map(str::to_owned),
        clock: message.headers.get("clock").and_then(Value::as_u64),
    })
}
