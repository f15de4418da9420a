//! Writes answers: aligned columns, JSON, YAML or names. What is in an answer is decided by the commands.

use std::io::{IsTerminal as _, Write};

use serde_json::Value;

use crate::failure::Failure;
use crate::settings::Format;

/// Where answers go.
pub struct Output {
    writer: Box<dyn Write>,
    /// How they are written.
    pub format: Format,
    /// Whether somebody looks at the standard error while waiting.
    pub spins: bool,
}

/// A column of a table: its heading, and its text for an item.
pub type Column = (&'static str, fn(&Value) -> String);

impl Output {
    /// The standard output.
    #[must_use]
    pub fn standard(format: Format) -> Self {
        Self { writer: Box::new(std::io::stdout().lock()), format, spins: std::io::stderr().is_terminal() }
    }

    /// Any writer; nobody looks.
    #[must_use]
    pub fn to(writer: Box<dyn Write>, format: Format) -> Self {
        Self { writer, format, spins: false }
    }

    /// Writes a line as it is.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.writer, "{text}")?;
        self.writer.flush()?;
        Ok(())
    }

    /// Writes a list: a table of `columns`, the answer itself, or what `name` makes of each item.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn list(
        &mut self,
        items: &[Value],
        columns: &[Column],
        name: fn(&Value) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
                let rows = items.iter().map(|item| columns.iter().map(|(_, text)| text(item)).collect());
                let rows: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
                self.aligned(&rows)
            }
            Format::Json | Format::Yaml => self.whole(&Value::Array(items.to_vec())),
            Format::Name => items.iter().try_for_each(|item| self.line(&name(item))),
        }
    }

    /// Writes one thing: a line for each of `columns`, the answer itself, or its name.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn one(
        &mut self,
        item: &Value,
        columns: &[Column],
        name: fn(&Value) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                let rows: Vec<Vec<String>> = columns
                    .iter()
                    .map(|(heading, text)| vec![heading.to_lowercase(), text(item)])
                    .filter(|row| !row[1].is_empty())
                    .collect();
                self.aligned(&rows)
            }
            Format::Json | Format::Yaml => self.whole(item),
            Format::Name => self.line(&name(item)),
        }
    }

    /// Writes an answer as JSON or YAML, whatever is in it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn whole(&mut self, item: &Value) -> Result<(), Failure> {
        let text = match self.format {
            Format::Yaml => serde_saphyr::to_string(item).map_err(|error| error.to_string()),
            _ => serde_json::to_string_pretty(item).map_err(|error| error.to_string()),
        };
        let text = text.map_err(|error| Failure::new(crate::failure::Status::Failed, error))?;
        self.line(text.trim_end())
    }

    /// Columns side by side, two spaces apart, the last one as long as it is.
    fn aligned(&mut self, rows: &[Vec<String>]) -> Result<(), Failure> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        let widths: Vec<usize> = (0..columns)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
            }
            writeln!(self.writer, "{}", line.trim_end())?;
        }
        self.writer.flush()?;
        Ok(())
    }
}

/// A cell is one line without control characters, so that nobody's run name can move the cursor.
fn printable(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A field's text, empty if it is absent; `path` goes down by dots.
#[must_use]
pub fn text(item: &Value, path: &str) -> String {
    path.split('.').try_fold(item, |item, part| item.get(part)).map(scalar).unwrap_or_default()
}

/// An item's concurrency limit; the API writes no limit as -1.
#[must_use]
pub fn limit(item: &Value) -> String {
    match item["concurrency"].as_i64() {
        Some(limit) if limit >= 0 => limit.to_string(),
        _ => "none".to_owned(),
    }
}

/// An item's quotas, as `resource=amount`.
#[must_use]
pub fn quotas(item: &Value) -> String {
    let quotas = item["quotas"].as_object().into_iter().flatten();
    quotas.map(|(resource, amount)| format!("{resource}={}", scalar(amount))).collect::<Vec<_>>().join(",")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format) -> String {
        let kept = Kept::default();
        let mut output = Output::to(Box::new(kept.clone()), format);
        let items =
            [json!({"name": "a", "tags": ["x", "y"]}), json!({"name": "long\u{1b}[2J", "tags": null})];
        let columns: [Column; 2] = [("NAME", |item| text(item, "name")), ("TAGS", |item| text(item, "tags"))];
        output.list(&items, &columns, |item| text(item, "name")).unwrap();
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_table_is_aligned_and_control_characters_stay_out_of_it() {
        assert_eq!(written(Format::Table), "NAME      TAGS\na         x,y\nlong [2J\n");
    }

    #[test]
    fn names_are_one_a_line_and_json_is_the_answer_itself() {
        assert!(written(Format::Name).starts_with("a\nlong"));
        let json: Value = serde_json::from_str(&written(Format::Json)).unwrap();
        assert_eq!(json[0]["tags"][1], "y");
        assert!(written(Format::Yaml).contains("name: a"));
    }
}
