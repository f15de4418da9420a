//! Fuzzes what agents and the scheduler tell each other: what was read can be written, and is read again.

#![no_main]

use berth_domain::protocol::{FromAgent, ToAgent, logs};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::from_slice;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    is_read_again::<FromAgent>(data);
    is_read_again::<ToAgent>(data);
    is_read_again::<logs::Request>(data);
    is_read_again::<logs::LogItem>(data);
});

/// The message is read again from what is written of it. A fraction's last bit may change on the way.
fn is_read_again<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(read) = from_slice::<T>(data) else { return };
    let written = serde_json::to_vec(&read).unwrap_or_else(|error| panic!("{error}"));
    let again: T = from_slice(&written).unwrap_or_else(|error| panic!("{error}: {}", written.escape_ascii()));
    drop(again);
}
