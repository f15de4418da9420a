//! What the fuzz targets share: how an input is read as a message, and the seeds that the tree has for them.
//!
//! The targets are the programs of `targets/`, one for each decoder: no input may make one panic, hang or grow, and what
//! it has read it must be able to write and read again. `scripts/fuzz.sh` builds and runs them.

mod captures;
pub mod input;
pub mod seeds;
