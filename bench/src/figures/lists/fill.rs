//! A store with a million runs: the store makes one of each kind, and the database makes the rest of them.

use anyhow::{Context, Result};
use berth_domain::lifecycle::{DispatchState, Event, RetryPolicy, Status, step};
use berth_domain::time::Time;
use berth_store::{Audit, NewAgent, NewProject, NewQueue, NewRun, Options, Phase, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqlSafeStr, SqliteConnection};

/// The organization of everything here.
pub const OWNER: &str = "default";
/// Agents.
pub const AGENTS: usize = 200;
/// Queues of each agent, its default one among them.
pub const QUEUES_EACH: usize = 5;
/// Projects.
const PROJECTS: usize = 20;
/// What the runs are called: so many names.
pub const NAMES: usize = 5_000;

/// A connection to either database.
enum Database {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Database {
    async fn connect(url: &str) -> Result<Self> {
        Ok(if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnection::connect(url).await?)
        } else {
            Self::Postgres(PgConnection::connect(url).await?)
        })
    }

    async fn run(&mut self, text: String) -> Result<()> {
        let sql = AssertSqlSafe(text).into_sql_str();
        match self {
            Self::Postgres(connection) => sqlx::query(sql).execute(connection).await.map(drop)?,
            Self::Sqlite(connection) => sqlx::query(sql).execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    /// The columns of the runs.
    async fn columns(&mut self) -> Result<Vec<String>> {
        let name = |row: std::result::Result<String, sqlx::Error>| row.context("a column without a name");
        match self {
            Self::Postgres(connection) => {
                let asked =
                    "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'runs'";
                let rows = sqlx::query(asked).fetch_all(connection).await?;
                rows.iter().map(|row| name(row.try_get(0))).collect()
            }
            Self::Sqlite(connection) => {
                let rows =
                    sqlx::query("SELECT name FROM pragma_table_info('runs')").fetch_all(connection).await?;
                rows.iter().map(|row| name(row.try_get(0))).collect()
            }
        }
    }

    /// An id that grows with its number and its time.
    const fn id(&self) -> &'static str {
        match self {
            Self::Postgres(_) => {
                "(lpad(to_hex(s.created / 1000), 12, '0') || '7000a000' || lpad(to_hex(s.n), 12, '0'))::uuid"
            }
            Self::Sqlite(_) => "unhex(printf('%012x7000a000%012x', s.created / 1000, s.n))",
        }
    }
}

/// Migrates an empty database and fills it with `runs`: of the newest 15 % most wait and a thirtieth is with agents, the rest has
/// ended. They are spread over a month, projects, queues (one has a fifth of them) and names.
///
/// # Errors
/// If the database refuses.
pub async fn fill(url: &str, runs: usize, now: Time) -> Result<()> {
    let store = Store::connect(url, Options::default()).await?;
    store.migrate(Phase::Contract, now).await?;
    places(&store, now).await?;
    templates(&store, now).await?;
    store.close().await;

    let mut database = Database::connect(url).await?;
    let (ended, step) = (runs * 85 / 100, 30 * 86_400 * 1_000_000 / runs);
    let now = now.micros();
    for text in [
        "CREATE TABLE bench_templates AS SELECT * FROM runs".to_owned(),
        "DELETE FROM runs".to_owned(),
        "CREATE TABLE bench_queues AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, agent_id FROM queues".to_owned(),
        "CREATE TABLE bench_projects AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM projects".to_owned(),
        format!(
            "CREATE TABLE bench_series AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {runs}) \
             SELECT n, CAST({now} - ({runs} - n) * CAST({step} AS BIGINT) AS BIGINT) AS created, \
             CASE WHEN n % 10 < 2 THEN 0 ELSE n * CAST(7919 AS BIGINT) % {queues} END AS queue, n % {PROJECTS} AS project, \
             CASE WHEN n > {ended} AND n % 30 = 0 THEN CASE n / 30 % 5 WHEN 0 THEN 'scheduled' WHEN 1 THEN 'starting' ELSE 'running' END \
             WHEN n > {ended} THEN 'queued' WHEN n % 20 = 0 THEN 'failed' WHEN n % 40 = 1 THEN 'stopped' \
             ELSE 'succeeded' END AS status FROM s",
            queues = AGENTS * QUEUES_EACH,
        ),
    ] {
        database.run(text).await?;
    }
    let columns = database.columns().await?;
    let id = database.id();
    let values: Vec<String> = columns.iter().map(|column| value(column, id)).collect();
    database
        .run(format!(
            "INSERT INTO runs ({}) SELECT {} FROM bench_series s JOIN bench_templates t ON t.status = s.status \
             JOIN bench_queues q ON q.n = s.queue JOIN bench_projects p ON p.n = s.project ORDER BY s.n",
            columns.join(", "),
            values.join(", "),
        ))
        .await?;
    for table in ["templates", "queues", "projects", "series"] {
        database.run(format!("DROP TABLE bench_{table}")).await?;
    }
    // What autovacuum does in time. SQLite has nothing like it.
    if matches!(database, Database::Postgres(_)) {
        database.run("VACUUM ANALYZE".to_owned()).await?;
    }
    Ok(())
}

