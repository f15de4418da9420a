//! How to connect: what the URL names, and how many connections.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::Db;
use super::lock::FileLock;
use crate::Error;

/// How many connections, and how long to wait.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections to PostgreSQL at the most. Too few make requests wait; all replicas together must stay below
    /// the server's `max_connections`.
    pub max_connections: u32,
    /// Connections that read a SQLite file, besides the one that writes.
    pub sqlite_readers: u32,
    /// How long to wait for a connection before a call fails as unavailable.
    pub acquire_timeout: Duration,
    /// How long one statement may run on PostgreSQL, and how long a transaction may stand still there: what a
    /// suspended process had locked is free again after that.
    pub statement_timeout: Duration,
    /// Largest size of a SQLite database in pages of 4 KiB; none is as large as the disk.
    pub sqlite_max_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 16,
            sqlite_readers: 4,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            sqlite_max_pages: None,
        }
    }
}

/// A connection that was idle for longer is tested before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Opens what `url` names. PostgreSQL is not spoken to yet: it may come up later.
pub(crate) async fn open(url: &str, options: &Options) -> Result<(Db, Option<FileLock>), Error> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((postgres(url, options)?, None));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok((memory(options).await?, None)),
        Some(path) if !path.is_empty() => {
            file(Path::new(path.strip_prefix("//").unwrap_or(path)), options).await
        }
        _ => Err(Error::Invalid {
            field: "database-url",
            message: "it is neither `sqlite:PATH` nor `postgres://...`".to_owned(),
        }),
    }
}

fn postgres(url: &str, options: &Options) -> Result<Db, Error> {
    let millis = options.statement_timeout.as_millis().to_string();
    let connect = PgConnectOptions::from_str(url)
        // The URL may hold a password: neither it nor what sqlx says about it is repeated.
        .map_err(|_| Error::Invalid {
            field: "database-url",
            message: "it is no PostgreSQL URL: use postgres://user:password@host:port/database".to_owned(),
        })?
        .application_name("berth")
        .options([
            ("statement_timeout", millis.as_str()),
            ("idle_in_transaction_session_timeout", millis.as_str()),
            // Its planner takes short statements for long ones where it knows little of a table, and then compiles each on each
            // connection, for longer than it runs.
            ("jit", "off"),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect);
    Ok(Db::Postgres(pool))
}

async fn memory(options: &Options) -> Result<Db, Error> {
    let connect = SqliteConnectOptions::new().in_memory(true).foreign_keys(false);
    let pool = sqlite_pool(options, 1).connect_with(connect).await?;
    Ok(Db::Sqlite { writer: pool.clone(), readers: pool })
}

async fn file(path: &Path, options: &Options) -> Result<(Db, Option<FileLock>), Error> {
    let lock = FileLock::take(path)?;
    let mut connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.acquire_timeout);
    if let Some(pages) = options.sqlite_max_pages {
        connect = connect.pragma("max_page_count", pages.to_string());
    }
    // SQLite ends a transaction by itself when the disk is full, and sqlx goes on believing in it: such a
    // connection could never begin another one. The ping lets a rollback that is under way end first.
    let writer = sqlite_pool(options, 1)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(connect.clone())
        .await?;
    let readers =
        sqlite_pool(options, options.sqlite_readers.max(1)).connect_lazy_with(connect.read_only(true));
    Ok((Db::Sqlite { writer, readers }, Some(lock)))
}

fn sqlite_pool(options: &Options, connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
