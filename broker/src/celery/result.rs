//! Results, as Celery's backends store and publish them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{BodyError, read};
use crate::message::Message;

/// The state of a task, as its result says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nothing is known.
    Pending,
    /// A worker has it.
    Received,
    /// It runs.
    Started,
    /// It ended well: final.
    Success,
    /// It failed.
    Failure,
    /// It was stopped, or expired.
    Revoked,
    /// A worker refused it.
    Rejected,
    /// It will be tried again.
    Retry,
    /// A state of somebody's own.
    #[serde(untagged)]
    Custom(String),
}

/// A result, with what `result_extended` adds kept in `extended`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The task's id.
    pub task_id: String,
    /// Its state.
    pub status: Status,
    /// The value; for a failure see [`Failure`].
    #[serde(default)]
    pub result: Value,
    /// A traceback, as Python prints it.
    #[serde(default)]
    pub traceback: Option<String>,
    /// Tasks that it sent.
    #[serde(default)]
    pub children: Vec<Value>,
    /// When it ended: ISO 8601.
    #[serde(default)]
    pub date_done: Option<String>,
    /// Name, arguments, worker, queue, stamps, parent and group, where they are said.
    #[serde(flatten)]
    pub extended: Map<String, Value>,
}

/// The value of a failure, which Python clients turn into an exception.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// `ValueError`, say; must be the name of an exception.
    pub exc_type: String,
    /// The exception's arguments.
    pub exc_message: Value,
    /// `builtins`, say; a module that the client doesn't have makes it build a class of that name.
    pub exc_module: String,
}

impl TaskResult {
    /// The key that the Redis backend stores it under.
    pub fn redis_key(task_id: &str) -> String {
        format!("celery-task-meta-{task_id}")
    }

    /// The exception, if the task failed, was revoked, or is to be tried again.
    pub fn failure(&self) -> Option<Failure> {
        match self.status {
            Status::Failure | Status::Revoked | Status::Retry => Failure::deserialize(&self.result).ok(),
            _ => None,
        }
    }
}

/// Writes a result for the queue that the task's `reply_to` names (`rpc://`).
pub fn encode(result: &TaskResult) -> Message {
    let mut message = Message::json(text(result));
    message.properties.persistent = false;
    message.properties.priority = Some(0);
    message.properties.correlation_id = Some(result.task_id.clone());
    message
}

/// Writes a result as the Redis backend stores and publishes it.
pub fn text(result: &TaskResult) -> String {
    json!(result).to_string()
}

/// Reads a result.
///
/// # Errors
/// If the text is not one.
pub fn decode(body: &[u8]) -> Result<TaskResult, BodyError> {
    read(body)
}
