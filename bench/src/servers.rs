//! The versions of the servers that both sides use, as they say them themselves.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// What to ask, and the word before the version in the answer.
const QUESTIONS: &[(&str, &[&str], &str)] = &[
    ("redis-server", &["redis-server", "--version"], "v="),
    ("PostgreSQL (client)", &["psql", "--version"], "(PostgreSQL)"),
    ("Python", &["python3", "--version"], "Python"),
    ("RabbitMQ", &["dpkg-query", "--show", "--showformat=version ${Version}", "rabbitmq-server"], "version"),
];

/// The servers that are installed, by name; what doesn't answer is left out and fails when it is needed.
pub fn versions() -> BTreeMap<String, String> {
    QUESTIONS
        .iter()
        .filter_map(|(name, words, before)| {
            let (program, arguments) = words.split_first()?;
            let output = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output()
                .ok()?;
            let text = String::from_utf8_lossy(&output.stdout);
            Some(((*name).to_owned(), after(&text, before)?))
        })
        .collect()
}

fn after(text: &str, before: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_word_after_its_mark() {
        assert_eq!(after("Redis server v=7.0.15 sha=0:0", "v=").as_deref(), Some("7.0.15"));
        assert_eq!(after("psql (PostgreSQL) 15.4 (Debian)", "(PostgreSQL)").as_deref(), Some("15.4"));
        assert_eq!(after("nothing", "v="), None);
    }
}
