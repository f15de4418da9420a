//! The message that is measured with: a Celery task that does nothing, with a body of 1.5 kB.

use berth_broker::celery::task::{Body, Task, encode};
use berth_broker::{Message, Publish};
use berth_broker_config::Address;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Bytes of a message's body.
pub const BODY_BYTES: usize = 1500;

/// The filler of a body that has [`BODY_BYTES`].
pub fn payload() -> String {
    let bare = encode(&task(String::new())).body.len();
    "x".repeat(BODY_BYTES - bare)
}

/// A task that does nothing with a payload.
pub fn task(payload: String) -> Task {
    let kwargs = Map::from_iter([("payload".to_owned(), Value::String(payload))]);
    Task {
        name: "bench.noop".to_owned(),
        id: Uuid::now_v7().to_string(),
        argsrepr: Some("()".to_owned()),
        kwargsrepr: Some("{}".to_owned()),
        ignore_result: Some(true),
        origin: Some("berth-bench".to_owned()),
        body: Body { kwargs, ..Body::default() },
        ..Task::default()
    }
}

/// A message with an id of its own.
pub fn message(payload: &str) -> Message {
    encode(&task(payload.to_owned()))
}

/// A batch for a queue.
pub fn batch(to: &Address, payload: &str, count: usize) -> Vec<Publish> {
    (0..count).map(|_| Publish { to: to.clone(), message: message(payload) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_size_that_the_figures_name() {
        let message = message(&payload());
        assert_eq!(message.body.len(), BODY_BYTES);
        let task = berth_broker::celery::task::decode(&message).unwrap();
        assert_eq!(task.name, "bench.noop");
    }

    #[test]
    fn every_message_is_a_task_of_its_own() {
        let batch = batch(&Address::foreign("q"), "x", 2);
        assert_ne!(batch[0].message.header_text("id"), batch[1].message.header_text("id"));
    }
}
