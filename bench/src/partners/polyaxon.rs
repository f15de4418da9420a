//! The Polyaxon CE server as its own `sandbox start` runs it, on PostgreSQL.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use berth_test_servers::port;

use super::group::Group;
use super::venv::Venv;
use crate::http_load::{Request, Target, send};

/// How it keeps its database connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tuning {
    /// A connection per request, two workers per core: as shipped.
    Shipped,
    /// Connections that persist (`POLYAXON_DB_CONN_MAX_AGE`).
    Best,
}

/// A running server. Gone when dropped.
#[derive(Debug)]
pub struct Polyaxon {
    group: Group,
    target: Target,
}

impl Polyaxon {
    /// Its pinned versions, for the report.
    pub fn versions(venv: &Venv) -> Vec<(String, String)> {
        ["haupt", "Django", "uvicorn", "psycopg"]
            .map(|package| (format!("{package} (PyPI)"), venv.version(package)))
            .into()
    }

    /// Starts it on an empty database and waits until it answers: it migrates first, which takes most of a
    /// minute.
    ///
    /// # Errors
    /// If it ends, or doesn't answer within five minutes.
    pub async fn start(venv: &Venv, postgres_port: u16, database: &str, tuning: Tuning) -> Result<Self> {
        let port = port::free();
        let mut group = Group::start("polyaxon", |folder| {
            let mut command = Command::new(venv.program("haupt"));
            command
                .args(["sandbox", "start", "--host", "127.0.0.1", "--port", &port.to_string()])
                .current_dir(folder)
                .env("HOME", folder)
                .env("POLYAXON_HOME", folder.join(".polyaxon"))
                .env("POLYAXON_NO_CONFIG", "1")
                .env("POLYAXON_DB_ENGINE", "pgsql")
                .env("POLYAXON_DB_HOST", "127.0.0.1")
                .env("POLYAXON_DB_PORT", postgres_port.to_string())
                .env("POLYAXON_DB_NAME", database)
                .env("POLYAXON_DB_USER", "postgres")
                .env("POLYAXON_DB_PASSWORD", "unused");
            if tuning == Tuning::Best {
                command.env("POLYAXON_DB_CONN_MAX_AGE", "600");
            }
            command
        });
        let target = Target { port, token: None };
        for _ in 0..300 {
            group.alive()?;
            if send(&target, &Request::get("/healthz/")).await.is_ok_and(|answer| answer.status == 200) {
                return Ok(Self { group, target });
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bail!("Polyaxon doesn't answer after five minutes:\n{}", group.log())
    }

    /// Where it listens.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its processes.
    pub fn group(&self) -> &Group {
        &self.group
    }
}
