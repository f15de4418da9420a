//! Which templates are let through to the engine: bounded in length, nesting and kind of statement.
//!
//! The engine bounds steps, but not memory nor its own stack: chained operators make a tree as deep as the chain is
//! long, and its compiler recurses over it. So this reads the template's tags as the engine's lexer does (strings and
//! comments are skipped; there are no raw blocks, which would have rules of their own) and counts before it may look.

use crate::spec::shown;

/// Statements that don't let values grow.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// No template is longer than this, in bytes.
const MAX_TEMPLATE: usize = 64 << 10;
/// No expression has more operators, brackets, dots and filters than this.
const MAX_LINKS: usize = 64;
/// No template has more statements than this.
const MAX_STATEMENTS: usize = 64;

/// Looks a template over.
///
/// # Errors
/// A text that says what it may not have.
pub(super) fn check(template: &str) -> Result<(), String> {
    if template.len() > MAX_TEMPLATE {
        return Err(format!("a template has at most {MAX_TEMPLATE} bytes, this one {}", template.len()));
    }
    let mut statements = 0;
    let mut scan = Scan { rest: template, balance: 0 };
    while let Some(start) = scan.rest.find('{') {
        let tag = &scan.rest[start + 1..];
        if let Some(comment) = tag.strip_prefix('#') {
            scan.rest = comment.split_once("#}").map_or("", |(_, after)| after);
        } else if let Some(inner) = tag.strip_prefix('{') {
            scan.rest = inner;
            scan.expression("}}")?;
        } else if let Some(inner) = tag.strip_prefix('%') {
            statements += 1;
            if statements > MAX_STATEMENTS {
                return Err(format!("a template has at most {MAX_STATEMENTS} statements"));
            }
            check_statement(inner)?;
            scan.rest = inner;
            scan.expression("%}")?;
        } else {
            scan.rest = tag;
        }
    }
    Ok(())
}

/// A place in a template.
struct Scan<'a> {
    rest: &'a str,
    /// Brackets opened and not closed; as in the engine, a tag ends only at zero, and it isn't reset between tags.
    balance: isize,
}

impl Scan<'_> {
    /// Counts what links the parts of an expression, and goes to what follows its end.
    fn expression(&mut self, end: &str) -> Result<(), String> {
        let mut links = 0;
        let mut quote: Option<char> = None;
        let mut word = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            if let Some(open) = quote {
                if c == '\\' {
                    chars.next();
                } else if c == open {
                    quote = None;
                }
                continue;
            }
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if matches!(word.as_str(), "and" | "or" | "not" | "is" | "in" | "if" | "else") {
                links += 1;
            }
            word.clear();
            if self.balance == 0 && self.rest[at..].starts_with(end) {
                self.rest = &self.rest[at + end.len()..];
                return Ok(());
            }
            match c {
                '"' | '\'' => quote = Some(c),
                '(' | '[' | '{' => {
                    self.balance += 1;
                    links += 1;
                }
                ')' | ']' | '}' => self.balance -= 1,
                '~' | '+' | '-' | '*' | '/' | '%' | '|' | '.' | '<' | '>' | '=' | '!' => links += 1,
                _ => {}
            }
            if links > MAX_LINKS {
                return Err(too_long());
            }
        }
        self.rest = "";
        Ok(())
    }
}

fn too_long() -> String {
    format!("an expression in a template has at most {MAX_LINKS} operators and brackets")
}

/// Refuses statements by which a value could grow without bound.
fn check_statement(text: &str) -> Result<(), String> {
    let text = text.trim_start_matches(['-', '+']).trim_start();
    let word: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    if !STATEMENTS.contains(&word.as_str()) {
        return Err(format!(
            "`{{% {} %}}` is not available in templates; available are if and for",
            shown(&word)
        ));
    }
    let head = text.split("%}").next().unwrap_or(text);
    // A loop over a fresh list binds a name to a computed value: nested, it would double texts.
    // So would a recursive one. A quote could hide the end of the head.
    if word == "for"
        && (head.contains(['[', '{', '~', '*', '+', '|', '"', '\'']) || head.contains("recursive"))
    {
        return Err("`{% for %}` takes a name or range(..), not a computed list".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_the_engine_ends_them() {
        let chain = "~a".repeat(200);
        for hidden in [
            format!("{{{{ '}}}}' {chain} }}}}"),
            format!("{{{{ \"\\\"}}}}\" {chain} }}}}"),
            format!("{{# {{{{ ' #}}{{{{ a{chain} }}}}"),
            format!("{{ {{{{ a{chain} }}}}"),
            format!("'{{{{ a{chain} }}}}"),
            format!("{{% if a{chain} %}}{{% endif %}}"),
            format!("{{{{ a }}}}{{{{ a{chain}"),
            format!("{{{{ {{1: {{2: 3}}}} {chain} }}}}"),
            format!("{{{{ ( }}}}) {chain} }}}}"),
            format!("{{{{ ) }}}} {chain} }}}}"),
        ] {
            assert!(check(&hidden).is_err(), "{hidden}");
        }
        assert_eq!(
            check("echo ~~~~ {{ a }} ${b} {c: [d]} {{ 'x~~~~' }} {# '{{ #} {% if a %}b{% endif %}"),
            Ok(())
        );
    }
}
