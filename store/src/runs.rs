//! Runs: the rows that everything else is about. What may happen to one is decided by
//! [`berth_domain::lifecycle::step`]; here it is only locked, written and read.

pub(crate) mod create;
pub(crate) mod edit;
mod edits;
mod facade;
mod grouped;
pub(crate) mod list;
pub(crate) mod model;
mod moves;
mod overview;
mod place;
mod read;
pub(crate) mod timers;
pub(crate) mod transition;
pub(crate) mod writer;

pub use edits::{Edit, Recompiled};
pub use grouped::Grouped;
pub use list::{RunFilter, Sort, SortKey, page_statement};
pub use model::{NewRun, Run, RunContent, RunHead, RunPatch};
pub use overview::{OutstandingOffers, StoppingAttempt};
pub use place::{CountedLane, Newcomer, QueuePosition};
pub use timers::{DueRun, LiveAttempt, MAX_COUNTED, OfferedRun, QueueStats};
pub use transition::Decision;
