//! What must exist on a broker, as data: names, topology, rights, and their exports.
//!
//! Everything here is a pure function over plain values. Nothing here talks to a broker: `berth-broker`
//! applies what this crate describes, and `berth broker plan|apply|export` shows it.

pub mod address;
pub mod arguments;
pub mod build;
pub mod export;
pub mod found;
pub mod keda;
pub mod names;
pub mod password;
pub mod plan;
pub mod policies;
pub mod rights;
pub mod topology;
pub mod users;
pub mod versions;

pub use address::Address;
pub use names::Names;
pub use topology::Topology;
