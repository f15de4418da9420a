//! Berth's roles on a database and a broker: migrated, with a token, a project and an agent.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use berth_test_servers::port;
use tokio::time::{Instant, sleep};

use super::program::Program;
use crate::http_load::{Request, Target, send};
use crate::partners::group::Group;

/// How long a role may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running `berth api`.
#[derive(Debug)]
pub struct Api {
    /// Its process.
    pub group: Group,
    /// Where it listens, with a token of all rights.
    pub target: Target,
}

/// Migrates the database, makes a token, starts the API, and makes the project `bench` and the agent `local`.
///
/// # Errors
/// If a step fails.
pub async fn api(program: &Program, database_url: &str, broker_url: &str) -> Result<Api> {
    program.run(&["admin", "migrate", "--database-url", database_url]).await?;
    let token = program.run(&["admin", "token", "--database-url", database_url]).await?.trim().to_owned();
    let port = port::free();
    let arguments = [
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--database-url",
        database_url,
        "--broker-url",
        broker_url,
        "--log-filter",
        "warn",
    ];
    let mut group = program.start("api", &arguments.map(str::to_owned));
    ready(&mut group, port).await.context("berth api")?;
    let host = format!("http://127.0.0.1:{port}");
    for command in [["projects", "create", "bench"], ["agents", "create", "local"]] {
        program.run(&[&command[..], &["--host", &host, "--token", &token]].concat()).await?;
    }
    Ok(Api { group, target: Target { port, token: Some(token) } })
}

/// Starts a scheduler.
///
/// # Errors
/// If it doesn't get ready.
pub async fn scheduler(program: &Program, database_url: &str, broker_url: &str) -> Result<Group> {
    let arguments = ["--database-url", database_url, "--broker-url", broker_url];
    worker(program, "scheduler", &arguments).await
}

/// Starts the agent `local` with the process executor.
///
/// # Errors
/// If it doesn't get ready.
pub async fn agent(program: &Program, broker_url: &str) -> Result<Group> {
    let arguments =
        ["--name", "local", "--broker-url", broker_url, "--executor", "process", "--data-dir", "{dir}/data"];
    worker(program, "agent", &arguments).await
}

/// Starts the agent `local` with the Kubernetes executor in `namespace`.
///
/// # Errors
/// If it doesn't get ready.
pub async fn kubernetes_agent(
    program: &Program,
    broker_url: &str,
    kubeconfig: &std::path::Path,
    namespace: &str,
) -> Result<Group> {
    let kubeconfig = kubeconfig.to_string_lossy();
    let arguments = ["--name", "local", "--broker-url", broker_url, "--executor", "kubernetes"];
    let place = ["--kubeconfig", &kubeconfig, "--namespace", namespace];
    worker(program, "agent", &[&arguments[..], &place].concat()).await
}

async fn worker(program: &Program, role: &str, arguments: &[&str]) -> Result<Group> {
    let port = port::free();
    let listen = format!("127.0.0.1:{port}");
    let arguments = [arguments, &["--metrics-listen", &listen, "--log-filter", "warn"]].concat();
    let mut group = program.start(role, &arguments.into_iter().map(str::to_owned).collect::<Vec<_>>());
    ready(&mut group, port).await.with_context(|| format!("berth {role}"))?;
    Ok(group)
}

/// Waits until `/readyz` says 200.
///
/// # Errors
/// If the process ends, or isn't ready within a minute.
pub async fn ready(group: &mut Group, port: u16) -> Result<()> {
    let target = Target { port, token: None };
    let began = Instant::now();
    while began.elapsed() < READY_WITHIN {
        if send(&target, &Request::get("/readyz")).await.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        group.alive()?;
        sleep(Duration::from_millis(2)).await;
    }
    bail!("it is not ready after {} s:\n{}", READY_WITHIN.as_secs(), group.log())
}
