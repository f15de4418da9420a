//! Fuzzes templates, in an operation that is right but for them.

#![no_main]

use berth_domain::compile::{Context, compile};
use berth_domain::spec::{Format, Limits, parse};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let limits = Limits::default();
    let file = json!({
        "inputs": [{"name": "lr", "type": "float", "value": 0.5}, {"name": "s", "type": "str", "value": "text"}],
        "params": {"n": 3, "l": ["a", 1, null], "d": {"k": "it's"}},
        "container": {"image": "a", "args": [text]},
    });
    let Ok(operation) = parse(&file.to_string(), Format::Json, &limits) else { return };
    compile(&operation, &Context::default(), &limits).ok();
});
