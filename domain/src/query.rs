//! Polyaxon's query language, as its clients send it in `query=`: `status:created|running, -name:~%old%`.
//!
//! A query is a comma list of `field:condition`. A condition is a value, `a|b` (either), `~x` (not), `>x`, `>=x`,
//! `<x`, `<=x`, `a..b` (from a to b), `nil` (not set), or `%x%` (contains). What the fields mean is up to the caller.

/// The largest query, in bytes.
pub const MAX_BYTES: usize = 4_096;

/// Why a query makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than [`MAX_BYTES`].
    #[error("it has {found} bytes; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// A clause is wrong.
    #[error("`{clause}` {why}")]
    Clause {
        /// The clause.
        clause: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// One `field:condition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The field.
    pub field: String,
    /// Whether the condition must not hold.
    pub negated: bool,
    /// The condition.
    pub condition: Condition,
}

/// What must hold of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is one of these.
    In(Vec<String>),
    /// It contains this.
    Contains(String),
    /// It is not set.
    Nil,
    /// It is within these bounds.
    Range {
        /// At least, or more than.
        from: Option<Bound>,
        /// At most, or less than.
        to: Option<Bound>,
    },
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The value.
    pub value: String,
    /// Whether the value itself is in the range.
    pub included: bool,
}

/// Reads a query. An empty one has no clauses.
///
/// # Errors
/// If it makes no sense; the text says where.
pub fn parse(query: &str) -> Result<Vec<Clause>, QueryError> {
    if query.len() > MAX_BYTES {
        return Err(QueryError::TooLong { found: query.len() });
    }
    query.split(',').map(str::trim).filter(|part| !part.is_empty()).map(clause).collect()
}

fn clause(part: &str) -> Result<Clause, QueryError> {
    let refuse = |why| QueryError::Clause { clause: part.to_owned(), why };
    let Some((field, condition)) = part.split_once(':') else {
        return Err(refuse("has no `:`; write field:value, for example status:running"));
    };
    let (field, mut condition) = (field.trim(), condition.trim());
    if field.is_empty() {
        return Err(refuse("has no field before its `:`"));
    }
    let negated = condition.starts_with('~');
    if negated {
        condition = condition.trim_start_matches('~').trim_start();
    }
    if condition.is_empty() {
        return Err(refuse("has no value after its `:`"));
    }
    let bound = |text: &str, included: bool| {
        let value = text.trim().to_owned();
        if value.is_empty() { Err(refuse("has an empty bound")) } else { Ok(Some(Bound { value, included })) }
    };
    let condition = if let Some(rest) = condition.strip_prefix(">=") {
        Condition::Range { from: bound(rest, true)?, to: None }
    } else if let Some(rest) = condition.strip_prefix("<=") {
        Condition::Range { from: None, to: bound(rest, true)? }
    } else if let Some(rest) = condition.strip_prefix('>') {
        Condition::Range { from: bound(rest, false)?, to: None }
    } else if let Some(rest) = condition.strip_prefix('<') {
        Condition::Range { from: None, to: bound(rest, false)? }
    } else if let Some((from, to)) = condition.split_once("..") {
        Condition::Range { from: bound(from, true)?, to: bound(to, true)? }
    } else if condition == "nil" {
        Condition::Nil
    } else if condition.len() >= 2 && condition.starts_with('%') || condition.ends_with('%') {
        let text = condition.trim_matches('%');
        if text.is_empty() {
            return Err(refuse("searches for nothing"));
        }
        Condition::Contains(text.to_owned())
    } else {
        let values: Vec<String> = condition.split('|').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(String::is_empty) {
            return Err(refuse("has an empty alternative"));
        }
        Condition::In(values)
    };
    Ok(Clause { field: field.to_owned(), negated, condition })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(query: &str) -> Clause {
        parse(query).unwrap().remove(0)
    }

    #[test]
    fn every_form_of_a_condition_is_read() {
        let values = |values: &[&str]| Condition::In(values.iter().map(ToString::to_string).collect());
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("status:created|running, kind:job").unwrap().len(), 2);
        assert_eq!(one("status: created | running ").condition, values(&["created", "running"]));
        assert_eq!(
            one("status:~running"),
            Clause { field: "status".into(), negated: true, condition: values(&["running"]) }
        );
        assert_eq!(one("name:%old%").condition, Condition::Contains("old".into()));
        assert_eq!(one("started_at:nil").condition, Condition::Nil);
        let bound = |value: &str, included| Some(Bound { value: value.into(), included });
        assert_eq!(one("priority:>=3").condition, Condition::Range { from: bound("3", true), to: None });
        assert_eq!(one("priority:<3").condition, Condition::Range { from: None, to: bound("3", false) });
        assert_eq!(
            one("created_at:2026-01-01..2026-02-01").condition,
            Condition::Range { from: bound("2026-01-01", true), to: bound("2026-02-01", true) }
        );
        assert_eq!(one("created_at:>2026-01-01T10:00:00Z").field, "created_at");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_part_that_does_not() {
        for (query, detail) in [
            ("running", "`running` has no `:`; write field:value, for example status:running"),
            (":x", "`:x` has no field before its `:`"),
            ("status:", "`status:` has no value after its `:`"),
            ("status:~", "`status:~` has no value after its `:`"),
            ("status:a||b", "`status:a||b` has an empty alternative"),
            ("priority:>", "`priority:>` has an empty bound"),
            ("created_at:..2026-01-01", "`created_at:..2026-01-01` has an empty bound"),
            ("name:%%", "`name:%%` searches for nothing"),
        ] {
            assert_eq!(parse(query).unwrap_err().to_string(), detail, "{query}");
        }
        assert!(parse(&"x".repeat(5_000)).is_err());
    }
}
