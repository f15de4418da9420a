//! Python's `repr` of JSON values: what Celery's tools show of arguments.

use serde_json::Value;

/// Celery truncates representations to this many characters.
pub const LONGEST: usize = 1024;

/// Writes a value as Python's `repr` would, truncated to [`LONGEST`] characters with `...` at the end.
pub fn repr(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text, 0);
    truncate(text)
}

/// Writes a list as a tuple: `(1, 'a')`, `(1,)`, `()`.
pub fn repr_tuple(values: &[Value]) -> String {
    let mut text = String::from("(");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write(value, &mut text, 1);
    }
    text.push_str(if values.len() == 1 { ",)" } else { ")" });
    truncate(text)
}

fn truncate(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some(_) => text.chars().take(LONGEST - 3).chain("...".chars()).collect(),
    }
}

fn write(value: &Value, text: &mut String, depth: usize) {
    if text.len() > LONGEST * 4 || depth > 32 {
        text.push_str("...");
        return;
    }
    match value {
        Value::Null => text.push_str("None"),
        Value::Bool(true) => text.push_str("True"),
        Value::Bool(false) => text.push_str("False"),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_text(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write(item, text, depth + 1);
            }
            text.push(']');
        }
        Value::Object(entries) => {
            text.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write_text(key, text);
                text.push_str(": ");
                write(item, text, depth + 1);
            }
            text.push('}');
        }
    }
}

fn write_text(string: &str, text: &mut String) {
    // Python prefers single quotes, unless the text has one and no double quote.
    let quote = if string.contains('\'') && !string.contains('"') { '"' } else { '\'' };
    text.push(quote);
    for c in string.chars().take(LONGEST + 1) {
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\\' => text.push_str("\\\\"),
            c if c == quote => {
                text.push('\\');
                text.push(c);
            }
            c if c.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_look_as_python_shows_them() {
        let value = json!({"a": [1, 2.5, null, true], "b": "it's"});
        assert_eq!(repr(&value), r#"{'a': [1, 2.5, None, True], 'b': "it's"}"#);
        assert_eq!(repr_tuple(&[json!(1), json!("a")]), "(1, 'a')");
        assert_eq!(repr_tuple(&[json!(1)]), "(1,)");
        assert_eq!(repr_tuple(&[]), "()");
    }

    #[test]
    fn long_values_are_cut_as_celery_cuts_them() {
        let text = repr(&json!("x".repeat(5000)));
        assert_eq!(text.chars().count(), LONGEST);
        assert!(text.ends_with("..."));
    }
}
