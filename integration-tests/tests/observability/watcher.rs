//! A Prometheus that scrapes an installation every second, with our rules.

use std::time::Duration;

use berth_integration_tests::{Client, Installation};
use berth_test_servers::Prometheus;
use serde_json::Value;
use tokio::time::Instant;

use super::files::rules_file;

/// Watches an installation.
pub(crate) struct Watcher {
    server: Prometheus,
    client: Client,
}

impl Watcher {
    /// Starts it, and waits until it has scraped every process of the installation.
    pub(crate) async fn of(installation: &Installation) -> Self {
        let targets = |kind: &str| {
            let roles = installation.roles.iter().filter(|role| role.name().starts_with(kind));
            let addresses = roles.map(|role| format!("'{}'", role.metrics_address().unwrap()));
            addresses.collect::<Vec<_>>().join(", ")
        };
        let configuration = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}']\n\
             scrape_configs:\n\
             - {{job_name: berth-api, static_configs: [{{targets: [{}]}}]}}\n\
             - {{job_name: berth-scheduler, static_configs: [{{targets: [{}]}}]}}\n\
             - {{job_name: berth-agent, static_configs: [{{targets: [{}]}}]}}\n",
            rules_file().display(),
            targets("api"),
            targets("scheduler"),
            targets("agent"),
        );
        let server = Prometheus::start(&configuration);
        let client = Client::new(vec![server.url()], None);
        let watcher = Self { server, client };
        watcher.until_it_answers().await;
        let all = installation.roles.len();
        watcher.until("every target is up", &format!("count(up == 1) == {all}")).await;
        watcher
    }

    /// Waits until Prometheus has begun: before, it answers 503.
    async fn until_it_answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(150);
        while self.client.send("GET", "/-/ready", None).await.0 != 200 {
            assert!(Instant::now() < deadline, "Prometheus does not begin: {}", self.server.last_words());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a query gives now.
    pub(crate) async fn ask(&self, expr: &str) -> Vec<Value> {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", expr).finish();
        let answer = self.client.send("GET", &format!("/api/v1/query?{query}"), None).await;
        let (200, answer) = answer else { panic!("{expr}: {answer:?}") };
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{expr}: {answer}")).clone()
    }

    /// Waits until a query gives something.
    pub(crate) async fn until(&self, what: &str, expr: &str) {
        let deadline = Instant::now() + Duration::from_secs(150);
        while self.ask(expr).await.is_empty() {
            assert!(Instant::now() < deadline, "{what}: {expr} gives nothing\n{}", self.server.last_words());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The alerts that fire or are about to.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .ask("count by (alertname) (ALERTS)")
            .await
            .iter()
            .map(|alert| alert["metric"]["alertname"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// Waits until an alert fires or is about to.
    pub(crate) async fn alerted(&self, name: &str) {
        self.until(name, &format!("ALERTS{{alertname='{name}'}}")).await;
    }
}
