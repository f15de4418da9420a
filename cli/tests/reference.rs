//! The reference in the book is made of the program itself. After a change,
//! `BERTH_WRITE_REFERENCE=1 cargo test -p berth --test reference` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

#[path = "reference/api.rs"]
mod api;
#[path = "reference/command_line.rs"]
mod command_line;
#[path = "reference/metrics.rs"]
mod metrics;
#[path = "reference/settings.rs"]
mod settings;

use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// A text on one line, as the cell of a table takes it.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "\\<")
}

/// That a page of the book has this text; or writes it there.
#[track_caller]
fn is_page(page: &str, text: &str) {
    let file = docs().join(page);
    if std::env::var_os("BERTH_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == text,
        "docs/{page} is not up to date: {differs:?}; see the head of cli/tests/reference.rs"
    );
}
