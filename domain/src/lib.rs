//! What a run is. Pure: no I/O, no async, and no clock but the one that callers pass in.
//!
//! Every decision of Berth is a plain function over plain data in this crate, so that it can be
//! tested by the thousand and simulated; the services only fetch, decide and write.

pub mod access;
pub mod compile;
pub mod dead_letter;
pub mod feature;
pub mod history;
pub mod id;
pub mod json;
pub mod labels;
pub mod lifecycle;
pub mod name;
pub mod nodes;
pub mod protocol;
pub mod quantity;
pub mod query;
pub mod redact;
pub mod reported;
pub mod restore;
pub mod scheduling;
pub mod spec;
pub mod time;
pub mod trace;
pub mod waiting;
pub mod warning;
