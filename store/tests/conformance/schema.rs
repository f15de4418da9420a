//! The schema is the same on both databases, and every statement prepares on both.

use std::collections::{BTreeMap, HashSet};

use berth_store::{Options, Phase, Store, listing_samples, statements};
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection};

use crate::world::{NOW, postgres_url, sqlite_url};

pub(crate) async fn migrating_again_and_at_once_changes_nothing(store: &Store) {
    let all = join_all((0..4).map(|_| store.migrate(Phase::Contract, NOW))).await;
    assert!(all.into_iter().all(|names| names.unwrap().is_empty()));
    store.check_schema().await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_serves_until_it_takes_something_away() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = tokio::task::spawn_blocking(postgres_url).await.unwrap();
    for url in [sqlite_url(&folder), postgres] {
        let store = Store::connect(&url, Options::default()).await.unwrap();
        assert_eq!(store.migrate(Phase::Expand, NOW).await.unwrap().first(), Some(&"begin"));
        let pending = store.pending_migrations().await.unwrap();
        assert!(pending.iter().all(|pending| pending.phase == Phase::Contract), "{pending:?}");
        store.check_schema().await.unwrap();
        store.migrate(Phase::Contract, NOW).await.unwrap();
        assert_eq!(store.pending_migrations().await.unwrap(), []);
        note_as_migrated(&url, 901, "more", Phase::Expand).await;
        store.check_schema().await.unwrap();
        assert!(store.migrate(Phase::Contract, NOW).await.unwrap().is_empty());
        note_as_migrated(&url, 902, "less", Phase::Contract).await;
        for refused in [store.check_schema().await, store.migrate(Phase::Expand, NOW).await.map(drop)] {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("migration 902 (`less`) of a newer release took away"), "{refused}");
        }
        store.close().await;
    }
}

/// Does as a newer release would that has a migration more.
async fn note_as_migrated(url: &str, version: u32, name: &str, phase: Phase) {
    let phase = phase.as_str();
    let note = format!("INSERT INTO schema_migrations VALUES ({version}, '{name}', '{phase}', 'unknown', 1)");
    let note = sqlx::raw_sql(AssertSqlSafe(note));
    if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection.execute(note).await.unwrap();
    } else {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        connection.execute(note).await.unwrap();
    }
}

async fn migrated() -> (SqliteConnection, tempfile::TempDir, PgConnection) {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(postgres_url).await.unwrap();
    for url in [&sqlite_url(&folder), &url] {
        let store = Store::connect(url, Options::default()).await.unwrap();
        let too_early = store.check_schema().await.unwrap_err();
        assert!(too_early.to_string().contains("berth admin migrate"), "{too_early}");
        let applied = join_all((0..3).map(|_| store.migrate(Phase::Contract, NOW))).await;
        let applied: Vec<&str> = applied.into_iter().flat_map(Result::unwrap).collect();
        let distinct: HashSet<&&str> = applied.iter().collect();
        assert!(distinct.len() == applied.len() && applied.contains(&"begin"), "each once: {applied:?}");
        assert_eq!(store.pending_migrations().await.unwrap(), []);
        store.close().await;
    }
    let sqlite = SqliteConnection::connect(&sqlite_url(&folder)).await.unwrap();
    let postgres = PgConnection::connect(&url).await.unwrap();
    (sqlite, folder, postgres)
}

#[tokio::test]
async fn every_statement_prepares_on_both() {
    let (mut sqlite, _folder, mut postgres) = migrated().await;
    let all = statements();
    assert!(all.len() > 90, "{} statements", all.len());
    for statement in all {
        let prepared = (&mut postgres).prepare(statement.postgres.into_sql_str()).await;
        assert!(prepared.is_ok(), "{}: {:?}", statement.name, prepared.err());
        let prepared = (&mut sqlite).prepare(statement.sqlite.into_sql_str()).await;
        assert!(prepared.is_ok(), "{}: {:?}", statement.name, prepared.err());
    }
    for sample in listing_samples(true) {
        let prepared = (&mut postgres).prepare(AssertSqlSafe(sample.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{sample}: {:?}", prepared.err());
    }
    for sample in listing_samples(false) {
        let prepared = (&mut sqlite).prepare(AssertSqlSafe(sample.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{sample}: {:?}", prepared.err());
    }
}

/// Table and column, with the type's name and whether it may be null.
type Columns = BTreeMap<(String, String), (String, bool)>;

#[tokio::test]
async fn both_schemas_are_the_same() {
    let (mut sqlite, _folder, mut postgres) = migrated().await;
    let mut on_postgres = Columns::new();
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text, upper(data_type::text) AS type, is_nullable = 'YES' AS nullable \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .fetch_all(&mut postgres)
    .await
    .unwrap();
    for row in rows {
        on_postgres.insert((row.get(0), row.get(1)), (row.get(2), row.get(3)));
    }
    let mut on_sqlite = Columns::new();
    let rows = sqlx::query(
        "SELECT m.name, c.name, upper(c.type), c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_master m \
         JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'",
    )
    .fetch_all(&mut sqlite)
    .await
    .unwrap();
    for row in rows {
        let kind: String = row.get(2);
        // SQLite numbers rows by `INTEGER` only.
        let kind = if kind == "INTEGER" { "BIGINT".to_owned() } else { kind };
        on_sqlite.insert((row.get(0), row.get(1)), (kind, row.get(3)));
    }
    assert_eq!(on_postgres, on_sqlite);
    let names = |rows: Vec<String>| rows.into_iter().collect::<std::collections::BTreeSet<_>>();
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'",
    )
    .fetch_all(&mut postgres)
    .await
    .unwrap();
    let others: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite%'")
            .fetch_all(&mut sqlite)
            .await
            .unwrap();
    assert_eq!(names(indexes), names(others));
}
