//! Celery as its guides run it: a worker with a task that does nothing, and a producer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use berth_broker_config::arguments::QueueKind;

use super::group::Group;
use super::venv::Venv;

/// Which of Celery's execution pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// One process per core: the default.
    Prefork,
    /// Threads in one process.
    Threads,
}

/// As shipped, or as the guide "Optimizing" says for short tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tuning {
    /// The shipped defaults.
    Shipped,
    /// The best that is documented.
    Best,
}

impl Tuning {
    /// In a name of the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "as shipped",
            Self::Best => "tuned",
        }
    }
}

/// Where it works.
#[derive(Clone, Debug)]
pub struct Place {
    /// URL of the broker.
    pub broker: String,
    /// The queue's whole name.
    pub queue: String,
    /// The queue's type, on RabbitMQ.
    pub kind: QueueKind,
}

/// Celery, installed.
#[derive(Clone, Debug)]
pub struct Celery {
    venv: Venv,
    /// Where the application is.
    folder: PathBuf,
}

impl Celery {
    /// Celery in an environment; the application's modules are in `folder`.
    pub fn new(venv: Venv, folder: PathBuf) -> Self {
        Self { venv, folder }
    }

    /// Its pinned versions, for the report.
    pub fn versions(&self) -> Vec<(String, String)> {
        ["celery", "kombu", "amqp", "redis"]
            .map(|package| (format!("{package} (PyPI)"), self.venv.version(package)))
            .into()
    }

    /// Starts a worker on the queue.
    pub fn worker(&self, place: &Place, pool: Pool, tuning: Tuning) -> Group {
        Group::start("celery", |_| {
            let mut command = self.command("celery", place, tuning);
            command.args(["-A", "noop", "worker", "--queues", &place.queue, "--pool"]);
            command.arg(match pool {
                Pool::Prefork => "prefork",
                Pool::Threads => "threads",
            });
            // A running image of this node's name must not be asked anything.
            command.args(["--hostname", &format!("{}@%h", place.queue)]);
            if tuning == Tuning::Best {
                command.args(["--without-gossip", "--without-mingle", "--without-heartbeat"]);
            }
            command
        })
    }

    /// Publishes `count` tasks with confirms and returns the rate per second.
    ///
    /// # Errors
    /// If the producer fails.
    pub async fn publish(
        &self,
        place: &Place,
        count: usize,
        payload_bytes: usize,
        tuning: Tuning,
    ) -> Result<f64> {
        let mut command = tokio::process::Command::from(self.command("python3", place, tuning));
        command.arg("publish.py").arg(count.to_string()).arg(payload_bytes.to_string());
        let output = command.kill_on_drop(true).output().await.context("the producer can't be started")?;
        let errors = last_lines(&String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "Celery's producer failed ({}):\n{errors}", output.status);
        let said: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("Celery's producer said something else:\n{errors}"))?;
        let seconds = said["seconds"].as_f64().context("Celery's producer said no time")?;
        Ok(count as f64 / seconds)
    }

    fn command(&self, program: &str, place: &Place, tuning: Tuning) -> Command {
        let mut command = Command::new(self.venv.program(program));
        command
            .current_dir(&self.folder)
            // A worker as root warns and goes on; compiled modules stay out of the source tree.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("BENCH_BROKER", &place.broker)
            .env("BENCH_QUEUE", &place.queue)
            .env("BENCH_QUEUE_TYPE", place.kind.as_str())
            .env("BENCH_TUNED", if tuning == Tuning::Best { "1" } else { "0" });
        command
    }
}

/// The end of what a program complained: the rest of a Python traceback helps nobody.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_traceback_is_shown() {
        assert_eq!(last_lines("1\n2\n3\n4\n5\n6\n7"), "3\n4\n5\n6\n7");
        assert_eq!(last_lines("only"), "only");
    }
}
