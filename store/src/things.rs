//! What is the same for all that is found by a name or an id, listed in pages and patched: agents, queues, projects
//! and the like.

use std::fmt::Display;

use crate::Error;
use crate::db::{Args, Db, Row, Tx};
use crate::page::Page;
use crate::sql::Sql;

/// The row, read; `NotFound`, in the name of what was looked for, if there is none.
pub(crate) fn found<T>(
    row: Option<Row>,
    read: impl FnOnce(&Row) -> Result<T, Error>,
    kind: &str,
    name: impl Display,
) -> Result<T, Error> {
    read(&row.ok_or_else(|| Error::not_found(kind, name))?)
}

/// How many a list has in all, if its page is to say so.
pub(crate) async fn count(db: &Db, page: &Page, sql: Sql, args: Args) -> Result<Option<u64>, Error> {
    if !page.count {
        return Ok(None);
    }
    db.one(sql, args).await?.map(|row| row.count("n")).transpose()
}

/// Whether the statement, which asks for that, finds something.
pub(crate) async fn finds(tx: &mut Tx, sql: Sql, args: Args) -> Result<bool, Error> {
    let row = tx.one(sql, args).await?;
    Ok(row.map(|row| row.bool("found")).transpose()?.unwrap_or(false))
}

/// Sets what a patch has a value for.
pub(crate) fn patch<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
