//! Users in the plan: what is missing, what has other rights, what nobody wants, and what is of others.

use std::time::Duration;

use berth_broker::{Broker, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Address, Names, Topology, rights};
use berth_test_servers::{RabbitMq, Redis};
use serde_json::Value;

use super::{apply, broker, ground, plan};

/// Whether whoever has that URL comes in.
async fn comes_in(url: &str) -> bool {
    let settings = Settings::new(url).unwrap_or_else(|error| panic!("{error}"));
    let broker = Broker::connect(settings).unwrap_or_else(|error| panic!("{error}"));
    let mut connection = broker.connection();
    let decided = connection.wait_for(|state| state.up || state.last_error.is_some());
    let up = tokio::time::timeout(Duration::from_secs(60), decided).await;
    let up = up.is_ok_and(|state| state.is_ok_and(|state| state.up));
    broker.close().await;
    up
}

fn url(credentials: &Value) -> &str {
    credentials["url"].as_str().unwrap_or_else(|| panic!("{credentials}"))
}

/// What is done to users from elsewhere.
struct Changes<'a> {
    /// An administrator named as if it were an agent's, a neighbour's agent, and queues of others.
    foreign: &'a dyn Fn(),
    /// More rights for `berth-eu`; what the plan says of it.
    wider: (&'a dyn Fn(), &'a [&'a str]),
    /// A user of an agent that is gone.
    left_over: &'a dyn Fn(),
    /// `berth-eu` is deleted.
    deleted: &'a dyn Fn(),
    /// The names of all users.
    names: &'a dyn Fn() -> String,
}

async fn are_planned_and_applied(
    settings: &[(&str, String)],
    database: &[String; 2],
    credentials: &Value,
    by: Changes<'_>,
) {
    let database = [database[0].as_str(), database[1].as_str()];
    let plan = || plan(settings, &database);
    apply(settings, &database);
    assert_eq!(plan(), [] as [&str; 0]);
    (by.foreign)();
    assert_eq!(plan(), [] as [&str; 0], "of others nothing is said");
    (by.wider.0)();
    assert_eq!(plan(), by.wider.1);
    (by.left_over)();
    assert_eq!(plan()[by.wider.1.len()..], ["remove user berth-gone"]);
    apply(settings, &database);
    assert_eq!(plan(), [] as [&str; 0]);
    (by.deleted)();
    assert!(!comes_in(url(credentials)).await);
    assert_eq!(plan(), ["make user berth-eu"]);
    apply(settings, &database);
    assert_eq!(plan(), [] as [&str; 0]);
    assert!(comes_in(url(credentials)).await);
    let names = (by.names)();
    assert!(
        names.contains("berth-admin") && names.contains("berth-x-y") && !names.contains("berth-gone"),
        "{names}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_users_are_made_what_they_should_be_and_those_of_others_stay() {
    let server = RabbitMq::start_managed();
    let folder = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let settings: ground::Settings =
        vec![("BERTH_BROKER_URL", server.url()), ("BERTH_BROKER_MANAGEMENT_URL", server.management_url())];
    let (database, credentials) = ground::agent(folder.path(), &settings).await;
    let control = Broker::connect(Settings::new(&server.url()).unwrap_or_else(|error| panic!("{error}")))
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(control.connected(Duration::from_secs(20)).await);
    let foreign = ["celery", "berthold.a.run.q"].map(Address::foreign);
    let foreign = foreign.iter().fold(Topology::default(), |all, it| all.with_queue(it, QueueKind::Classic));
    control.apply(&foreign).await.unwrap_or_else(|error| panic!("{error}"));
    control.close().await;
    let by = Changes {
        foreign: &|| {
            server.ctl(&["add_user", "berth-admin", "x"]);
            server.ctl(&["set_user_tags", "berth-admin", "administrator"]);
            server.ctl(&["add_user", "berth-x-y", "x"]);
            let own = r"^berth\-x\.y\..*$";
            server.ctl(&["set_permissions", "berth-x-y", own, own, own]);
        },
        wider: (
            &|| drop(server.ctl(&["set_permissions", "berth-eu", "", ".*", r"^berth\.eu\..*$"])),
            &[
                r"differs user berth-eu configure ^berth\.eu\..*$",
                r"differs user berth-eu write .* ^berth\.eu\..*$",
            ],
        ),
        left_over: &|| {
            server.ctl(&["add_user", "berth-gone", "x"]);
            let own = r"^berth\.gone\..*$";
            server.ctl(&["set_permissions", "berth-gone", own, own, own]);
        },
        deleted: &|| drop(server.ctl(&["delete_user", "berth-eu"])),
        names: &|| server.ctl(&["list_users"]),
    };
    are_planned_and_applied(&settings, &database, &credentials, by).await;

    // Who may look but not at users sees the rest.
    server.ctl(&["add_user", "looker", "x"]);
    server.ctl(&["set_user_tags", "looker", "monitoring"]);
    server.ctl(&["set_permissions", "looker", "", "", ".*"]);
    server.ctl(&["delete_user", "berth-eu"]);
    let looking: ground::Settings = vec![
        ("BERTH_BROKER_URL", server.url_of("looker", "x", server.port())),
        ("BERTH_BROKER_MANAGEMENT_URL", server.management_url()),
    ];
    let database = [database[0].as_str(), database[1].as_str(), "--for", "eu=new"];
    assert_eq!(plan(&looking, &database), ["make queue berth.eu.run.new"]);
    let note = broker(&looking, &[&["plan"], &database[..]].concat());
    assert!(String::from_utf8_lossy(&note.stderr).contains("users can't be seen"), "{note:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_users_are_made_what_they_should_be_and_those_of_others_stay() {
    let server = Redis::start();
    let folder = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let settings: ground::Settings = vec![("BERTH_BROKER_URL", server.url())];
    let (database, credentials) = ground::agent(folder.path(), &settings).await;
    let user = |name: &str, prefix: &str, agent: &str| {
        let rule = rights::redis_acl(&Names { prefix: prefix.to_owned() }, agent, &"0".repeat(64), 0);
        let words: Vec<&str> = ["ACL", "SETUSER", name].into_iter().chain(rule.split(' ')).collect();
        server.command(&words);
    };
    let by = Changes {
        foreign: &|| {
            server.command(&["LPUSH", "celery", "x"]);
            server.command(&["LPUSH", "berthold.a.run.q", "x"]);
            server.command(&["ACL", "SETUSER", "berth-admin", "on", "~*", "&*", "+@all"]);
            user("berth-x-y", "berth-x", "y");
        },
        wider: (
            &|| drop(server.command(&["ACL", "SETUSER", "berth-eu", "~celery", "+keys", "-ping"])),
            &[
                "differs user berth-eu +keys yes",
                "differs user berth-eu +ping yes",
                "differs user berth-eu keys ~berth.eu.* ~celery ~berth.eu.*",
            ],
        ),
        left_over: &|| user("berth-gone", "berth", "gone"),
        deleted: &|| drop(server.command(&["ACL", "DELUSER", "berth-eu"])),
        names: &|| {
            let is_there = |name: &&str| {
                !["*-1", "$-1", "_"].contains(&server.command(&["ACL", "GETUSER", name]).as_str())
            };
            ["berth-admin", "berth-x-y", "berth-gone"]
                .into_iter()
                .filter(is_there)
                .collect::<Vec<_>>()
                .join(" ")
        },
    };
    are_planned_and_applied(&settings, &database, &credentials, by).await;
}
