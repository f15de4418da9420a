//! Every command that the documents name is one, with the flags that they give it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by breaking")]

use std::path::{Path, PathBuf};

use berth_cli::arguments::Arguments;
use clap::{Command, CommandFactory as _};

/// The documents that users read.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// What a document has as code: lines of its shell blocks, and what is between backticks.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(kind) };
        } else if fence == Some("sh") {
            // What follows the backslash of a line that goes on is looked at as a line, and is no command.
            found.push(line.split(" #").next().unwrap_or_default().to_owned());
        } else if fence.is_none() {
            found.extend(line.split('`').skip(1).step_by(2).map(ToOwned::to_owned));
        }
    }
    found
}

/// The words after each `berth` that stands where a command does.
fn calls(code: &str) -> Vec<Vec<&str>> {
    let parts = code
        .split(['|', ';', '(', ')'])
        .flat_map(|part| part.split("&&"))
        .flat_map(|part| part.split(" -- "));
    let words = parts.map(|part| {
        let words = part.split_whitespace().skip_while(|word| word.contains('=') || *word == "exec");
        words.take_while(|word| !word.starts_with(['>', '<'])).collect::<Vec<_>>()
    });
    let called = words.filter(|words| words.first().is_some_and(|word| matches!(*word, "berth" | "/berth")));
    called.map(|words| words[1..].to_vec()).collect()
}

/// What of a call isn't there, if something isn't.
fn unknown(root: &Command, words: &[&str]) -> Option<String> {
    let mut path = vec![root];
    for word in words {
        let command = path[path.len() - 1];
        let is_placeholder = !word.starts_with(|c: char| c.is_ascii_lowercase() || c == '-');
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split(['=', '`']).next().unwrap_or_default();
            let takes = |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(flag));
            if !matches!(flag, "" | "help" | "version") && !path.iter().any(takes) {
                return Some(format!("`{}` has no --{flag}", command.get_name()));
            }
        } else if let Some(next) = command.find_subcommand(word) {
            path.push(next);
        } else if command.has_subcommands() && !is_placeholder && !word.starts_with('-') {
            return Some(format!("`{}` has no `{word}`", command.get_name()));
        }
    }
    None
}

#[test]
fn every_command_of_the_documents_is_one_with_the_flags_that_it_is_given() {
    let mut root = Arguments::command();
    root.build();
    let (mut wrong, mut found) = (Vec::new(), 0);
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for code in code(&text) {
            for words in calls(&code) {
                found += 1;
                let missing =
                    unknown(&root, &words).map(|what| format!("{}: `{code}`: {what}", path.display()));
                wrong.extend(missing);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 200, "{found}");
}

#[test]
fn what_is_no_command_is_found() {
    let mut root = Arguments::command();
    root.build();
    let first = |code: &str| calls(code).iter().find_map(|words| unknown(&root, words));
    assert_eq!(first("berth ops ls -q status:failed --limit 3"), None);
    assert_eq!(first("x=1 berth ops lst").unwrap(), "`ops` has no `lst`");
    assert_eq!(
        first("kubectl exec pod -- /berth admin migrate --expnd").unwrap(),
        "`migrate` has no --expnd"
    );
    assert_eq!(first("TOKEN=$(berth admin tokn)").unwrap(), "`admin` has no `tokn`");
}
