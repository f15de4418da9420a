//! Every statement of the store, a module per table. Nothing outside of `sql/` holds SQL.
//!
//! A statement is one text for both databases wherever possible, and a pair where not. [`registry`] lists all of
//! them; a test prepares each on both databases.

pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod changes;
pub(crate) mod credentials;
pub(crate) mod dead_letters;
pub(crate) mod forgotten;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod lanes;
pub(crate) mod listing;
pub(crate) mod losses;
pub(crate) mod meta;
pub(crate) mod migrations;
pub(crate) mod overview;
pub(crate) mod places;
pub(crate) mod presets;
pub(crate) mod projects;
pub(crate) mod queues;
pub(crate) mod retention;
pub(crate) mod runs;
pub(crate) mod tokens;
pub(crate) mod waits;
pub(crate) mod warnings;

/// A statement, as each database spells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Sql {
    /// A statement that both databases understand.
    pub(crate) const fn both(text: &'static str) -> Self {
        Self { postgres: text, sqlite: text }
    }

    /// A statement that they spell differently.
    pub(crate) const fn pair(postgres: &'static str, sqlite: &'static str) -> Self {
        Self { postgres, sqlite }
    }
}

/// A statement in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// Its module and name.
    pub name: &'static str,
    /// Its text for PostgreSQL.
    pub postgres: &'static str,
    /// Its text for SQLite.
    pub sqlite: &'static str,
}

/// All statements of the store (but the listing of runs, which is put together from static parts).
#[must_use]
pub fn registry() -> Vec<Statement> {
    [
        agents::ALL,
        audit::ALL,
        calls::ALL,
        changes::ALL,
        credentials::ALL,
        dead_letters::ALL,
        forgotten::ALL,
        history::ALL,
        idempotency::ALL,
        lanes::ALL,
        losses::ALL,
        meta::ALL,
        overview::ALL,
        places::ALL,
        presets::ALL,
        projects::ALL,
        queues::ALL,
        retention::ALL,
        runs::ALL,
        tokens::ALL,
        waits::ALL,
        warnings::ALL,
    ]
    .iter()
    .flat_map(|statements| statements.iter())
    .map(|(name, sql)| Statement { name, postgres: sql.postgres, sqlite: sql.sqlite })
    .collect()
}

/// Defines statements and the list `ALL` of them.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$meta])* pub(crate) const $name: $crate::sql::Sql = $sql;)*
        /// The statements of this module, by name.
        pub(crate) const ALL: &[(&str, $crate::sql::Sql)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}
pub(crate) use statements;

/// How SQLite reads a column of the JSON rows `x`.
macro_rules! sqlite_column {
    (uuid $name:ident) => {
        concat!("unhex(json_extract(x.value, '$.", stringify!($name), "'))")
    };
    ($type:ident $name:ident) => {
        concat!("json_extract(x.value, '$.", stringify!($name), "')")
    };
}
pub(crate) use sqlite_column;

/// An insert of many rows at once: `$1` is a JSON array of objects, one per row, keys named as the columns.
macro_rules! bulk_insert {
    ($table:literal, { $first:ident $first_type:ident $(, $name:ident $type:ident)* $(,)? }, $tail:expr) => {
        $crate::sql::Sql::pair(
            concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($name))*,
                ") SELECT x.", stringify!($first) $(, ", x.", stringify!($name))*,
                " FROM jsonb_to_recordset($1::jsonb) AS x(",
                stringify!($first), " ", stringify!($first_type)
                $(, ", ", stringify!($name), " ", stringify!($type))*,
                ") WHERE true ", $tail
            ),
            concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($name))*,
                ") SELECT ", $crate::sql::sqlite_column!($first_type $first)
                $(, ", ", $crate::sql::sqlite_column!($type $name))*,
                " FROM json_each($1) AS x WHERE true ", $tail
            ),
        )
    };
}
pub(crate) use bulk_insert;

/// An update of many rows at once by their `id`: `$1` is a JSON array of objects with `id` and the columns.
macro_rules! bulk_update {
    ($table:literal, { $first:ident $first_type:ident $(, $name:ident $type:ident)* $(,)? }) => {
        $crate::sql::Sql::pair(
            concat!(
                "UPDATE ", $table, " SET ", stringify!($first), " = x.", stringify!($first)
                $(, ", ", stringify!($name), " = x.", stringify!($name))*,
                " FROM jsonb_to_recordset($1::jsonb) AS x(id uuid, ",
                stringify!($first), " ", stringify!($first_type)
                $(, ", ", stringify!($name), " ", stringify!($type))*,
                ") WHERE ", $table, ".id = x.id"
            ),
            concat!(
                "UPDATE ", $table, " SET ", stringify!($first), " = ",
                $crate::sql::sqlite_column!($first_type $first)
                $(, ", ", stringify!($name), " = ", $crate::sql::sqlite_column!($type $name))*,
                " FROM json_each($1) AS x WHERE ", $table, ".id = unhex(json_extract(x.value, '$.id'))"
            ),
        )
    };
}
pub(crate) use bulk_update;
