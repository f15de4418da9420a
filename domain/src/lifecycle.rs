//! The life of a run: statuses and their edges, failure classes, retries, and the one total function
//! [`step`] by which a run's dispatch state changes.
//!
//! The protocol behind it (admit, offer, claim, create, report, take in) is told in `ARCHITECTURE.md`.
//! Nothing here reads a clock or a row: callers pass the moment and the state, and write what comes back.

pub mod culling;

mod condition;
mod due;
mod fail_over;
mod failure;
mod hand;
mod retry;
mod state;
mod status;
mod step;
mod track;

pub use condition::Condition;
pub use due::{OFFER_HELD_AT_MOST, OFFER_PATIENCE, due};
pub use fail_over::fail_over;
pub use failure::{End, FailureClass, Outcome};
pub use hand::{moved, reprioritized};
pub use retry::{Backoff, RetryPolicy, Rule};
pub use state::{Claim, DispatchState, GivenUp, MakeRoom, Noticed, Object, Offered, StopRequest};
pub use status::{Status, UnknownStatus};
pub use step::{ClaimLimits, DropReason, Event, Ignored, MAX_LOST_CLAIMS, Step, WorkerSaid, step};
pub use track::{resume, track};
