//! An attempt of a run as stock Celery workers take it: a task
//! `berth.run(operation, run, attempt, owner, project, queue)` whose result comes back by `rpc://`.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::celery::repr::repr;
use crate::celery::task::{self, Body, Task};
use crate::message::Message;
use crate::offer::{Offer, TASK, trace_headers};

/// The id of an attempt's task: each attempt has a result of its own.
#[must_use]
pub fn task_id(run: Uuid, attempt: u32) -> String {
    format!("{run}.{attempt}")
}

/// The run and the attempt of a task's id; none if it is not one of [`task_id`]'s.
#[must_use]
pub fn attempt_of(task_id: &str) -> Option<(Uuid, u32)> {
    let (run, attempt) = task_id.split_once('.')?;
    Some((run.parse().ok()?, attempt.parse().ok()?))
}

/// Writes an offer for Celery workers. Their results go to the queue `reply_to`.
#[must_use]
pub fn encode(offer: &Offer, reply_to: &str) -> Message {
    let operation = serde_json::from_str(offer.operation.get()).unwrap_or(Value::Null);
    let shown = [
        ("run", json!(offer.run.to_string())),
        ("attempt", json!(offer.attempt)),
        ("owner", json!(offer.owner)),
        ("project", json!(offer.project)),
        ("queue", json!(offer.queue)),
    ];
    let shown: Map<String, Value> = shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let kwargsrepr = repr(&Value::Object(shown.clone()));
    let mut kwargs = shown;
    kwargs.insert("operation".to_owned(), operation);
    task::encode(&Task {
        name: TASK.to_owned(),
        id: task_id(offer.run, offer.attempt),
        root_id: offer.root_id.map(|id| id.to_string()),
        parent_id: offer.parent_id.map(|id| id.to_string()),
        eta: offer.eta.clone(),
        expires: offer.expires.clone(),
        hard_limit: offer.hard_limit,
        soft_limit: offer.soft_limit,
        argsrepr: Some("()".to_owned()),
        kwargsrepr: Some(kwargsrepr),
        shadow: offer.name.clone(),
        ignore_result: Some(false),
        reply_to: Some(reply_to.to_owned()),
        extra: trace_headers(offer).collect(),
        body: Body { kwargs, ..Body::default() },
        ..Task::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_id_names_its_run_and_attempt() {
        let run = Uuid::from_u128(7);
        assert_eq!(attempt_of(&task_id(run, 3)), Some((run, 3)));
        for other in ["", ".", "x.1", "00000000-0000-0000-0000-000000000007", "7.-1"] {
            assert_eq!(attempt_of(other), None, "{other}");
        }
    }
}
