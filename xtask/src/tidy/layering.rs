//! Who may depend on whom, read from the crates' `Cargo.toml`. The table is the rule; the code only compares.

use super::{Finding, Source, Tree};

/// What each folder's crate may name of ours in `[dependencies]`.
///
/// One direction only: cli, then the services, then store, broker and telemetry, then broker-config, then domain.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("broker-config", &["domain"]),
    ("broker", &["broker-config", "domain"]),
    ("store", &["domain"]),
    ("telemetry", &["domain"]),
    ("external-metrics", &["domain"]),
    // Files, as data: it knows nobody.
    ("dashboard", &[]),
    ("api", &["broker", "broker-config", "dashboard", "domain", "store", "telemetry"]),
    ("scheduler", &["broker", "broker-config", "domain", "store", "telemetry"]),
    ("agent", &["broker", "broker-config", "domain", "telemetry"]),
    (
        "cli",
        &[
            "agent",
            "api",
            "broker",
            "broker-config",
            "domain",
            "external-metrics",
            "scheduler",
            "store",
            "telemetry",
        ],
    ),
    ("test-servers", &[]),
    // What it simulates are decisions; it has no way to where they are acted on.
    ("xtask", &["domain"]),
    ("fuzz", &["broker", "domain"]),
    (
        "integration-tests",
        &[
            "agent",
            "api",
            "broker",
            "broker-config",
            "domain",
            "scheduler",
            "store",
            "telemetry",
            "test-servers",
        ],
    ),
    (
        "bench",
        &[
            "agent",
            "api",
            "broker",
            "broker-config",
            "domain",
            "scheduler",
            "store",
            "telemetry",
            "test-servers",
        ],
    ),
];

/// Libraries whose types stay inside some crates. Tests and measurements may speak to servers directly.
const CONFINED: &[(&str, &[&str])] = &[
    ("lapin", &["broker", "bench", "integration-tests"]),
    ("redis", &["broker", "bench", "integration-tests"]),
    ("sqlx", &["store", "bench", "integration-tests"]),
    ("axum", &["api", "telemetry", "integration-tests"]),
    ("opentelemetry-proto", &["telemetry", "integration-tests"]),
    ("kube", &["agent", "external-metrics", "test-servers", "bench", "integration-tests"]),
    ("k8s-openapi", &["agent", "external-metrics", "test-servers", "bench", "integration-tests"]),
    ("clap", &["cli", "bench", "integration-tests"]),
    ("reqwest", &["broker", "cli", "telemetry", "bench", "integration-tests"]),
];

/// Every crate keeps to [`MAY_USE`] and [`CONFINED`].
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.sources().filter(|source| source.ends("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
            let message = format!("`{folder}` has no row in the layering table (xtask/src/tidy/layering.rs)");
            findings.push(Finding::of_file(&manifest.path, message));
            continue;
        };
        for (line, section, name) in dependencies(manifest) {
            findings.extend(ours(manifest, folder, allowed, line, section, &name));
            findings.extend(confined(manifest, folder, line, section, &name));
        }
    }
    findings
}

fn ours(
    manifest: &Source,
    folder: &str,
    allowed: &[&str],
    line: usize,
    section: Section,
    name: &str,
) -> Option<Finding> {
    let other = name.strip_prefix("berth-")?;
    if allowed.contains(&other) || (section == Section::Development && may_test_with(folder, other)) {
        return None;
    }
    let message = format!("`{folder}` may not depend on `{other}`; it may on: {}", list(allowed));
    Some(Finding::at(&manifest.path, line, message))
}

/// A crate's tests may also start servers, and use what lies below the crate.
fn may_test_with(folder: &str, other: &str) -> bool {
    other == "test-servers" && folder != "domain"
}

fn confined(manifest: &Source, folder: &str, line: usize, section: Section, name: &str) -> Option<Finding> {
    let (_, places) = CONFINED.iter().find(|(library, _)| *library == name)?;
    if places.contains(&folder) || section == Section::Development {
        return None;
    }
    let message = format!("`{name}` stays inside: {}", list(places));
    Some(Finding::at(&manifest.path, line, message))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing of ours".to_owned() } else { names.join(", ") }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Normal,
    Development,
}

/// The dependencies that a manifest names, with their lines. Reads the TOML that we write, not all that there is.
fn dependencies(manifest: &Source) -> Vec<(usize, Section, String)> {
    let mut found = Vec::new();
    let mut section = None;
    for (number, line) in manifest.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let table = header.rsplit("target.").next().unwrap_or(header);
            section = if table.contains("dev-dependencies") {
                Some(Section::Development)
            } else {
                table.contains("dependencies").then_some(Section::Normal)
            };
            if let (Some(kind), Some((_, name))) = (section, table.split_once("dependencies.")) {
                found.push((number, kind, name.trim_matches('"').to_owned()));
                section = None;
            }
        } else if let Some(kind) = section {
            let end = line.find(['.', '=', ' ']).unwrap_or(0);
            if end > 0 && !line.starts_with('#') {
                found.push((number, kind, line[..end].trim_matches('"').to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_that_points_the_wrong_way_is_found() {
        let text = "[dependencies]\nberth-domain.workspace = true\nberth-store.workspace = true\n";
        let found = messages("agent/Cargo.toml", text);
        assert_eq!(
            found,
            [
                "agent/Cargo.toml:3: `agent` may not depend on `store`; it may on: broker, broker-config, domain, telemetry"
            ]
        );
    }

    #[test]
    fn a_library_stays_in_its_crate() {
        let found = messages("api/Cargo.toml", "[dependencies.sqlx]\nversion = \"1\"\n");
        assert_eq!(found, ["api/Cargo.toml:1: `sqlx` stays inside: store, bench, integration-tests"]);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        assert_eq!(messages("extra/Cargo.toml", "").len(), 1);
    }
}
