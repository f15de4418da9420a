//! How good estimates of a start are on real load: what waiting runs are told, against when they start.
//!
//! One queue of four slots, two projects that share it, runs of half a second to three, a third of them urgent: submitted
//! at once, asked about again and again while they wait.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use berth_domain::time::Time;
use berth_test_servers::{Postgres, Redis};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::figure::Effort;
use crate::http_load::{Answer, Request, Target, send};
use crate::ours::program::Program;
use crate::ours::roles;
use crate::row::{Goal, Row, Side};

const PROJECTS: [&str; 2] = ["bench", "other"];
/// Runs of each project.
const RUNS: usize = 150;
/// How often, and how many of those that wait are asked about each time.
const EVERY: Duration = Duration::from_secs(1);
const ASKED: usize = 8;
const LIMIT: Duration = Duration::from_secs(600);

/// What a waiting run was told.
struct Told {
    run: usize,
    when: Time,
    at: Time,
    low: Time,
    high: Time,
}

/// Measures both: how many starts lie within the spread, and within a factor of two of what is left to wait.
///
/// # Errors
/// If a server or a role can't be used.
pub async fn measure(effort: Effort, program: &Program) -> Result<Vec<Row>> {
    let (redis, postgres) = (Redis::start(), Postgres::start());
    let database = postgres.create_database("berth");
    let api = roles::api(program, &database, &redis.url()).await?;
    let _scheduler = roles::scheduler(program, &database, &redis.url()).await?;
    let _agent = roles::agent(program, &redis.url()).await?;
    let target = &api.target;
    let host = format!("http://127.0.0.1:{}", target.port);
    let token = target.token.clone().unwrap_or_default();
    for command in
        [&["projects", "create", "other"][..], &["queues", "update", "local/default", "--concurrency", "4"]]
    {
        program.run(&[command, &["--host", &host, "--token", &token]].concat()).await?;
    }
    let mut runs = Vec::new();
    for n in 0..effort.of(RUNS) {
        for project in PROJECTS {
            let (path, urgent) = (format!("/api/v1/default/{project}/runs"), n % 3 == 0);
            let answer = post(target, &path, &operation(n, urgent)).await?;
            runs.push((project, answer["uuid"].as_str().context("the answer has no uuid")?.to_owned()));
        }
    }
    let told = ask(target, &runs).await?;
    ensure!(!told.is_empty(), "nobody was told anything");
    let mut starts = Vec::new();
    for (project, run) in &runs {
        starts.push(started(target, project, run).await?);
    }
    let share = |is_good: &dyn Fn(&Told, Time) -> bool| {
        let good = told.iter().filter(|told| is_good(told, starts[told.run])).count();
        100.0 * good as f64 / told.len() as f64
    };
    let spread = share(&|told, start| (told.low..=told.high).contains(&start));
    let factor = share(&|told, start| {
        let (said, was) = (told.at.since(told.when).as_secs_f64(), start.since(told.when).as_secs_f64());
        // Below the time that looking takes, a factor says nothing.
        (said - was).abs() < EVERY.as_secs_f64() || (said <= 2.0 * was && was <= 2.0 * said)
    });
    eprintln!("estimates: {} told", told.len());
    let row = |work: &str, value, goal| Row {
        figure: "Estimates".to_owned(),
        work: format!("of {} told starts, {work}", told.len()),
        unit: "%",
        ours: Side::new("berth", vec![value]),
        partner: None,
        goal: Some(Goal::AtLeast(goal)),
    };
    Ok(vec![row("within the spread", spread, 80.0), row("within a factor of two of the wait", factor, 90.0)])
}

/// A run whose length nobody is told.
fn operation(n: usize, urgent: bool) -> Value {
    // Spread over the range, and the same each time.
    let tenths = 5 + n * 7_919 % 26;
    let script = format!("sleep {}.{}", tenths / 10, tenths % 10);
    let container = json!({ "image": "none", "command": ["sh", "-c"], "args": [script] });
    let annotations = json!({ "berth.dev/priority": if urgent { "5" } else { "0" } });
    let environment = json!({ "annotations": annotations });
    let component = json!({ "run": { "kind": "job", "container": container, "environment": environment } });
    let operation = json!({ "kind": "operation", "queue": "local/default", "component": component });
    json!({ "content": operation.to_string() })
}

async fn post(target: &Target, path: &str, body: &Value) -> Result<Value> {
    read(&send(target, &Request::post(path, body)).await?)
}

async fn get(target: &Target, path: &str) -> Result<Value> {
    read(&send(target, &Request::get(path)).await?)
}

fn read(answer: &Answer) -> Result<Value> {
    let said = String::from_utf8_lossy(&answer.body);
    ensure!((200..300).contains(&answer.status), "status {}: {said}", answer.status);
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Asks about some of those that wait, until none does.
async fn ask(target: &Target, runs: &[(&str, String)]) -> Result<Vec<Told>> {
    let (began, mut told, mut waiting) = (Instant::now(), Vec::new(), (0..runs.len()).collect::<Vec<_>>());
    while !waiting.is_empty() {
        ensure!(began.elapsed() < LIMIT, "{} runs still wait after {LIMIT:?}", waiting.len());
        let mut over = Vec::new();
        for run in waiting.iter().step_by(waiting.len().div_ceil(ASKED)).copied() {
            let (project, uuid) = &runs[run];
            let when = berth_domain::time::Clock::system().now();
            let said = get(target, &format!("/api/v1/default/{project}/runs/{uuid}/explain")).await?;
            if said["status"] != "queued" {
                over.push(run);
                continue;
            }
            let at = |what: &str| said["estimate"][what].as_str().and_then(|text| Time::parse(text).ok());
            if let (Some(at), Some(low), Some(high)) = (at("at"), at("low"), at("high")) {
                told.push(Told { run, when, at, low, high });
            }
        }
        waiting.retain(|run| !over.contains(run));
        sleep(EVERY).await;
    }
    Ok(told)
}

/// When a run left the backlog.
async fn started(target: &Target, project: &str, run: &str) -> Result<Time> {
    let statuses = get(target, &format!("/api/v1/default/{project}/runs/{run}/statuses")).await?;
    let admitted = statuses["status_conditions"]
        .as_array()
        .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "scheduled"))
        .and_then(|condition| condition["last_transition_time"].as_str());
    Ok(Time::parse(admitted.context("a run was never admitted")?)?)
}
