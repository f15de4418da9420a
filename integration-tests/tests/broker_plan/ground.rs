//! A database with the agent `eu` and its credentials, and the process that made them.

use std::path::Path;
use std::time::Duration;

use berth_integration_tests::{Client, Role};
use berth_test_servers::{eventually, port};
use serde_json::{Value, json};

/// Settings of a broker, as variables.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// `berth up` on that broker, with its data in `folder`, and its client.
pub(crate) async fn up(folder: &Path, name: &str, settings: &[(&'static str, String)]) -> (Role, Client) {
    let listen = format!("127.0.0.1:{}", port::free());
    let data = folder.join("data");
    let arguments = ["up", "--listen", &listen, "--data-dir", &data.to_string_lossy()];
    let up = Role::start(folder, name, &arguments, settings);
    let client = Client::new(vec![format!("http://{listen}")], None);
    let ready = async {
        while client.send("GET", "/readyz", None).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), ready).await.is_ok(), "{}", up.last_words());
    (up, client)
}

/// Makes the agent `eu` with credentials; the process is gone, the database is free. Gives the database's arguments and
/// the credentials.
pub(crate) async fn agent(folder: &Path, settings: &[(&'static str, String)]) -> ([String; 2], Value) {
    let (mut up, client) = up(folder, "up-1", settings).await;
    client.call("POST", "/api/v1/orgs/default/agents", Some(&json!({"name": "eu"}))).await;
    let path = "/api/v1/orgs/default/agents/eu/credentials";
    let made = client.call("POST", path, Some(&json!({}))).await;
    assert_eq!(made["on_broker"], json!(true), "{made}");
    up.kill9();
    let database =
        ["--database-url".to_owned(), format!("sqlite:{}", folder.join("data/berth.db").display())];
    // The last process's hold on the database ends with it.
    let plan = ["plan", &database[0], &database[1]];
    let free = eventually(Duration::from_secs(10), || super::broker(settings, &plan).status.success());
    assert!(free, "{:?}", super::broker(settings, &plan));
    (database, made)
}
