//! The Compose file, loaded by Compose's own library: every setting is one of the role's, every image has a tag, every file
//! that is mounted is there, and nothing secret is in it. Then its services run as it says, and a run succeeds.
//!
//! THERE IS NO DOCKER ENGINE HERE: they run as processes, with the file's commands, settings, secrets and health checks. That
//! images are pulled and built, and what a container may do, is not tried by this test.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use berth_integration_tests::{berth, helm};
use serde_json::Value;

/// A copy of `deploy`, so that nothing is made in the tree.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        for name in ["compose", "prometheus", "grafana"] {
            let copied =
                Command::new("cp").arg("-r").arg(deploy.join(name)).arg(folder.path()).status().unwrap();
            assert!(copied.success());
        }
        let made = folder.path().join("compose");
        // Whoever tried it in the tree has these.
        std::fs::remove_dir_all(made.join("secrets")).ok();
        std::fs::remove_file(made.join(".env")).ok();
        Self { folder }
    }

    fn compose(&self) -> PathBuf {
        self.folder.path().join("compose")
    }

    fn setup(&self, broker: &str) -> Output {
        Command::new(self.compose().join("setup.sh")).arg(broker).env_remove("BERTH_IMAGE").output().unwrap()
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        let files = std::fs::read_dir(self.compose().join("secrets")).unwrap();
        let read = |path: PathBuf| (name(&path), std::fs::read_to_string(&path).unwrap());
        files.map(|entry| read(entry.unwrap().path())).collect()
    }

    /// The file as it is loaded, with these profiles beside that of `.env`.
    fn load(&self, profiles: Option<&str>) -> Result<Value, String> {
        let mut load = Command::new(helm::compose());
        load.arg("compose.yaml").current_dir(self.compose()).env_clear();
        if let Some(profiles) = profiles {
            load.env("COMPOSE_PROFILES", profiles);
        }
        let output = load.output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr).unwrap());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The settings of a part of the program.
fn settings(part: &str) -> BTreeSet<String> {
    let shown = Command::new(berth()).args(["config", "show", part]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    text.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn without_its_set_up_it_says_what_to_do() {
    let told = Copy::new().load(None).unwrap_err();
    assert!(told.contains("run setup.sh first"), "{told}");
}

#[test]
fn every_part_of_it_is_there_and_known() {
    for (broker, other) in [("rabbitmq", "redis"), ("redis", "rabbitmq")] {
        let copy = Copy::new();
        assert!(copy.setup(broker).status.success());
        let plain = copy.load(None).unwrap();
        let names: BTreeSet<&String> = plain["services"].as_object().unwrap().keys().collect();
        assert!(names.contains(&broker.to_owned()) && !names.contains(&other.to_owned()), "{names:?}");
        // agent.sh makes it, on a control plane that runs.
        std::fs::write(copy.compose().join("secrets/agent-broker-url"), "amqp://agent").unwrap();

        let whole = copy.load(Some(&format!("{broker},agent,cli"))).unwrap();
        let secrets = copy.secrets();
        for (service, value) in whole["services"].as_object().unwrap() {
            has_a_tag(service, value);
            is_looked_after(service, value);
            knows_its_settings(service, value);
            finds_its_files(service, value, &whole["secrets"]);
            let text = value.to_string();
            for (secret, content) in &secrets {
                assert!(!text.contains(content.trim()), "{service} shows {secret}");
            }
            for port in value["ports"].as_array().into_iter().flatten() {
                assert_eq!(port["host_ip"], "127.0.0.1", "{service} is open to others");
            }
        }
    }
}

fn has_a_tag(service: &str, value: &Value) {
    let image = value["image"].as_str().unwrap();
    let tag = image.rsplit('/').next().unwrap().split_once(':').map(|(_, tag)| tag);
    // Berth's own is whatever was made and loaded.
    let is_ours = image == "localhost/berth:latest";
    assert!(is_ours || tag.is_some_and(|tag| !tag.is_empty() && tag != "latest"), "{service}: {image}");
}

fn is_looked_after(service: &str, value: &Value) {
    if ["migrate", "cli"].contains(&service) {
        return;
    }
    assert_eq!(value["restart"], "unless-stopped", "{service}");
    let test =
        value["healthcheck"]["test"].as_array().unwrap_or_else(|| panic!("{service} has no health check"));
    if value["command"][0] == service {
        assert_eq!(test[1..], ["/berth", "ready", service], "{service}");
    }
}

fn knows_its_settings(service: &str, value: &Value) {
    let part = match service {
        "migrate" => "admin",
        "cli" => "client",
        "api" | "scheduler" | "agent" => service,
        _ => return,
    };
    let known = settings(part);
    for variable in value["environment"].as_object().unwrap().keys() {
        let key = variable.strip_prefix("BERTH_").unwrap_or_else(|| panic!("{service}: {variable}"));
        let key = key.to_lowercase();
        let is_known =
            known.contains(&key) || key.strip_suffix("_file").is_some_and(|key| known.contains(key));
        assert!(is_known, "{service}: {variable} is no setting of {part}");
    }
}

fn finds_its_files(service: &str, value: &Value, secrets: &Value) {
    let mounted: BTreeSet<&str> = value["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|secret| {
            let file = secrets[secret["source"].as_str().unwrap()]["file"].as_str().unwrap();
            assert!(Path::new(file).exists(), "{service}: {file}");
            secret["target"].as_str().unwrap()
        })
        .collect();
    for (variable, path) in value["environment"].as_object().into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        if path.starts_with("/run/secrets/") {
            assert!(mounted.contains(path), "{service}: {variable} is not mounted");
        }
    }
    for volume in value["volumes"].as_array().into_iter().flatten() {
        if volume["type"] == "bind" {
            let source = volume["source"].as_str().unwrap();
            assert!(Path::new(source).exists(), "{service}: {source}");
        }
    }
    if let Some(build) = value["build"].as_object() {
        let context = Path::new(build["context"].as_str().unwrap());
        let text = std::fs::read_to_string(context.join(build["dockerfile"].as_str().unwrap())).unwrap();
        let froms: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
        assert!(
            froms.len() == 2 && froms.iter().all(|from| from.contains(':') || from.contains('$')),
            "{froms:?}"
        );
    }
}

#[test]
fn secrets_are_made_once_each_of_its_own_and_the_servers_read_them() {
    let (first, second) = (Copy::new(), Copy::new());
    assert!(first.setup("rabbitmq").status.success());
    assert!(second.setup("rabbitmq").status.success());
    let before = first.secrets();
    let others = second.secrets();
    let values: BTreeSet<&String> = before.values().chain(others.values()).collect();
    assert_eq!(values.len(), before.len() * 2, "no secret is the same twice");
    assert!(first.setup("rabbitmq").status.success());
    assert_eq!(first.secrets(), before, "a second call changes nothing");
    assert_eq!(first.setup("kafka").status.code(), Some(2));
    let mode =
        |path: &str| std::fs::metadata(first.compose().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets"), mode(".env")), (0o700, 0o600));
    // The first access token as the api takes it, and one password in both of the files that need it.
    assert!(before["token"].len() >= 32);
    assert!(before["database-url"].contains(&before["postgres-password"]));
    let of_queue =
        before["rabbitmq.conf"].lines().find_map(|line| line.strip_prefix("default_pass = ")).unwrap();
    assert!(before["broker-url"].contains(of_queue));
}

#[path = "compose/processes.rs"]
mod processes;
