//! The command line: arguments, settings, the commands that speak to a server, and the wiring of the services.
//!
//! What a service does lives in its crate; here it only gets its settings, its connections and its end.

pub mod arguments;
pub mod client;
pub mod command;
pub mod dispatch;
pub mod failure;
pub mod flags;
pub mod output;
pub mod serve;
pub mod settings;
pub mod spinner;
