//! The database: which kind, and its URL, which is a secret. Connecting is the store's.

use secrecy::SecretString;

use super::resolve::{Error, Resolved, invalid};
use super::table::Part;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseKind {
    /// One file, for one process.
    Sqlite {
        /// The file.
        path: String,
    },
    /// A server, for any number of processes.
    Postgres,
}

/// The database of a part.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The URL, as the store takes it.
    pub url: SecretString,
    /// Which database it is.
    pub kind: DatabaseKind,
}

const ALLOWED: &str = "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";

impl DatabaseSettings {
    /// Reads `database_url` where a part can do without.
    ///
    /// # Errors
    /// As [`Self::read`], but for its absence.
    pub fn read_if_given(resolved: &Resolved) -> Result<Option<Self>, Error> {
        resolved.get("database_url").map(|_| Self::read(resolved, None)).transpose()
    }

    /// Reads `database_url`; `berth up` puts SQLite into its data folder.
    ///
    /// # Errors
    /// If it is missing or no such URL, or SQLite for a role that shares its database with others.
    pub fn read(resolved: &Resolved, data_dir: Option<&std::path::Path>) -> Result<Self, Error> {
        let value = resolved.needed("database_url", &format!("use {ALLOWED}"))?;
        let text = match data_dir {
            Some(folder) => value.text.replace("<data_dir>", &folder.to_string_lossy()),
            None => value.text.clone(),
        };
        let kind = if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            url::Url::parse(&text).map_err(|_| invalid("database_url", value, ALLOWED))?;
            DatabaseKind::Postgres
        } else {
            match text.strip_prefix("sqlite:") {
                Some(path) if !path.trim_start_matches('/').is_empty() => {
                    DatabaseKind::Sqlite { path: path.to_owned() }
                }
                _ => return Err(invalid("database_url", value, ALLOWED)),
            }
        };
        if matches!(kind, DatabaseKind::Sqlite { .. }) && matches!(resolved.part, Part::Api | Part::Scheduler)
        {
            let role = resolved.part.as_str();
            return Err(Error::Together(format!(
                "`database_url` (from {}): SQLite serves one process, and `berth {role}` shares its database with \
                 other processes; use postgres://, or `berth up`",
                value.origin
            )));
        }
        Ok(Self { url: text.into(), kind })
    }
}
