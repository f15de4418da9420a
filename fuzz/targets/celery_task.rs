//! Fuzzes Celery's task messages, protocol 2 and 1: what was read can be written, and is read again.

#![no_main]

use berth_broker::celery::task;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let message = berth_fuzz::input::message(data);
    if let Ok(task) = task::decode(&message) {
        let written = task::encode(&task);
        // Protocol 1 has its signatures one level less deep, which the limit of nesting may tell apart.
        if message.headers.contains_key("task") {
            let again = task::decode(&written).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((&again.id, &again.name, again.retries), (&task.id, &task.name, task.retries));
        }
    }
});
