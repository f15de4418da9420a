//! The REST API: Polyaxon's paths and shapes, authentication and authorization, server-sent events.
//!
//! Handlers fetch, ask `berth_domain` what is to be done, and write; they decide nothing themselves. SQL belongs to
//! the store, and what an agent knows is asked for through the broker.

mod app;
mod ask;
mod authenticate;
mod body;
mod celery;
mod clone;
mod dashboard;
mod defaults;
mod directory;
mod events;
mod explain;
mod feed;
mod given;
mod head;
mod history;
mod idempotency;
mod layers;
mod left;
mod limits;
mod listing;
mod load;
mod logs;
mod observe;
mod openapi;
mod organizations;
mod origin;
mod overview;
mod params;
mod path;
mod pause;
mod place;
mod presets;
mod problem;
mod routes;
mod server;
mod shape;
mod sse;
mod submit;
mod wake;
mod warnings;

mod agents;
mod audit;
mod confinement;
mod course;
mod credentials;
mod dead_letters;
mod installation;
mod projects;
mod queues;
mod recompile;
mod runs;
mod stats;
mod streams;
mod tokens;
mod trace;

pub use app::{Auth, Config};
pub use authenticate::{hash as hash_token, new_secret as new_token};
pub use celery::take_in_submissions;
pub use layers::Limits;
pub use openapi::document as openapi;
pub use server::{Error, run};

#[cfg(test)]
mod tests;
