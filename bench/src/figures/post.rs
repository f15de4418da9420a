//! B3: POST one run at a time over 64 connections, committed in PostgreSQL, against Polyaxon CE on the same
//! server and against bare single-row commits.

use anyhow::{Context, Result, ensure};
use berth_test_servers::{Postgres, Redis};
use serde_json::json;

use crate::figure::Effort;
use crate::http_load::{Request, Target, rate, send};
use crate::limits::postgres::Bare;
use crate::ours::program::Program;
use crate::ours::roles;
use crate::pairs::{Series, in_turn};
use crate::partners::polyaxon::{Polyaxon, Tuning};
use crate::partners::venv::Venv;
use crate::row::{Goal, Row, Side};

const CONNECTIONS: usize = 64;

/// Who takes the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Ours,
    Limit,
    Polyaxon(Tuning),
}

use Contestant::{Limit, Ours};

const ALL: [Contestant; 4] =
    [Ours, Limit, Contestant::Polyaxon(Tuning::Shipped), Contestant::Polyaxon(Tuning::Best)];

/// Measures with all of them up: who is not in turn is idle.
///
/// # Errors
/// If one can't be started or fails.
pub async fn measure(effort: Effort, program: &Program, polyaxon: &Venv) -> Result<Vec<Row>> {
    // Polyaxon's kept connections pile up by the hundred, one for each thread that Django's ASGI handler made, until
    // they are collected; a request that gets none is answered by 405, since its page for a failure takes no POST.
    let (postgres, redis) = (Postgres::start_with(&["max_connections=2000"]), Redis::start());
    let bare = Bare::connect(
        &postgres.create_database("bare"),
        u32::try_from(CONNECTIONS).context("too many connections")?,
    )
    .await?;
    let ours = roles::api(program, &postgres.create_database("berth"), &redis.url()).await?;
    let mut theirs = Vec::new();
    for (tuning, database) in [(Tuning::Shipped, "shipped"), (Tuning::Best, "tuned")] {
        postgres.create_database(database);
        eprintln!("B3: starting Polyaxon {tuning:?} (it migrates for most of a minute)");
        let server = Polyaxon::start(polyaxon, postgres.port(), database, tuning).await?;
        project(server.target()).await.context("Polyaxon takes no project")?;
        theirs.push((tuning, server));
    }
    let request = request();
    let mut series = Series::default();
    for round in 0..effort.pairs {
        for contestant in in_turn(round, &ALL) {
            let rate = match contestant {
                Ours => rate(&ours.target, &request, 201, effort.of(20_000), CONNECTIONS).await,
                Limit => bare.commit(&request.body_text(), effort.of(50_000), CONNECTIONS).await,
                Contestant::Polyaxon(tuning) => {
                    let server = theirs.iter().find(|(of, _)| *of == tuning);
                    let (_, server) = server.context("no such server")?;
                    rate(server.target(), &request, 201, effort.of(640), CONNECTIONS).await
                }
            };
            let rate = rate.with_context(|| format!("{contestant:?}"))?;
            eprintln!("B3 round {}: {contestant:?} {rate:.0}/s", round + 1);
            series.push(contestant, rate);
        }
    }
    let row = |contestant: Contestant| {
        let (name, goal) = match contestant {
            Contestant::Polyaxon(Tuning::Shipped) => ("Polyaxon CE as shipped", 50.0),
            Contestant::Polyaxon(Tuning::Best) => ("Polyaxon CE, kept connections", 50.0),
            Ours | Limit => ("bare single-row commits", 0.5),
        };
        Row {
            figure: "B3".to_owned(),
            work: format!("POST one run, {CONNECTIONS} connections, PostgreSQL"),
            unit: "/s",
            ours: Side::new("berth api", series.of(&Ours)),
            partner: Some(Side::new(name, series.of(&contestant))),
            goal: Some(Goal::AtLeast(goal)),
        }
    };
    let rows = ALL.into_iter().filter(|contestant| *contestant != Ours).map(row).collect();
    bare.close().await;
    Ok(rows)
}

/// Makes the project `bench`.
///
/// # Errors
/// If the server refuses.
pub async fn project(target: &Target) -> Result<()> {
    let body = json!({ "name": "bench" });
    let answer = send(target, &Request::post("/api/v1/default/projects/create", &body)).await?;
    let said = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == 201, "status {} instead of 201: {said}", answer.status);
    Ok(())
}

/// The smallest run: a job with a container and a command, as the stock client sends it.
fn request() -> Request {
    let container = json!({ "image": "busybox", "command": ["true"] });
    let operation = json!({
        "version": 1.1,
        "kind": "operation",
        "component": { "version": 1.1, "kind": "component", "run": { "kind": "job", "container": container } },
    });
    Request::post("/api/v1/default/bench/runs", &json!({ "content": operation.to_string(), "name": "noop" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_a_text_that_holds_json_as_the_stock_client_sends_it() {
        let body: serde_json::Value = serde_json::from_str(&request().body_text()).unwrap();
        let content: serde_json::Value = serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
        assert_eq!(content["kind"], "operation");
    }
}
