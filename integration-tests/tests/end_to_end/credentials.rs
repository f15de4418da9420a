//! Agents that come to the broker with nothing but their own credentials: from the first to the last.

use std::time::Duration;

use berth_broker::{Broker, Settings};
use berth_integration_tests::{Backing, BrokerServer, Installation, shell};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(120);

fn url(credentials: &Value) -> String {
    credentials["url"].as_str().unwrap_or_else(|| panic!("no URL: {credentials}")).to_owned()
}

/// A connection with that URL, up or refused.
async fn come(url: &str) -> Result<Broker, String> {
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    let mut connection = broker.connection();
    let decided = connection.wait_for(|state| state.up || state.last_error.is_some());
    let state = tokio::time::timeout(LONG, decided).await.unwrap().unwrap().clone();
    if state.up { Ok(broker) } else { Err(state.last_error.unwrap()) }
}

#[track_caller]
fn is_refused(came: Result<Broker, String>) {
    let why = came.map(drop).unwrap_err();
    assert!(why.contains("ACCESS_REFUSED") || why.contains("WRONGPASS") || why.contains("refused"), "{why}");
    assert!(!why.contains("berth_"), "a password is told: {why}");
}

/// A run at `eu` succeeds.
async fn works(installation: &Installation) {
    let mut operation = shell("true");
    operation["queue"] = json!("eu/default");
    let run = installation.client.submit("default", &operation).await;
    installation.client.wait_for("default", &run, "succeeded", LONG).await;
}

async fn an_agent_lives_by_its_credentials(backing: Backing) {
    let mut installation = Installation::start_managed(backing).await;
    let made = installation.answered(&["agents", "create", "eu"]);
    let first = &made["credentials"];
    assert_eq!(
        (&made["name"], &first["generation"], &first["on_broker"]),
        (&json!("eu"), &json!(1), &json!(true))
    );
    assert_eq!(first["user"], "berth-eu");
    let password = first["password"].as_str().unwrap();
    assert!(password.len() >= 43 && url(first).contains(password), "{first}");
    assert!(first["helm_values"].as_str().unwrap().contains(&url(first)), "{first}");
    let mut old = installation.start_agent_at("eu", "old", &url(first));
    works(&installation).await;

    // Rotated: both come in.
    let second = installation.answered(&["agents", "credentials", "eu"]);
    assert_eq!((&second["user"], &second["valid"]), (&json!("berth-eu.2"), &json!([1, 2])));
    let held = come(&url(first)).await.unwrap();
    come(&url(&second)).await.unwrap().close().await;
    old.kill9();
    let _new = installation.start_agent_at("eu", "new", &url(&second));
    works(&installation).await;
    let listed = installation.answered(&["agents", "credentials", "eu", "--list"]);
    assert!(!listed.to_string().contains("hash") && !listed.to_string().contains(password), "{listed}");

    // Retired: the old is out, whoever had come in with it, too.
    let retired = installation.answered(&["agents", "credentials", "eu", "--retire"]);
    assert_eq!((&retired[0]["generation"], &retired[0]["on_broker"]), (&json!(1), &json!(true)));
    let mut connection = held.connection();
    let out = tokio::time::timeout(LONG, connection.wait_for(|state| !state.up)).await;
    assert!(out.is_ok(), "who had come in with retired credentials is still in");
    held.close().await;
    is_refused(come(&url(first)).await);
    works(&installation).await;

    // Wiped, and started again: the user comes back from the store, and the agent goes on.
    installation.wipe_broker();
    if backing == Backing::Redis {
        installation.kill_broker();
        installation.restart_broker();
    }
    works(&installation).await;
    is_refused(come(&url(first)).await);

    // A third generation takes the first one's place.
    let third = installation.answered(&["agents", "credentials", "eu"]);
    assert_eq!((&third["user"], &third["valid"]), (&json!("berth-eu"), &json!([2, 3])));
    // The API may have been away from the broker just then, and has left it to a scheduler.
    let broker = Broker::connect(Settings::new(&url(&third)).unwrap()).unwrap();
    assert!(broker.connected(LONG).await, "{:?}, {third}", *broker.connection().borrow());
    broker.close().await;
    is_refused(come(&url(first)).await);

    // Deleted with its agent.
    installation.told(&["agents", "delete", "eu"]);
    for gone in [&second, &third] {
        is_refused(come(&url(gone)).await);
    }
}

mod rabbitmq {
    #[tokio::test(flavor = "multi_thread")]
    async fn an_agent_lives_by_its_credentials() {
        super::an_agent_lives_by_its_credentials(super::Backing::RabbitMq).await;
    }
}

mod redis {
    #[tokio::test(flavor = "multi_thread")]
    async fn an_agent_lives_by_its_credentials() {
        super::an_agent_lives_by_its_credentials(super::Backing::Redis).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_only_has_the_name_of_an_agents_stays_as_it_is() {
    let installation = Installation::start(Backing::Redis).await;
    let BrokerServer::Redis(server) = &installation.broker else { panic!("no Redis") };
    server.command(&["ACL", "SETUSER", "berth-admin", "on", ">operators", "~*", "&*", "+@all"]);
    let made = installation.berth(&["agents", "create", "admin", "-o", "json"]);
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && said.contains("agent admin has no credentials yet"), "{said}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&made["name"], &made["credentials"]), (&json!("admin"), &Value::Null));
    let refused = installation.refused(&["agents", "credentials", "admin"]);
    assert!(refused.contains("`berth-admin` exists on the broker"), "{refused}");
    assert_eq!(installation.answered(&["agents", "credentials", "admin", "--list"]), json!([]));
    let port = installation.broker.port();
    let operators = format!("redis://berth-admin:operators@127.0.0.1:{port}/0");
    come(&operators).await.unwrap().close().await;
    installation.told(&["agents", "delete", "admin"]);
    come(&operators).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_one_process_no_agent_needs_credentials() {
    let installation = Installation::start(Backing::Embedded).await;
    let made = installation.answered(&["agents", "create", "eu"]);
    assert_eq!((&made["name"], &made["credentials"]), (&json!("eu"), &Value::Null));
    assert!(installation.told(&["agents", "create", "us"]).contains("no credentials are needed"));
    let refused = installation.refused(&["agents", "credentials", "eu"]);
    assert!(refused.contains("they need no credentials"), "{refused}");
}
