//! The tools, and an installation with two agents of two replicas each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use berth_integration_tests::{Backing, Installation, Role, stock, stock_celery54};
use berth_test_servers::process::run;
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const LONG: Duration = Duration::from_secs(120);

/// The Celery releases whose tools are tested, by their Python.
pub(crate) fn celeries() -> [PathBuf; 2] {
    [stock("python"), stock_celery54("python")]
}

/// An installation with the agents `local` and `other`, and the tools' way to its broker.
pub(crate) struct Fleet {
    pub(crate) installation: Installation,
    pub(crate) url: String,
    pub(crate) _others: [Role; 2],
}

impl Fleet {
    pub(crate) async fn start(backing: Backing) -> Self {
        let installation = Installation::start(backing).await;
        let url = installation.broker.url_through(installation.broker.port());
        let first = installation.start_agent("other", None).await;
        let second = installation.start_agent_at("other", "other-2", &url);
        let fleet = Self { installation, url, _others: [first, second] };
        fleet.until_nodes(4).await;
        fleet
    }

    /// The nodes that answer a ping.
    pub(crate) fn nodes(&self) -> Vec<String> {
        let answers = self.ask(&celeries()[0], &[("inspect", "ping", json!({}))]);
        answers[0].as_object().map(|nodes| nodes.keys().cloned().collect()).unwrap_or_default()
    }

    pub(crate) async fn until_nodes(&self, count: usize) {
        let deadline = Instant::now() + LONG;
        loop {
            let nodes = self.nodes();
            if nodes.len() == count {
                return;
            }
            assert!(Instant::now() < deadline, "of {count} nodes there are {nodes:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What the calls were answered, each: by node.
    pub(crate) fn ask(&self, python: &Path, calls: &[(&str, &str, Value)]) -> Vec<Value> {
        let mut command = Command::new(python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/celery_tools.py");
        command.arg(script).args([self.url.as_str(), "4", &json!(calls).to_string()]);
        let said = run(command.env("PYTHONWARNINGS", "ignore"));
        serde_json::from_str(&said).unwrap()
    }

    /// What one call was answered by each node, all alike.
    pub(crate) fn answer(&self, kind: &str, method: &str, keywords: Value) -> Value {
        let answers = self.ask(&celeries()[0], &[(kind, method, keywords)]);
        let by_node = answers[0].as_object().unwrap_or_else(|| panic!("{method}: {}", answers[0]));
        let first = by_node.values().next().unwrap_or_else(|| panic!("{method}: nobody answered")).clone();
        assert!(by_node.values().all(|answer| *answer == first), "{method}: {by_node:?}");
        first
    }

    /// Starts all schedulers again with another setting.
    pub(crate) async fn restart_schedulers_with(&mut self, key: &str, value: &str) {
        for scheduler in self.installation.roles_of("scheduler") {
            scheduler.set(key, value);
            scheduler.restart();
        }
        self.until_nodes(4).await;
    }
}
