//! Berth itself as users run it: the program built for release, each role a process of its own.

pub mod program;
pub mod roles;
pub mod scheduler;
