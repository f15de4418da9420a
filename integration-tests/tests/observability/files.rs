//! What `deploy/prometheus` and `deploy/grafana` hold, as data.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The tree's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The file of rules.
pub(crate) fn rules_file() -> PathBuf {
    root().join("deploy/prometheus/rules/berth.yml")
}

/// A rule; an alert has a name, a severity and a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) record: Option<String>,
    pub(crate) alert: Option<String>,
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// All rules.
pub(crate) fn rules() -> Vec<Rule> {
    let text = std::fs::read_to_string(rules_file()).unwrap();
    let rules: Rules = serde_saphyr::from_str(&text).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// A panel's query, with where it stands.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) place: String,
    pub(crate) expr: String,
}

/// Every query of every dashboard, with its variables set to all.
pub(crate) fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for entry in std::fs::read_dir(root().join("deploy/grafana")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let board: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap();
                let expr =
                    expr.replace("$__rate_interval", "1m").replace("$agent", ".*").replace("$queue", ".*");
                queries.push(Query { place: format!("{name}: {}", panel["title"]), expr });
            }
        }
    }
    queries
}
