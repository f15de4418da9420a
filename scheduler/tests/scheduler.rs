//! What a scheduler promises, tried with a real one over the in-process broker and SQLite, and with agents that follow
//! a script. Time passes by hand: nothing waits for a claim or an offer's patience to run
//! out; only how long an agent is silent is counted on a clock that no hand moves.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by breaking")]

#[path = "scheduler/claims.rs"]
mod claims;
#[path = "scheduler/ends.rs"]
mod ends;
#[path = "scheduler/forgetting.rs"]
mod forgetting;
#[path = "scheduler/looking.rs"]
mod looking;
#[path = "scheduler/losses.rs"]
mod losses;
#[path = "scheduler/lost_claims.rs"]
mod lost_claims;
#[path = "scheduler/messages.rs"]
mod messages;
#[path = "scheduler/offers.rs"]
mod offers;
#[path = "scheduler/overflow.rs"]
mod overflow;
#[path = "scheduler/preemption.rs"]
mod preemption;
#[path = "scheduler/replica.rs"]
mod replica;
#[path = "scheduler/stops.rs"]
mod stops;
#[path = "scheduler/traces.rs"]
mod traces;
#[path = "scheduler/world.rs"]
mod world;
