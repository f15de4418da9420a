//! Lists, filters, groups and the overview, as the dashboard asks for them of a store with a million runs.

pub mod fill;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use berth_domain::time::Clock;
use berth_test_servers::{Postgres, Redis, port};
use tokio::time::Instant;

use crate::figure::Effort;
use crate::http_load::{Request, Target, send};
use crate::ours::program::Program;
use crate::ours::roles;
use crate::partners::group::Group;
use crate::row::{Goal, Row, Side};

/// Runs in the store.
const RUNS: usize = 1_000_000;
/// How often each question is asked in a round.
const ASKED: usize = 20;
/// The budget, in milliseconds.
const BUDGET_MS: f64 = 200.0;
/// Whoever follows a list asks again so often; asked faster, one answer may be another's.
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked: the first page of a list of 200 with its count, unless it says otherwise.
const QUESTIONS: [(&str, &str); 22] = [
    ("runs, newest first", "runs?limit=200&sort=-created_at"),
    ("runs, changed last first", "runs?limit=200"),
    ("runs, finished last first", "runs?limit=200&sort=-finished_at"),
    ("by status: running", "runs?limit=200&sort=-created_at&query=status:running"),
    ("by status: failed, finished last", "runs?limit=200&sort=-finished_at&query=status:failed"),
    (
        "by status: what has not ended",
        "runs?limit=200&query=status:queued|scheduled|starting|running|stopping",
    ),
    ("by queue: a large one", "runs?limit=200&sort=-created_at&query=queue:agent-0/default"),
    ("by queue: a small one", "runs?limit=200&sort=-created_at&query=queue:agent-77/q3"),
    ("by queue and status", "runs?limit=200&sort=-created_at&query=queue:agent-77/q3,status:failed"),
    ("by agent", "runs?limit=200&query=agent:agent-77"),
    ("by name", "runs?limit=200&sort=-created_at&query=name:train-77"),
    ("by part of a name", "runs?limit=200&sort=-created_at&query=name:%25train-4999%25"),
    ("by a name that none has", "runs?limit=200&sort=-created_at&query=name:nothing"),
    ("by age: the last day", "runs?limit=200&sort=-created_at&query=created_at:%3EDAY"),
    ("by age: older than a week", "runs?limit=200&query=created_at:%3CWEEK"),
    ("groups by status", "runs/groups?by=status"),
    ("groups by queue", "runs/groups?by=queue"),
    ("groups of failed by agent", "runs/groups?by=agent&query=status:failed"),
    ("groups by user", "runs/groups?by=user"),
    ("queues with numbers", "queues?limit=1000&series=true"),
    ("agents", "agents?limit=1000"),
    ("overview", "overview"),
];

/// The API over a filled store.
struct Stage {
    _servers: Option<(Postgres, Redis)>,
    _folder: Option<tempfile::TempDir>,
    group: Group,
    target: Target,
}

/// Asks every question on PostgreSQL and on SQLite; each value is the 95th percentile of a round.
///
/// # Errors
/// If a store can't be filled, or an answer is not 200.
pub async fn measure(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let runs = effort.of(RUNS);
    let mut rows = Vec::new();
    rows.extend(ask("PostgreSQL", &mut on_postgres(program, runs).await?, runs, effort).await?);
    rows.extend(ask("SQLite", &mut on_sqlite(program, runs).await?, runs, effort).await?);
    Ok(rows)
}

async fn on_postgres(program: &Program, runs: usize) -> Result<Stage> {
    // As much as its manual says to begin with on such a machine: a quarter of the memory would be more.
    let postgres = Postgres::start_with(&["shared_buffers=1GB"]);
    let redis = Redis::start();
    let url = postgres.create_database("berth");
    filled(&url, runs).await?;
    let api = roles::api(program, &url, &redis.url()).await?;
    Ok(Stage { _servers: Some((postgres, redis)), _folder: None, group: api.group, target: api.target })
}

async fn on_sqlite(program: &Program, runs: usize) -> Result<Stage> {
    let folder = tempfile::tempdir()?;
    filled(&format!("sqlite:{}", folder.path().join("berth.db").display()), runs).await?;
    let port = port::free();
    let (listen, data) = (format!("127.0.0.1:{port}"), folder.path().display().to_string());
    let arguments = ["--listen", &listen, "--data-dir", &data, "--log-filter", "warn"].map(str::to_owned);
    let mut group = program.start("up", &arguments);
    roles::ready(&mut group, port).await.context("berth up")?;
    Ok(Stage { _servers: None, _folder: Some(folder), group, target: Target { port, token: None } })
}

async fn filled(url: &str, runs: usize) -> Result<()> {
    let began = Instant::now();
    fill::fill(url, runs, Clock::system().now()).await.context("the store can't be filled")?;
    eprintln!("lists: {runs} runs were made in {} s", began.elapsed().as_secs());
    Ok(())
}

async fn ask(store: &str, stage: &mut Stage, runs: usize, effort: Effort) -> Result<Vec<Row>> {
    let now = Clock::system().now();
    let day = |days: u64| now.minus(Duration::from_secs(days * 86_400)).to_string()[..10].to_owned();
    let mut rows = Vec::new();
    for (name, path) in QUESTIONS {
        let path = path.replace("DAY", &day(1)).replace("WEEK", &day(7));
        let request = Request::get(&format!("/api/v1/orgs/{}/{path}", fill::OWNER));
        let mut values = Vec::new();
        let mut middle = Vec::new();
        for _ in 0..effort.pairs {
            let mut took = Vec::new();
            for _ in 0..ASKED {
                let began = Instant::now();
                let answer = send(&stage.target, &request).await?;
                took.push(began.elapsed().as_secs_f64() * 1_000.0);
                let text = || String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
                ensure!(answer.status == 200, "{path}: {} {}", answer.status, text());
                tokio::time::sleep(PAUSE).await;
            }
            took.sort_by(f64::total_cmp);
            middle.push(took[ASKED / 2]);
            values.push(took[ASKED * 95 / 100 - 1]);
        }
        stage.group.alive()?;
        eprintln!("lists on {store}: {name}: median {middle:.0?} ms, p95 {values:.0?} ms");
        rows.push(Row {
            figure: "Lists".to_owned(),
            work: format!("{store}, {runs} runs, p95: {name}"),
            unit: "ms",
            ours: Side::new("berth api", values),
            partner: None,
            goal: Some(Goal::AtMost(BUDGET_MS)),
        });
    }
    Ok(rows)
}
