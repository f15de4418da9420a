//! Exports, loaded into a broker that has never heard of Berth: an agent works with just those.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::{Role, shell};
use berth_test_servers::{RabbitMq, Redis, port};
use serde_json::{Value, json};

use super::{broker, ground, plan};

const LONG: Duration = Duration::from_secs(120);

/// What `berth broker export FORM` prints; there is no password in it.
fn export(settings: &[(&str, String)], form: &str, database: &[String; 2], credentials: &Value) -> String {
    let arguments = ["export", form, &database[0], &database[1], "--prometheus", "http://prometheus:9090"];
    let output = broker(settings, &arguments);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let password = credentials["password"].as_str().unwrap_or_else(|| panic!("{credentials}"));
    assert!(!text.contains(password) && !text.contains("test-secret"), "{text}");
    text
}

/// A real agent that has nothing but its credentials does a run, on that broker.
async fn works(folder: &Path, settings: &[(&'static str, String)], agents_url: &str) {
    let (_up, client) = ground::up(folder, "up-2", settings).await;
    let agent = [
        ("BERTH_BROKER_URL", agents_url.to_owned()),
        ("BERTH_DATA_DIR", folder.join("eu").display().to_string()),
    ];
    let listen = format!("127.0.0.1:{}", port::free());
    let arguments = ["agent", "--name", "eu", "--executor", "process", "--metrics-listen", &listen];
    let _agent = Role::start(folder, "agent", &arguments, &agent);
    let mut operation = shell("true");
    operation["queue"] = json!("eu/default");
    let run = client.submit("default", &operation).await;
    client.wait_for("default", &run, "succeeded", LONG).await;
}

/// The agent's URL, by another port.
fn moved(credentials: &Value, from: u16, to: u16) -> String {
    let url = credentials["url"].as_str().unwrap_or_else(|| panic!("{credentials}"));
    url.replace(&format!(":{from}/"), &format!(":{to}/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_make_a_fresh_rabbitmq_one_that_an_agent_works_on() {
    let (first, second) = (RabbitMq::start_managed(), RabbitMq::start_managed());
    let folder = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let on = |server: &RabbitMq, management: String| -> ground::Settings {
        vec![("BERTH_BROKER_URL", server.url()), ("BERTH_BROKER_MANAGEMENT_URL", management)]
    };
    let settings = on(&first, first.management_url());
    let (database, credentials) = ground::agent(folder.path(), &settings).await;
    let definitions = folder.path().join("definitions.json");
    std::fs::write(&definitions, export(&settings, "rabbitmq", &database, &credentials))
        .unwrap_or_else(|error| panic!("{error}"));
    second.ctl(&["import_definitions", &definitions.to_string_lossy()]);
    let seen = on(&second, second.management_url());
    assert_eq!(plan(&seen, &[&database[0], &database[1]]), [] as [&str; 0]);
    // Without the management API nobody but the import can have made the user.
    let url = moved(&credentials, first.port(), second.port());
    works(folder.path(), &on(&second, "off".to_owned()), &url).await;

    let refused = broker(&settings, &["export", "redis-acl"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let keda = export(&settings, "keda", &database, &credentials);
    for part in
        ["kind: ScaledObject", "queueName: berth.eu.run.default", "vhostName: /", "berth_queue_admissible"]
    {
        assert!(keda.contains(part), "{part}: {keda}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acl_file_makes_a_fresh_redis_one_that_an_agent_works_on() {
    let first = Redis::start();
    let folder = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let settings: ground::Settings = vec![("BERTH_BROKER_URL", first.url())];
    let (database, credentials) = ground::agent(folder.path(), &settings).await;
    let second = Redis::start_with_users(&export(&settings, "redis-acl", &database, &credentials));
    let seen: ground::Settings = vec![("BERTH_BROKER_URL", second.url())];
    let lacks = plan(&seen, &[&database[0], &database[1]]);
    assert!(!lacks.is_empty() && lacks.iter().all(|line| line.starts_with("make queue")), "{lacks:?}");
    works(folder.path(), &seen, &moved(&credentials, first.port(), second.port())).await;

    let keda = export(&settings, "keda", &database, &credentials);
    for part in ["kind: TriggerAuthentication", "listName: berth.eu.run.default", "databaseIndex: "] {
        assert!(keda.contains(part), "{part}: {keda}");
    }
}
