//! Steps of `run.init` that write a Dockerfile: the text that Polyaxon makes of the same fields. Pure.
//!
//! Each field is one instruction or several, and can't become another one: what would end its line is refused.

use std::path::Path;

use serde_json::Value;

use super::super::super::Refusal;
use super::super::pod::unsupported;
use crate::transfer::Task;

/// What writes the Dockerfile that `given` tells of into `folder`.
pub(super) fn write(given: &Value, folder: &Path, field: &str) -> Result<Task, Refusal> {
    let given = Given { fields: given, field };
    let name = given.text("filename")?.unwrap_or("Dockerfile");
    if name.contains(['/', '\0']) || name == "." || name == ".." {
        let why = format!("is `{name}`; it is a name, and `path` of the step says in which folder");
        return Err(given.wrong("filename", &why));
    }
    Ok(Task::Write { path: folder.join(name), content: text(&given)?, mode: 0o666 })
}

fn text(given: &Given<'_>) -> Result<String, Refusal> {
    let image = given.word("image")?.ok_or_else(|| given.wrong("image", "is missing"))?;
    let workdir = given.word("workdir")?.unwrap_or("/code");
    let mut blocks = vec![format!("FROM {image}")];

    let mut variables = Vec::new();
    if let Some(language) = given.text("langEnv")? {
        let value = quoted(language);
        variables.extend(["LC_ALL", "LANG", "LANGUAGE"].map(|name| format!("ENV {name}={value}")));
    }
    // What isn't said has a default; what is empty is none.
    let shell = if given.fields.get("shell").is_none_or(Value::is_null) {
        Some("/bin/bash")
    } else {
        given.text("shell")?
    };
    variables.extend(shell.map(|shell| format!("ENV SHELL={}", quoted(shell))));
    for (field, folder) in given.texts("path")? {
        variables.push(format!("ENV PATH={}", quoted(&format!("${{PATH}}:{}", one_line(folder, &field)?))));
    }
    for (name, value) in given.variables()? {
        variables.push(format!("ENV {name}={}", quoted(&value)));
    }
    blocks.push(variables.join("\n"));

    blocks.push(format!("WORKDIR {workdir}"));
    blocks.push(given.copies("copy", workdir)?);
    let mut commands = Vec::new();
    for (field, command) in given.texts("run")? {
        commands.push(format!("RUN {}", command_line(command, &field)?));
    }
    blocks.push(commands.join("\n"));
    blocks.push(given.copies("postRunCopy", workdir)?);
    blocks.push(given.user()?);
    if let Some(folder) = given.text("workdirPath")? {
        blocks.push(copy(folder, workdir));
    }
    blocks.retain(|block| !block.is_empty());
    Ok(blocks.join("\n\n") + "\n")
}

/// What a step says of a Dockerfile.
struct Given<'g> {
    fields: &'g Value,
    field: &'g str,
}

impl<'g> Given<'g> {
    fn wrong(&self, name: &str, why: &str) -> Refusal {
        unsupported(&format!("{}.{name}", self.field), why)
    }