/// What a column of the `n`th run is: what tells it from the others, and else its template's.
fn value(column: &str, id: &str) -> String {
    let updated = "s.created + s.n % 600 * 1000000";
    match column {
        "id" => id.to_owned(),
        "queue_id" => "q.id".to_owned(),
        "agent_id" => "q.agent_id".to_owned(),
        "project_id" => "p.id".to_owned(),
        "name" => format!("'train-' || s.n % {NAMES}"),
        "username" => "'user-' || s.n % 50".to_owned(),
        "priority" => "s.n % 3".to_owned(),
        "created_at" => "s.created".to_owned(),
        "updated_at" => updated.to_owned(),
        "queued_at" | "started_at" | "offered_at" => {
            format!("CASE WHEN t.{column} IS NOT NULL THEN s.created END")
        }
        "finished_at" => format!("CASE WHEN t.finished_at IS NOT NULL THEN {updated} END"),
        other => format!("t.{other}"),
    }
}

async fn places(store: &Store, now: Time) -> Result<()> {
    let audit = Audit::new("bench", "bench.fill", now);
    for n in 0..PROJECTS {
        let new = NewProject { owner: OWNER.to_owned(), name: format!("p{n}"), ..NewProject::default() };
        store.create_project(new, &audit).await?;
    }
    for n in 0..AGENTS {
        let agent = store.create_agent(NewAgent::named(OWNER, format!("agent-{n}").parse()?), &audit).await?;
        for m in 1..QUEUES_EACH {
            store.create_queue(NewQueue::named(agent.id, format!("q{m}").parse()?), &audit).await?;
        }
    }
    Ok(())
}

/// One run in each of the statuses that runs have here.
async fn templates(store: &Store, now: Time) -> Result<()> {
    let audit = Audit::new("bench", "bench.fill", now);
    let project = store.project(OWNER, "p0").await?;
    let queue = store.queue(OWNER, "agent-0", "default").await?;
    let compiled = step(&DispatchState::new(RetryPolicy::default()), &Event::Compile, now, 0.0)?;
    let queued = step(&compiled.state, &Event::Queue, now, 0.0)?.state;
    let admitted = step(&queued, &Event::Admit, now, 0.0)?.state;
    for status in [
        Status::Queued,
        Status::Scheduled,
        Status::Starting,
        Status::Running,
        Status::Succeeded,
        Status::Failed,
        Status::Stopped,
    ] {
        let state = match status {
            Status::Queued => queued.clone(),
            Status::Scheduled => admitted.clone(),
            other => step(&admitted, &Event::Force { by: "bench", status: other }, now, 0.0)?.state,
        };
        let mut run = NewRun::job(OWNER, project.id, state);
        run.queue_id = Some(queue.id);
        run.agent_id = Some(queue.agent_id);
        run.raw_content = Some(CONTENT.to_owned());
        run.content = Some(CONTENT.to_owned());
        run.spec_hash = Some("bench".to_owned());
        for created in store.create_runs(&[run], &audit).await? {
            created?;
        }
    }
    Ok(())
}

/// What every run runs, as long as a short one is.
const CONTENT: &str = r#"{"version":1.1,"kind":"compiled_operation","run":{"kind":"job","environment":{"labels":{"team":"a"}},"container":{"image":"registry.example.com/train:1.2.3","command":["python","-m","train"],"args":["--epochs","10","--learning-rate","0.001"],"resources":{"limits":{"nvidia.com/gpu":1,"memory":"16Gi"}}}}}"#;
