//! What can go wrong with the store, sorted by what a caller can do about it.

use std::borrow::Cow;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing does not exist (or was deleted).
    #[error("{what} was not found")]
    NotFound {
        /// What, with its name.
        what: String,
    },
    /// What exists or holds already stands against it.
    #[error("{message}")]
    Conflict {
        /// What stands against what.
        message: String,
    },
    /// There is no room for it now: the same call may succeed later.
    #[error("{message}")]
    Full {
        /// What is full.
        message: String,
    },
    /// Nothing new is let in.
    #[error("{message}")]
    Closed {
        /// What is closed, by whom, until when and why.
        message: String,
    },
    /// What was given can't be stored.
    #[error("{field}: {message}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What was found and what is allowed.
        message: String,
    },
    /// The database can't be reached, is full, or is too busy: the same call may succeed later.
    #[error("the database can't be used now: {reason}")]
    Unavailable {
        /// Why, for people.
        reason: Cow<'static, str>,
        /// What the database said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The tables are missing, or older or newer than this binary.
    #[error("the database's schema does not fit: {message}")]
    Schema {
        /// What is and what is needed.
        message: String,
    },
    /// What the database holds or answers makes no sense.
    #[error("the database holds what it should not: {what}")]
    Corrupt {
        /// What.
        what: String,
        /// What the database said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn not_found(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::NotFound { what: format!("{kind} `{name}`") }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), source: None }
    }

    /// That something can't be reached at the moment; trying again helps.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable { reason: reason.into(), source: None }
    }
}

const FULL: &str = "the disk is full: free some space, nothing of this call was written";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let reason: Cow<'static, str> = match &error {
            sqlx::Error::Database(database) => return from_database(database.as_ref().message(), &error),
            sqlx::Error::Io(source) if source.kind() == std::io::ErrorKind::StorageFull => FULL.into(),
            sqlx::Error::Io(source) => format!("the connection failed: {source}").into(),
            sqlx::Error::Tls(source) => format!("the TLS handshake failed: {source}").into(),
            sqlx::Error::Protocol(message) => format!("the connection is out of step: {message}").into(),
            sqlx::Error::PoolTimedOut => "no connection became free in time".into(),
            sqlx::Error::PoolClosed => "the store was closed".into(),
            sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => "the connection broke".into(),
            other => {
                return Self::Corrupt { what: other.to_string(), source: Some(Box::new(error)) };
            }
        };
        Self::Unavailable { reason, source: Some(Box::new(error)) }
    }
}

/// Sorts what a database said: SQLSTATE of PostgreSQL (its manual's appendix A), extended result codes of SQLite.
fn from_database(message: &str, error: &sqlx::Error) -> Error {
    let database = error.as_database_error();
    let code = database.and_then(|database| database.code()).unwrap_or(Cow::Borrowed("")).into_owned();
    let said = || -> Option<Box<dyn std::error::Error + Send + Sync>> {
        Some(format!("{message} (code {code})").into())
    };
    let unavailable = |reason: String| Error::Unavailable { reason: reason.into(), source: said() };
    if database
        .is_some_and(|database| database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some())
    {
        return match code.as_str() {
            "53100" => unavailable(FULL.to_owned()),
            "42P01" | "42703" | "3F000" => {
                Error::Schema { message: format!("{message}; run `berth admin migrate`") }
            }
            "23505" => Error::Conflict { message: format!("it exists already: {message}") },
            "23514" | "22P05" | "22021" | "22001" | "22003" => {
                Error::Invalid { field: "value", message: message.to_owned() }
            }
            "25006" | "40001" | "40P01" | "55P03" | "58030" => unavailable(message.to_owned()),
            // Connection exceptions, missing resources, authorization and databases that are not there (yet),
            // and the operator's hand (shutdown, cancelled statements).
            other if ["08", "53", "57", "28", "3D"].iter().any(|class| other.starts_with(class)) => {
                unavailable(message.to_owned())
            }
            _ => Error::Corrupt { what: message.to_owned(), source: said() },
        };
    }
    match code.parse::<i32>().unwrap_or(0) & 0xff {
        5 | 6 => unavailable("another process or connection holds the database".to_owned()),
        13 => unavailable(FULL.to_owned()),
        8 | 10 | 14 => unavailable(format!("the file can't be read or written: {message}")),
        1 if message.contains("no such table") || message.contains("no such column") => {
            Error::Schema { message: format!("{message}; run `berth admin migrate`") }
        }
        19 if message.starts_with("UNIQUE") => {
            Error::Conflict { message: format!("it exists already: {message}") }
        }
        18 | 19 => Error::Invalid { field: "value", message: message.to_owned() },
        _ => Error::Corrupt { what: message.to_owned(), source: said() },
    }
}
