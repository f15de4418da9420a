//! What the hot reads cost: their index, whatever the backlog.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use berth_domain::lifecycle::Status;
use berth_domain::scheduling::{LaneKey, PipelineSettings, Snapshot, admit};
use berth_store::{
    AdmissionOptions, Admitted, NewRun, RunFilter, Sort, SortKey, Store, page_statement, statements,
};
use berth_test_servers::effort;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqlSafeStr, SqliteConnection};

use crate::world::{NOW, World, after, audit, postgres_url, project, sqlite_url};

/// Fills the backlog.
async fn fill(store: &Store, world: &World, count: usize) {
    fill_lane(store, world, &LaneKey::default(), count).await;
}

async fn fill_lane(store: &Store, world: &World, lane: &LaneKey, count: usize) {
    for chunk in 0..count.div_ceil(2000) {
        let run = |n: usize| NewRun { lane: lane.clone(), ..world.queued((n % 10) as u8, after(n as u64)) };
        let runs: Vec<_> = (0..2000.min(count - chunk * 2000)).map(run).collect();
        for created in store.create_runs(&runs, &audit("run.create")).await.unwrap() {
            created.unwrap();
        }
    }
}

/// How many wait in the longer of two backlogs, in each of two lanes; `make chaos` has a million.
fn longer() -> usize {
    effort("BERTH_TEST_BACKLOG", 25_000)
}

/// The shorter.
const SHORTER: usize = 1_000;

/// The lane of a pipeline of which one may run, and one does.
async fn blocked(store: &Store, world: &World) -> LaneKey {
    let mut controller = world.queued(9, NOW);
    controller.pipeline = Some(PipelineSettings { concurrency: Some(1), ..PipelineSettings::default() });
    let lane = LaneKey { pipelines: vec![controller.id], ..LaneKey::default() };
    let one = NewRun { lane: lane.clone(), ..world.queued(9, NOW) };
    for created in store.create_runs(&[controller, one], &audit("run.create")).await.unwrap() {
        created.unwrap();
    }
    assert_eq!(admitted(store).await, 2);
    lane
}

/// How many runs a round admits.
async fn admitted(store: &Store) -> usize {
    let choose = |snapshot: &Snapshot| admit(snapshot, 10);
    match store.with_admission("acme", after(1), AdmissionOptions::default(), choose).await.unwrap() {
        Admitted::Runs(runs) => runs.len(),
        other => panic!("nobody else admits here: {other:?}"),
    }
}

pub(crate) async fn the_cost_of_choosing_is_that_of_the_lanes(store: &Store) {
    let world = World::new(store).await;
    project(store, "q").await;
    fill(store, &world, 3000).await;
    let options = AdmissionOptions { heads: 16, ..AdmissionOptions::default() };
    let snapshot = store.snapshot("acme", after(1), options).await.unwrap();
    assert_eq!(snapshot.lanes.iter().map(|lane| lane.heads.len()).sum::<usize>(), 16);
    assert_eq!(admit(&snapshot, 1000).starts.len(), 16);
}

fn sql(name: &str) -> berth_store::Statement {
    statements().into_iter().find(|statement| statement.name.ends_with(name)).unwrap()
}

/// Pages of lists and the index each must use, where all fit: owner, limit and offset are their arguments.
fn lists() -> [(&'static str, RunFilter, Sort, &'static str); 3] {
    let all = RunFilter { owner: Some("acme".to_owned()), live_state: Some(1), ..RunFilter::default() };
    let waiting = RunFilter { statuses: vec![Status::Queued, Status::Running], ..all.clone() };
    let newest = Sort { key: SortKey::CreatedAt, descending: true };
    [
        ("newest", all.clone(), newest, "runs_newest"),
        ("latest", all, Sort::default(), "runs_latest"),
        ("waiting and running, newest", waiting, newest, "runs_newest"),
    ]
}

/// Everything that must cost the same whatever the backlog: its name, its text, the index that it must use.
fn hot(agent: &str, postgres: bool) -> Vec<(&'static str, String, &'static str)> {
    let reads = HOT.iter().map(|(name, arguments, index)| {
        let text = if postgres { sql(name).postgres } else { sql(name).sqlite };
        (*name, spelled(text, arguments, agent), *index)
    });
    let lists = lists().into_iter().map(|(name, filter, sort, index)| {
        (
            name,
            spelled(&page_statement(&filter, sort, postgres).unwrap(), &["'acme'", "201", "0"], agent),
            index,
        )
    });
    reads.chain(lists).collect()
}

