//! The Celery protocol on top of messages: tasks, events, remote control and results, as typed values.
//!
//! Source: Celery 5.4 to 5.7 and kombu of the same releases, message protocol 2 (Celery's documentation,
//! "Message Protocol"), checked against captures of real traffic in `tests/captures`. Only the wire is here;
//! what an event or a command means for a run is decided by the scheduler's facade.

use berth_domain::json;

pub mod control;
pub mod envelope;
pub mod event;
pub mod repr;
pub mod result;
pub mod task;

/// A body that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Longer than [`LARGEST_BODY`].
    #[error("the body has {found} bytes, at most {LARGEST_BODY} are allowed")]
    TooLarge {
        /// Its length.
        found: usize,
    },
    /// Not JSON, nested too deeply, or not of the form that Celery gives it.
    #[error("the body is wrong: {0}")]
    Form(String),
}

/// The largest body of an event, a command or a result that is read: 8 MiB, as the API's own limit.
pub const LARGEST_BODY: usize = task::LARGEST_BODY;

/// Reads a bounded JSON body; `serde_json` bounds the depth at 128.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    if body.len() > LARGEST_BODY {
        return Err(BodyError::TooLarge { found: body.len() });
    }
    json::from_slice(body).map_err(|error| BodyError::Form(error.to_string()))
}
