//! Fuzzes the query language of lists.

#![no_main]

use berth_domain::query;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match query::parse(text) {
        Ok(clauses) => assert!(clauses.iter().all(|clause| !clause.field.is_empty())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
