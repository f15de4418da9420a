//! Rows of either database, read by column name into our own types.

use std::str::FromStr;

use berth_domain::id::Id;
use berth_domain::time::Time;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Postgres, Row as _, Sqlite};
use uuid::Uuid;

use crate::Error;

/// A row of either database.
#[derive(Debug)]
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

/// What both databases can decode.
pub(crate) trait Column:
    for<'r> sqlx::Decode<'r, Postgres>
    + sqlx::Type<Postgres>
    + for<'r> sqlx::Decode<'r, Sqlite>
    + sqlx::Type<Sqlite>
{
}

impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
        + for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
{
}

impl Row {
    /// The column's value.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        Ok(match self {
            Self::Postgres(row) => row.try_get(column)?,
            Self::Sqlite(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        self.get(column)
    }

    pub(crate) fn bool(&self, column: &str) -> Result<bool, Error> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    /// A count or another number that is never negative.
    pub(crate) fn count(&self, column: &str) -> Result<u64, Error> {
        u64::try_from(self.int(column)?).map_err(|_| out_of_range(column))
    }

    pub(crate) fn u32(&self, column: &str) -> Result<u32, Error> {
        u32::try_from(self.int(column)?).map_err(|_| out_of_range(column))
    }

    pub(crate) fn opt_u32(&self, column: &str) -> Result<Option<u32>, Error> {
        let value: Option<i64> = self.get(column)?;
        value.map(|value| u32::try_from(value).map_err(|_| out_of_range(column))).transpose()
    }

    pub(crate) fn i32(&self, column: &str) -> Result<i32, Error> {
        i32::try_from(self.int(column)?).map_err(|_| out_of_range(column))
    }

    pub(crate) fn id<T>(&self, column: &str) -> Result<Id<T>, Error> {
        self.get::<Uuid>(column).map(Id::from_uuid)
    }

    pub(crate) fn opt_id<T>(&self, column: &str) -> Result<Option<Id<T>>, Error> {
        Ok(self.get::<Option<Uuid>>(column)?.map(Id::from_uuid))
    }

    pub(crate) fn time(&self, column: &str) -> Result<Time, Error> {
        self.int(column).map(Time::from_micros)
    }

    pub(crate) fn opt_time(&self, column: &str) -> Result<Option<Time>, Error> {
        Ok(self.get::<Option<i64>>(column)?.map(Time::from_micros))
    }

    pub(crate) fn json<T>(&self, column: &str) -> Result<T, Error>
    where
        T: DeserializeOwned + 'static,
    {
        self.get::<Json<T>>(column).map(|Json(value)| value)
    }

    pub(crate) fn opt_json<T>(&self, column: &str) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned + 'static,
    {
        Ok(self.get::<Option<Json<T>>>(column)?.map(|Json(value)| value))
    }

    /// A text that one of our types spells.
    pub(crate) fn parse<T: FromStr>(&self, column: &str) -> Result<T, Error>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        self.text(column)?.parse().map_err(|source: T::Err| Error::Corrupt {
            what: format!("column `{column}`"),
            source: Some(Box::new(source)),
        })
    }
}

fn out_of_range(column: &str) -> Error {
    Error::corrupt(format!("column `{column}` is out of range"))
}
