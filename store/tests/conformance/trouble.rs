//! What goes wrong around the store: other processes, full disks, servers that restart.

use std::time::Duration;

use berth_store::{Error, Options, Phase, Store};
use berth_test_servers::Postgres;

use crate::world::{NOW, World, audit, project, sqlite_url};

#[tokio::test]
async fn a_second_process_on_one_sqlite_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder);
    let first = Store::connect(&url, Options::default()).await.unwrap();
    let refused = Store::connect(&url, Options::default()).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, Error::Conflict { .. }), "{text}");
    assert!(
        text.contains(&format!("process {}", std::process::id())) && text.contains("PostgreSQL"),
        "{text}"
    );
    first.close().await;
    Store::connect(&url, Options::default()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_and_not_repeated() {
    for url in ["", "sqlite:", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:notaport/d"] {
        let refused = Store::connect(url, Options::default()).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { field: "database-url", .. }), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
    let store = Store::connect("sqlite::memory:", Options::default()).await.unwrap();
    store.migrate(Phase::Contract, NOW).await.unwrap();
    project(&store, "p").await;
    assert!(store.project("acme", "p").await.is_ok());
    store.close().await;
    assert!(matches!(store.ping().await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_full_database_refuses_clearly_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { sqlite_max_pages: Some(120), ..Options::default() };
    let store = Store::connect(&sqlite_url(&folder), options).await.unwrap();
    store.migrate(Phase::Contract, NOW).await.unwrap();
    let world = World::new(&store).await;
    let mut accepted = Vec::new();
    let refused = loop {
        let mut run = world.queued(0, NOW);
        run.raw_content = Some("x".repeat(20_000));
        match store.create_run(run, &audit("run.create")).await {
            Ok(id) => accepted.push(id),
            Err(error) => break error,
        }
        assert!(accepted.len() < 1000, "it never filled up");
    };
    assert!(refused.is_transient(), "{refused:?}");
    assert!(refused.to_string().contains("the disk is full"), "{refused}");
    for _ in 0..3 {
        let mut run = world.queued(0, NOW);
        run.raw_content = Some("x".repeat(20_000));
        let again = store.create_run(run, &audit("run.create")).await.unwrap_err();
        assert!(again.to_string().contains("the disk is full"), "it goes on saying why: {again}");
    }
    for id in &accepted {
        assert!(store.run_by_id(*id).await.is_ok(), "what was accepted is there");
    }
    store.close().await;
    let store = Store::connect(&sqlite_url(&folder), Options::default()).await.unwrap();
    let id = store.create_run(world.queued(0, NOW), &audit("run.create")).await.unwrap();
    assert!(store.run_by_id(id).await.is_ok());
    assert!(store.run_by_id(accepted[0]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_outlives_its_server() {
    let mut server = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let options = Options { acquire_timeout: Duration::from_secs(1), ..Options::default() };
    let store = Store::connect(&server.url(), options).await.unwrap();
    store.migrate(Phase::Contract, NOW).await.unwrap();
    let world = World::new(&store).await;
    let before = world.create(&store, 1).await[0];
    let mut server = tokio::task::spawn_blocking(move || {
        server.kill9();
        server
    })
    .await
    .unwrap();
    let down = store.create_run(world.queued(0, NOW), &audit("run.create")).await.unwrap_err();
    assert!(down.is_transient(), "{down:?}");
    let down = store.ping().await.unwrap_err();
    assert!(down.is_transient(), "{down:?}");
    let _server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while store.ping().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.run_by_id(before).await.is_ok());
    store.create_run(world.queued(0, NOW), &audit("run.create")).await.unwrap();
}
