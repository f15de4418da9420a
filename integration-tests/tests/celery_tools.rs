//! Celery's own tools against Berth, unmodified: `celery status`, `inspect` and `control`, event receivers and Flower,
//! on both brokers, with Celery 5.4 and the newest.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "celery_tools/control.rs"]
mod control;
#[path = "celery_tools/events.rs"]
mod events;
#[path = "celery_tools/flower.rs"]
mod flower;
#[path = "celery_tools/inspect.rs"]
mod inspect;
#[path = "celery_tools/python_agent.rs"]
mod python_agent;
#[path = "celery_tools/submissions.rs"]
mod submissions;
#[path = "celery_tools/tools.rs"]
mod tools;

use berth_integration_tests::on_both_brokers;