    /// A text in one line, if there is one.
    fn text(&self, name: &str) -> Result<Option<&'g str>, Refusal> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => one_line(text, &format!("{}.{name}", self.field)).map(Some),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    /// A text that is an instruction's argument as it is.
    fn word(&self, name: &str) -> Result<Option<&'g str>, Refusal> {
        let found = self.text(name)?;
        match found {
            Some(text)
                if text.starts_with('-')
                    || text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')) =>
            {
                let why =
                    format!("is `{text}`; it may neither begin with `-` nor hold spaces, quotes or `\\`");
                Err(self.wrong(name, &why))
            }
            _ => Ok(found),
        }
    }

    /// The items of a list, each with its field.
    fn items(&self, name: &str) -> Result<Vec<(String, &'g Value)>, Refusal> {
        let items = match self.fields.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(name, "must be a list")),
        };
        let field = |at: usize| format!("{}.{name}[{at}]", self.field);
        Ok(items.iter().enumerate().map(|(at, item)| (field(at), item)).collect())
    }

    fn texts(&self, name: &str) -> Result<Vec<(String, &'g str)>, Refusal> {
        let text = |(field, item): (String, &'g Value)| match item.as_str() {
            Some(text) if !text.trim().is_empty() => Ok((field, text)),
            _ => Err(unsupported(&field, "must be a text that is not empty")),
        };
        self.items(name)?.into_iter().map(text).collect()
    }

    /// The variables: a mapping, or a list of pairs.
    fn variables(&self) -> Result<Vec<(String, String)>, Refusal> {
        let pairs: Vec<(&str, &Value)> = match self.fields.get("env") {
            Some(Value::Object(fields)) => {
                fields.iter().map(|(name, value)| (name.as_str(), value)).collect()
            }
            _ => {
                let pair = |(field, item): (String, &'g Value)| match item.as_array().map(Vec::as_slice) {
                    Some([Value::String(name), value]) => Ok((name.as_str(), value)),
                    _ => Err(unsupported(&field, "must be a pair of a name and a value")),
                };
                self.items("env")?.into_iter().map(pair).collect::<Result<_, _>>()?
            }
        };
        let variable = |(name, value): (&str, &Value)| {
            let field = format!("{}.env.{name}", self.field);
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
            if !is_name {
                let why = "is no name of a variable: it begins with a letter or `_`, and goes on with letters, digits, \
                           `_`, `.` and `-`";
                return Err(unsupported(&field, why));
            }
            let value = match value {
                Value::String(text) => one_line(text, &field)?.to_owned(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return Err(unsupported(&field, "must be a text, a number, true or false")),
            };
            Ok((name.to_owned(), value))
        };
        pairs.into_iter().map(variable).collect()
    }

    /// The instructions that copy, in a block of their own.
    fn copies(&self, name: &str, workdir: &str) -> Result<String, Refusal> {
        let mut lines = Vec::new();
        for (field, item) in self.items(name)? {
            let (from, to) = match item {
                Value::String(from) => (from.as_str(), workdir),
                Value::Array(pair) => match pair.as_slice() {
                    [Value::String(from), Value::String(to)] => (from.as_str(), to.as_str()),
                    _ => return Err(unsupported(&field, COPIED)),
                },
                _ => return Err(unsupported(&field, COPIED)),
            };
            if from.is_empty() || to.is_empty() {
                return Err(unsupported(&field, COPIED));
            }
            lines.push(copy(one_line(from, &field)?, one_line(to, &field)?));
        }
        Ok(lines.join("\n"))
    }

    /// What makes the user that `uid` and `gid` ask for.
    fn user(&self) -> Result<String, Refusal> {
        let id = |name: &str| match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|id| u32::try_from(id).ok()) {
                Some(id) if id > 0 => Ok(Some(id)),
                _ => Err(self.wrong(name, &format!("is `{value}`; allowed is 1 to {}", u32::MAX))),
            },
        };
        let username = self.text("username")?;
        match (id("uid")?, id("gid")?) {
            (Some(uid), Some(gid)) => {
                let username = username.unwrap_or("polyaxon");
                let is_name = username.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                    && username
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
                if !is_name {
                    let why = format!(
                        "is `{username}`; it begins with one of a-z and `_`, and goes on with a-z, 0-9, `_` and `-`"
                    );
                    return Err(self.wrong("username", &why));
                }
                Ok(format!(
                    "RUN groupadd -g {gid} -r polyaxon && useradd -r -m -g polyaxon -u {uid} {username}"
                ))
            }
            (None, None) if username.is_some() => Err(self.wrong("username", "needs `uid` and `gid` too")),
            (None, None) => Ok(String::new()),
            (Some(_), None) => Err(self.wrong("uid", "needs `gid` too")),
            (None, Some(_)) => Err(self.wrong("gid", "needs `uid` too")),
        }
    }
}

const COPIED: &str = "must be a path, or a pair of where from and where to";

/// A text without what ends a line.
fn one_line<'t>(text: &'t str, field: &str) -> Result<&'t str, Refusal> {
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        Some(found) => {
            let why = format!(
                "holds `{}`; it must be one line, without control characters",
                found.escape_default()
            );
            Err(unsupported(field, &why))
        }
        None => Ok(text),
    }
}

/// A command in one line: where its lines end with `\`, they are put together as a builder would.
fn command_line(command: &str, field: &str) -> Result<String, Refusal> {
    let mut whole = String::new();
    let mut lines = command.trim().lines().map(str::trim_end).peekable();
    while let Some(line) = lines.next() {
        // A builder leaves comments and empty lines between them out.
        if !whole.is_empty() && (line.is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) if lines.peek().is_some() && !part.ends_with('\\') => whole.push_str(part),
            Some(_) => {
                return Err(unsupported(field, "ends a line with `\\` that nothing follows, or with two"));
            }
            None => {
                whole.push_str(line);
                if lines.peek().is_some() {
                    let why = "has several lines: write each command as an item of its own, or end a line with `\\` to \
                               go on in the next";
                    return Err(unsupported(field, why));
                }
            }
        }
    }
    one_line(&whole, field).map(str::to_owned)
}

/// A value in quotes: its variables are resolved by the builder (`\$` is no variable), the rest is as it is.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', r"\\").replace('"', r#"\""#).replace(r"\\$", r"\$");
    format!("\"{escaped}\"")
}

/// In the form that takes any name.
fn copy(from: &str, to: &str) -> String {
    format!("COPY {}", Value::from(vec![from, to]))
}

#[cfg(test)]
mod tests;
