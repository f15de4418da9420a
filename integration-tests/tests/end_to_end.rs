//! What users rely on, end to end: each story runs on all three backings, against real servers.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "end_to_end/credentials.rs"]
mod credentials;
#[path = "end_to_end/dead_letters.rs"]
mod dead_letters;
#[path = "end_to_end/ends.rs"]
mod ends;
#[path = "end_to_end/limits.rs"]
mod limits;
#[path = "end_to_end/load.rs"]
mod load;
#[path = "end_to_end/losses.rs"]
mod losses;
#[path = "end_to_end/operators.rs"]
mod operators;
#[path = "end_to_end/outages.rs"]
mod outages;
#[path = "end_to_end/pauses.rs"]
mod pauses;
#[path = "end_to_end/preemption.rs"]
mod preemption;
#[path = "end_to_end/priority.rs"]
mod priority;
#[path = "end_to_end/restores.rs"]
mod restores;
#[path = "end_to_end/routing.rs"]
mod routing;
#[path = "end_to_end/stops.rs"]
mod stops;
#[path = "end_to_end/streams.rs"]
mod streams;
#[path = "end_to_end/survival.rs"]
mod survival;

use berth_integration_tests::on_all_three;
