//! Arguments of statements, bound the same way on both databases.
//!
//! PostgreSQL holds no NUL characters in texts: here, in the one place that all values pass, they become U+FFFD.

use berth_domain::id::Id;
use berth_domain::time::Time;
use serde::Serialize;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use crate::Error;

/// One argument; its type is known even if it is null, as PostgreSQL needs.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Bool(bool),
    Text(Option<String>),
    Uuid(Option<Uuid>),
    Json(Option<Box<serde_json::value::RawValue>>),
}

/// Arguments in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args(Vec<Arg>);

impl Args {
    /// Adds one and returns its number, from 1.
    pub(crate) fn push(&mut self, arg: impl Into<Arg>) -> usize {
        self.0.push(arg.into());
        self.0.len()
    }

    /// The same, and one more.
    pub(crate) fn with(mut self, arg: impl Into<Arg>) -> Self {
        self.push(arg);
        self
    }

    pub(super) fn postgres(self) -> Result<PgArguments, Error> {
        let mut to = PgArguments::default();
        for arg in self.0 {
            add(&mut to, arg)?;
        }
        Ok(to)
    }

    pub(super) fn sqlite(self) -> Result<SqliteArguments, Error> {
        let mut to = SqliteArguments::default();
        for arg in self.0 {
            add(&mut to, arg)?;
        }
        Ok(to)
    }
}

fn add<A>(to: &mut A, arg: Arg) -> Result<(), Error>
where
    A: Arguments,
    Option<i64>: for<'q> sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    bool: for<'q> sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    Option<String>: for<'q> sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    Option<Uuid>: for<'q> sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    Option<sqlx::types::Json<Box<serde_json::value::RawValue>>>:
        for<'q> sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
{
    match arg {
        Arg::Int(value) => to.add(value),
        Arg::Bool(value) => to.add(value),
        Arg::Text(value) => to.add(value),
        Arg::Uuid(value) => to.add(value),
        Arg::Json(value) => to.add(value.map(sqlx::types::Json)),
    }
    .map_err(|source| Error::Corrupt { what: "an argument can't be encoded".into(), source: Some(source) })
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<i32> for Arg {
    fn from(value: i32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Option<u32>> for Arg {
    fn from(value: Option<u32>) -> Self {
        Self::Int(value.map(i64::from))
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Time> for Arg {
    fn from(value: Time) -> Self {
        Self::Int(Some(value.micros()))
    }
}

impl From<Option<Time>> for Arg {
    fn from(value: Option<Time>) -> Self {
        Self::Int(value.map(Time::micros))
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(Some(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value }))
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::from(value.clone())
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        value.map_or(Self::Text(None), Self::from)
    }
}

impl From<&Option<String>> for Arg {
    fn from(value: &Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}

impl<T> From<Id<T>> for Arg {
    fn from(value: Id<T>) -> Self {
        Self::Uuid(Some(value.uuid()))
    }
}

impl<T> From<Option<Id<T>>> for Arg {
    fn from(value: Option<Id<T>>) -> Self {
        Self::Uuid(value.map(Id::uuid))
    }
}

impl From<Uuid> for Arg {
    fn from(value: Uuid) -> Self {
        Self::Uuid(Some(value))
    }
}

/// A JSON object for a `JSONB` column.
pub(crate) fn json(value: &impl Serialize) -> Result<Arg, Error> {
    json_text(value).and_then(|text| {
        serde_json::value::RawValue::from_string(text).map(|raw| Arg::Json(Some(raw))).map_err(not_json)
    })
}

/// A JSON object, or null.
pub(crate) fn json_or_null<T: Serialize>(value: Option<&T>) -> Result<Arg, Error> {
    value.map_or(Ok(Arg::Json(None)), json)
}

/// JSON as PostgreSQL takes it.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map(without_nul).map_err(not_json)
}

fn not_json(source: serde_json::Error) -> Error {
    Error::Corrupt { what: "a value can't be written as JSON".into(), source: Some(Box::new(source)) }
}

/// Replaces every escaped NUL of a JSON text; an escaped backslash before `u0000` is not one.
fn without_nul(text: String) -> String {
    if !text.contains("\\u0000") {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\u0000") {
            clean.push_str("\\ufffd");
            rest = after;
        } else {
            // Serialized JSON never ends in a lone backslash, and what follows one is a single ASCII byte.
            let (escape, after) = rest.split_at(rest.len().min(2));
            clean.push_str(escape);
            rest = after;
        }
    }
    clean.push_str(rest);
    clean
}

/// `args![a, b]`: the arguments in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => {{
        let list = $crate::db::Args::default();
        $(let list = list.with($value);)*
        list
    }};
}
pub(crate) use args;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_becomes_a_replacement_character_and_a_written_one_stays() {
        for text in ["a\0b", "\\u0000", "\\\0", "\0\0\"\n", "plain"] {
            let json = json_text(&text).unwrap();
            let read: String = serde_json::from_str(&json).unwrap();
            assert_eq!(read, text.replace('\0', "\u{fffd}"), "{json}");
        }
    }
}
