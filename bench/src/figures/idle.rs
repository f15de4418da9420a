//! B10 and B11: what the roles take when nothing is to be done: memory, and queries.

use std::time::Duration;

use anyhow::{Context, Result};
use berth_broker_config::arguments::QueueKind;
use berth_test_servers::{Postgres, Redis};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use crate::figure::Effort;
use crate::ours::program::Program;
use crate::ours::roles;
use crate::partners::celery::{Celery, Place, Pool, Tuning};
use crate::partners::group::Group;
use crate::partners::polyaxon::{self, Polyaxon};
use crate::partners::venv::Venv;
use crate::row::{Goal, Row, Side};

/// How long queries are counted, in seconds.
const WINDOW_SECONDS: u64 = 10;
/// How long after their start memory is looked at.
const SETTLE: Duration = Duration::from_secs(10);

/// All roles, each with a database user of its own so that their queries can be told apart.
struct Roles {
    postgres: Postgres,
    redis: Redis,
    api: roles::Api,
    scheduler: Group,
    agent: Group,
}

async fn start(program: &Program) -> Result<Roles> {
    let postgres = Postgres::start_with(&["shared_preload_libraries=pg_stat_statements"]);
    let redis = Redis::start();
    postgres.create_database("berth");
    let mut admin = PgConnection::connect(&postgres.database_url("berth")).await?;
    sqlx::query("CREATE EXTENSION pg_stat_statements").execute(&mut admin).await?;
    for role in ["berth_api", "berth_scheduler"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE ROLE {role} LOGIN SUPERUSER")))
            .execute(&mut admin)
            .await?;
    }
    admin.close().await?;
    let url = |role: &str| format!("postgres://{role}@127.0.0.1:{}/berth", postgres.port());
    let api = roles::api(program, &url("berth_api"), &redis.url()).await?;
    let scheduler = roles::scheduler(program, &url("berth_scheduler"), &redis.url()).await?;
    let agent = roles::agent(program, &redis.url()).await?;
    Ok(Roles { postgres, redis, api, scheduler, agent })
}

/// B11: statements per second of an idle API and of an idle scheduler, transaction control included.
///
/// # Errors
/// If a role can't be started, or PostgreSQL can't count.
pub async fn queries(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let roles = start(program).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect(&roles.postgres.database_url("berth")).await?;
    let count = async |role: &str| -> Result<f64> {
        let calls: i64 = sqlx::query_scalar(
            "SELECT COALESCE(SUM(s.calls), 0)::BIGINT FROM pg_stat_statements s
             JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = $1",
        )
        .bind(role)
        .fetch_one(&pool)
        .await
        .context("pg_stat_statements can't be read: is postgresql-contrib installed?")?;
        Ok(calls as f64)
    };
    sleep(SETTLE).await;
    let sides = [("api", "berth_api"), ("scheduler", "berth_scheduler")];
    let mut values = [Vec::new(), Vec::new()];
    for round in 0..effort.pairs {
        let before = [count(sides[0].1).await?, count(sides[1].1).await?];
        sleep(Duration::from_secs(WINDOW_SECONDS)).await;
        for (index, (name, role)) in sides.iter().enumerate() {
            let rate = (count(role).await? - before[index]) / WINDOW_SECONDS as f64;
            eprintln!("B11 round {}: {name} {rate:.1} queries/s", round + 1);
            values[index].push(rate);
        }
    }
    pool.close().await;
    let rows = sides.into_iter().zip(values).map(|((name, _), values)| Row {
        figure: "B11".to_owned(),
        work: format!("idle database queries, {name}"),
        unit: "queries/s",
        ours: Side::new(format!("berth {name}"), values),
        partner: None,
        goal: Some(Goal::AtMost(5.0)),
    });
    Ok(rows.collect())
}

/// B10: memory of the idle roles, and of an idle Celery worker and Polyaxon API beside them.
///
/// The limits are about resident memory, as tools show it. The ratios are of proportional memory, in which what a
/// partner's processes share counts once.
///
/// # Errors
/// If one can't be started.
pub async fn memory(program: &Program, celery: &Celery, polyaxon: &Venv) -> Result<Vec<Row>> {
    let roles = start(program).await?;
    let place = Place { broker: roles.redis.url(), queue: "bench-idle".to_owned(), kind: QueueKind::Classic };
    let worker = celery.worker(&place, Pool::Prefork, Tuning::Shipped);
    roles.postgres.create_database("shipped");
    let theirs =
        Polyaxon::start(polyaxon, roles.postgres.port(), "shipped", polyaxon::Tuning::Shipped).await?;
    sleep(SETTLE).await;
    let ours = [
        ("api", &roles.api.group, 64.0),
        ("scheduler", &roles.scheduler, 64.0),
        ("agent", &roles.agent, 32.0),
    ];
    let mut rows = Vec::new();
    for (name, group, limit) in ours {
        let (partner, other) = match name {
            "api" => ("Polyaxon CE API", theirs.group()),
            _ => ("Celery worker", &worker),
        };
        rows.push(memory_row(
            format!("idle memory, {name}"),
            group.resident_mib(),
            None,
            Goal::AtMost(limit),
        ));
        rows.push(memory_row(
            format!("idle memory, {name}, proportional"),
            group.proportional_mib(),
            Some(Side::new(partner, vec![other.proportional_mib()])),
            Goal::AtMost(0.25),
        ));
    }
    Ok(rows)
}

/// One row of B10.
pub fn memory_row(work: String, ours: f64, partner: Option<Side>, goal: Goal) -> Row {
    let ours = Side::new("berth", vec![ours]);
    Row { figure: "B10".to_owned(), work, unit: "MiB", ours, partner, goal: Some(goal) }
}
