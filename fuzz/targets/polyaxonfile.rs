//! Fuzzes polyaxonfiles: reading, laying over as a preset, compiling, and hiding secrets.

#![no_main]

use berth_domain::compile::{Context, compile};
use berth_domain::spec::{Format, Limits, apply_preset, parse_bytes};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let Ok(operation) = parse_bytes(data, Format::Auto, &limits) else { return };
    let compiled = compile(&operation, &Context::default(), &limits);
    if let Ok(compiled) = &compiled {
        let text = serde_json::to_string(&compiled.operation).unwrap_or_else(|error| panic!("{error}"));
        assert!(text.len() <= limits.max_compiled_bytes, "{} bytes", text.len());
        drop(compiled.redacted());
    }
    // Twice the same is the same.
    assert_eq!(compile(&operation, &Context::default(), &limits), compiled);
    if let Ok(laid_over) = apply_preset(operation.clone(), &operation) {
        compile(&laid_over, &Context::default(), &limits).ok();
    }
});
