//! The Celery protocol on top of messages: tasks, events, remote control and results, as typed values.
//!
//! Source: Celery 5.4 to 5.7 and kombu of the same releases, message protocol 2 (Celery's documentation,
//! "Message Protocol"), checked against captures of real traffic in `tests/captures`.

pub mod repr;
pub mod task;
