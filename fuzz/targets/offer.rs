//! Fuzzes offers: what was read is written, and read again, to the byte.

#![no_main]

use berth_broker::offer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(read) = offer::decode(&berth_fuzz::input::message(data)) {
        let written = offer::encode(&read);
        let again = offer::decode(&written).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(offer::encode(&again), written);
    }
});