/// The hot reads with arguments spelled out, and the index each must use.
const HOT: [(&str, &[&str], &str); 10] = [
    ("lanes::HEADS", &["'acme'", "256"], "runs_in_lanes"),
    // Counts a lane up to so many, and reads no more of it.
    ("lanes::COUNTS", &["'acme'", "100"], "runs_in_lanes"),
    ("lanes::OWNERS", &[], "runs_in_lanes"),
    ("lanes::SLOTS", &["'acme'"], "runs_holding"),
    ("runs::DUE", &["1", "100"], "runs_wake"),
    ("runs::OFFERED", &["AGENT", "AGENT", "1", "100"], "runs_offered"),
    // Asks for each name once, however many runs have it.
    ("runs::NAMES_LIKE", &["'acme'", "'%x%'", "10000"], "runs_named"),
    ("runs::LIVE_ATTEMPTS", &["AGENT"], "runs_holding"),
    ("places::CHOOSING_QUEUES", &[], "runs_choosing"),
    ("places::CHOOSING", &["AGENT", "1", "0", "AGENT", "100"], "runs_choosing"),
];

fn spelled(text: &str, arguments: &[&str], agent: &str) -> String {
    let mut text = text.to_owned();
    for (at, argument) in arguments.iter().enumerate().rev() {
        let argument = if *argument == "AGENT" { agent } else { argument };
        text = text.replace(&format!("${}", at + 1), argument);
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_reads_use_their_index_on_sqlite() {
    let (store, folder) = crate::world::sqlite().await;
    let world = World::new(&store).await;
    fill(&store, &world, 2000).await;
    let mut connection = SqliteConnection::connect(&sqlite_url(&folder)).await.unwrap();
    for (name, text, index) in hot(&format!("x'{}'", world.agent.id), false) {
        let plan: Vec<String> =
            sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")).into_sql_str())
                .fetch_all(&mut connection)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get::<String, _>("detail"))
                .collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{name}:\n{plan}");
        for table in ["SCAN r\n", "SCAN n\n", "SCAN h\n", "SCAN runs\n"] {
            assert!(!format!("{plan}\n").contains(table), "{name}:\n{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_reads_take_no_more_steps_of_a_longer_backlog_on_sqlite() {
    let (store, folder) = crate::world::sqlite().await;
    let world = World::new(&store).await;
    let pipeline = blocked(&store, &world).await;
    let mut connection = SqliteConnection::connect(&sqlite_url(&folder)).await.unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    let mut taken = Vec::new();
    for more in [SHORTER, longer() - SHORTER] {
        fill(&store, &world, more).await;
        fill_lane(&store, &world, &pipeline, more).await;
        let mut of_each = Vec::new();
        for (name, text, _) in hot(&format!("x'{}'", world.agent.id), false) {
            steps.store(0, Ordering::Relaxed);
            sqlx::query(AssertSqlSafe(text).into_sql_str()).fetch_all(&mut connection).await.unwrap();
            of_each.push((name, steps.load(Ordering::Relaxed)));
        }
        taken.push(of_each);
    }
    for ((name, few), (_, many)) in taken[0].iter().zip(&taken[1]) {
        assert!(many * 10 <= few * 12, "{name}: {few} steps of {SHORTER}, {many} of {}", longer());
    }
    assert_eq!(admitted(&store).await, 10, "past the pipeline");
}

/// Rows that all nodes of a plan read.
fn rows_read(plan: &serde_json::Value) -> f64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or(0.0);
    let own = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops").max(1.0);
    let below = plan["Plans"].as_array().map_or(0.0, |plans| plans.iter().map(rows_read).sum());
    own + below
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_reads_use_their_index_on_postgres_and_read_no_more_of_a_longer_backlog() {
    let url = tokio::task::spawn_blocking(postgres_url).await.unwrap();
    let store = Store::connect(&url, berth_store::Options::default()).await.unwrap();
    store.migrate(berth_store::Phase::Contract, NOW).await.unwrap();
    let world = World::new(&store).await;
    let pipeline = blocked(&store, &world).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut read = Vec::new();
    for more in [SHORTER, longer() - SHORTER] {
        fill(&store, &world, more).await;
        fill_lane(&store, &world, &pipeline, more).await;
        sqlx::query("ANALYZE").execute(&mut connection).await.unwrap();
        let mut rows = Vec::new();
        for (name, text, index) in hot(&format!("'{}'::uuid", world.agent.id), true) {
            let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) {text}");
            let plan: serde_json::Value = sqlx::query_scalar(AssertSqlSafe(explain).into_sql_str())
                .fetch_one(&mut connection)
                .await
                .unwrap();
            // Of a thousand rows, reading all may well be the cheapest.
            if more > SHORTER {
                assert!(plan.to_string().contains(index), "{name}: {plan:#}");
            }
            rows.push((name, rows_read(&plan[0]["Plan"])));
        }
        read.push(rows);
    }
    for ((name, few), (_, many)) in read[0].iter().zip(&read[1]) {
        assert!(*many <= few * 1.2 + 50.0, "{name}: {few} rows of {SHORTER}, {many} of {}", longer());
    }
    assert_eq!(admitted(&store).await, 10, "past the pipeline");
}
