//! Fuzzes Celery's events, commands, replies and results: what was read can be written, and is read again.

#![no_main]

use berth_broker::celery::{control, event, result};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let message = berth_fuzz::input::message(data);
    for event in event::decode(&message).into_iter().flatten() {
        let again = event::decode(&event::encode(&event)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((again.len(), &again[0].kind), (1, &event.kind));
    }
    if let Ok(received) = control::decode(&message) {
        let again = control::decode(&control::encode(&received)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.command.method, received.command.method);
    }
    if let Ok(reply) = control::decode_reply(&message) {
        let again =
            control::decode_reply(&control::encode_reply(&reply)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.node, reply.node);
    }
    if let Ok(found) = result::decode(&message.body) {
        found.failure();
        let again = result::decode(&result::encode(&found).body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((again.task_id, again.status), (found.task_id, found.status));
    }
});
