//! One connection type over two databases: pools, transactions, arguments and rows. No statement lives here.

mod args;
mod batch;
mod lock;
mod options;
mod row;

pub(crate) use args::{Arg, Args, args, json, json_or_null, json_text};
pub(crate) use batch::batches;
pub(crate) use lock::FileLock;
pub use options::Options;
pub(crate) use options::open;
pub(crate) use row::Row;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::Error;
use crate::sql::Sql;

/// The two databases.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// A pool of connections to PostgreSQL.
    Postgres(PgPool),
    /// One file: a single writer (SQLite has no more), and readers that never wait for it (WAL).
    Sqlite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// The others; the writer itself for a database in memory.
        readers: SqlitePool,
    },
}

impl Db {
    /// Whether it is PostgreSQL.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Begins a transaction that will write; on SQLite it is the only one from here on (`BEGIN IMMEDIATE`).
    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self {
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Begins a transaction that only reads, so that several reads see one state.
    pub(crate) async fn begin_read(&self) -> Result<Tx, Error> {
        Ok(match self {
            Self::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
        })
    }

    /// Reads all rows, outside of any transaction.
    pub(crate) async fn all(&self, sql: Sql, args: Args) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Postgres(pool) => sqlx::query_with(sql.postgres, args.postgres()?)
                .fetch_all(pool)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
            Self::Sqlite { readers, .. } => sqlx::query_with(sql.sqlite, args.sqlite()?)
                .fetch_all(readers)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
        })
    }

    /// Reads at most one row, outside of any transaction.
    pub(crate) async fn one(&self, sql: Sql, args: Args) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Postgres(pool) => sqlx::query_with(sql.postgres, args.postgres()?)
                .fetch_optional(pool)
                .await?
                .map(Row::Postgres),
            Self::Sqlite { readers, .. } => {
                sqlx::query_with(sql.sqlite, args.sqlite()?).fetch_optional(readers).await?.map(Row::Sqlite)
            }
        })
    }

    /// Reads all rows of a statement that [`crate::sql::listing`] put together from its own static parts. It is planned
    /// each time, for its arguments: what is best for a queue with ten runs is not for one with a million.
    pub(crate) async fn all_composed(
        &self,
        sql: &crate::sql::listing::Composed,
        args: Args,
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Postgres(pool) => sqlx::query_with(sql.text(), args.postgres()?)
                .persistent(false)
                .fetch_all(pool)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
            Self::Sqlite { readers, .. } => sqlx::query_with(sql.text(), args.sqlite()?)
                .persistent(false)
                .fetch_all(readers)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
        })
    }

    /// Closes all connections, waiting for those in use.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// A transaction; rolled back if it is dropped.
#[derive(Debug)]
pub(crate) enum Tx {
    /// Of PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
    /// Of SQLite.
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    /// Reads (or writes, `RETURNING`) all rows.
    pub(crate) async fn all(&mut self, sql: Sql, args: Args) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Postgres(tx) => sqlx::query_with(sql.postgres, args.postgres()?)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
            Self::Sqlite(tx) => sqlx::query_with(sql.sqlite, args.sqlite()?)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
        })
    }

    /// Reads at most one row.
    pub(crate) async fn one(&mut self, sql: Sql, args: Args) -> Result<Option<Row>, Error> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Runs a statement and says how many rows it wrote.
    pub(crate) async fn run(&mut self, sql: Sql, args: Args) -> Result<u64, Error> {
        Ok(match self {
            Self::Postgres(tx) => {
                sqlx::query_with(sql.postgres, args.postgres()?).execute(&mut **tx).await?.rows_affected()
            }
            Self::Sqlite(tx) => {
                sqlx::query_with(sql.sqlite, args.sqlite()?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Runs several statements without arguments (migrations).
    pub(crate) async fn script(&mut self, script: &crate::sql::listing::Composed) -> Result<(), Error> {
        match self {
            Self::Postgres(tx) => sqlx::raw_sql(script.text()).execute(&mut **tx).await.map(drop)?,
            Self::Sqlite(tx) => sqlx::raw_sql(script.text()).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    /// Whether it is on PostgreSQL.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Makes it lasting.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
