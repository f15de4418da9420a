//! The shape of Rust files: a header, a bounded length, names that say something, no silenced lints or tests.

use super::{Finding, Source, Tree};

/// The longest hand-written file, in lines.
const MAX_LINES: usize = 800;

/// File and folder names that say nothing, so that everything would end up in them.
const EMPTY_NAMES: &[&str] = &["mod", "util", "utils", "common", "helper", "helpers", "shared", "misc"];

/// Spellings that must not be in Rust code, in two halves so that this file does not find itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("#[ign", "ore", "tests are run or deleted: an ignored test proves nothing"),
    ("#[all", "ow(", "use #[expect(lint, reason = \"...\")]"),
    ("#![all", "ow(", "use #![expect(lint, reason = \"...\")]"),
    ("async_", "trait", "use native async functions"),
];

/// Every Rust file has the shape of the house; every text file ends its lines cleanly.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        if source.ends(".rs") {
            findings.extend(rust(source));
        }
        if [".rs", ".toml", ".sh", ".yml", ".py", ".sql"].iter().any(|suffix| source.ends(suffix)) {
            findings.extend(trailing_space(source));
        }
    }
    findings
}

fn rust(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//! ") {
        findings
            .push(Finding::of_file(&source.path, "open with a `//!` header: what lives here, what must not"));
    }
    let lines = source.text.lines().count();
    if lines > MAX_LINES {
        let message = format!("{lines} lines; {MAX_LINES} at most: split it by what it does");
        findings.push(Finding::of_file(&source.path, message));
    }
    for part in source.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            let message = format!("`{part}` says nothing: name the file after what it can do");
            findings.push(Finding::of_file(&source.path, message));
        }
    }
    for (number, line) in source.lines() {
        for (head, tail, message) in FORBIDDEN {
            if line.contains(&format!("{head}{tail}")) {
                findings.push(Finding::at(&source.path, number, *message));
            }
        }
    }
    findings
}

fn trailing_space(source: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = source
        .lines()
        .filter(|(_, line)| line.ends_with([' ', '\t', '\r']))
        .map(|(number, _)| Finding::at(&source.path, number, "white space at the end of the line"))
        .collect();
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        findings.push(Finding::of_file(&source.path, "no line end at the end of the file"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_header_or_with_an_empty_name_is_found() {
        let found = check(&Tree::of(&[("a/src/util.rs", "fn a() {} \n")]));
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "a/src/util.rs: open with a `//!` header: what lives here, what must not",
                "a/src/util.rs: `util` says nothing: name the file after what it can do",
                "a/src/util.rs:1: white space at the end of the line",
            ]
        );
    }

    #[test]
    fn a_long_file_is_found() {
        let text = format!("//! long\n{}", "\n".repeat(800));
        let found = check(&Tree::of(&[("a/src/long.rs", &text)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.starts_with("801 lines"), "{found:?}");
    }

    #[test]
    fn silenced_lints_and_tests_are_found() {
        let text = format!("//! x\n#[ign{}]\n#[all{}dead_code)]\n", "ore", "ow(");
        assert_eq!(check(&Tree::of(&[("a/src/x.rs", &text)])).len(), 2);
    }
}
