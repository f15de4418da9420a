//! Fuzzes kombu's envelope, as Redis holds it in lists.

#![no_main]

use berth_broker::celery::envelope;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (message, _) = envelope::decode(data);
    let written = envelope::encode(&message, "run.q").unwrap_or_else(|error| panic!("{error}"));
    let (again, redelivered) = envelope::decode(written.as_bytes());
    assert_eq!(again.body, message.body);
    assert!(!redelivered);
    if let Ok(text) = std::str::from_utf8(data) {
        let (marked, _) = envelope::decode(envelope::mark_redelivered(text).as_bytes());
        assert_eq!(marked.properties.content_type, message.properties.content_type);
    }
});
