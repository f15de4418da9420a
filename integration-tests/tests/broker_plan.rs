//! `berth broker plan`, `apply` and `export` as a shell sees them, on real brokers.

#[path = "broker_plan/exports.rs"]
mod exports;
#[path = "broker_plan/ground.rs"]
mod ground;
#[path = "broker_plan/users.rs"]
mod users;

use std::process::{Command, Output};
use std::time::Duration;

use berth_integration_tests::{Client, Role, berth};
use berth_test_servers::{RabbitMq, Redis, eventually, port};

/// `berth broker <arguments>` on a broker.
fn broker(settings: &[(&str, String)], arguments: &[&str]) -> Output {
    let mut command = Command::new(berth());
    command.arg("broker").args(arguments).env_clear();
    command.envs(settings.iter().map(|(key, value)| (key, value)));
    command.output().unwrap_or_else(|error| panic!("berth can't be started: {error}"))
}

/// The plan's lines without its heading, cells apart by single spaces.
fn plan(settings: &[(&str, String)], arguments: &[&str]) -> Vec<String> {
    let output = broker(settings, &[&["plan"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let heading = lines.next();
    assert!(heading.is_none_or(|heading| heading == "CHANGE KIND NAME PROPERTY FOUND WANTED"), "{text}");
    lines.collect()
}

fn apply(settings: &[(&str, String)], arguments: &[&str]) {
    let output = broker(settings, &[&["apply"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn on_rabbitmq_the_plan_is_what_apply_would_make_and_nothing_after_it() {
    let server = RabbitMq::start_managed();
    let settings =
        [("BERTH_BROKER_URL", server.url()), ("BERTH_BROKER_MANAGEMENT_URL", server.management_url())];
    let both = ["--for", "a=q,r"];
    let missing = [
        "make exchange berth.a.out",
        "make exchange berth.wake",
        "make queue berth.a.out",
        "make queue berth.a.run.q",
        "make queue berth.a.run.r",
        "make binding berth.a.out -> berth.a.out",
    ];
    assert_eq!(plan(&settings, &both), missing);
    apply(&settings, &both);
    assert_eq!(plan(&settings, &both), [] as [&str; 0]);

    // What nobody wants any more is shown, and stays.
    let one = ["--for", "a=q"];
    apply(&settings, &one);
    assert_eq!(plan(&settings, &one), ["unwanted queue berth.a.run.r"]);

    let classic = [&one[..], &["--broker-queue-type", "classic"]].concat();
    let differences = [
        "differs queue berth.a.run.q x-delivery-limit 2147483647",
        "differs queue berth.a.run.q x-queue-type quorum classic",
        "unwanted queue berth.a.run.r",
    ];
    assert_eq!(plan(&settings, &classic), differences);
    let refused = broker(&settings, &[&["apply"], &classic[..]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("`berth.a.run.q` exists on the broker with other properties"), "{said}");

    // A policy of ours is set and exported; one of others that would drop messages is told, and stays.
    let limited = [&one[..], &["--broker-queue-limit-mib", "64"]].concat();
    let unwanted = "unwanted queue berth.a.run.r";
    assert_eq!(plan(&settings, &limited), [unwanted, "make policy berth.limit"]);
    apply(&settings, &limited);
    assert_eq!(plan(&settings, &limited), [unwanted]);
    assert_eq!(plan(&settings, &one), [unwanted, "unwanted policy berth.limit"]);
    let exported = broker(&settings, &[&["export", "rabbitmq"], &limited[..]].concat());
    let exported: serde_json::Value = serde_json::from_slice(&exported.stdout).unwrap_or_default();
    assert_eq!(exported["policies"][0]["definition"]["max-length-bytes"], 64 << 20, "{exported:#}");
    server.ctl(&["set_policy", "--priority", "1", "theirs", "run.q$", r#"{"message-ttl": 60000}"#]);
    let altered = [unwanted, "alters policy theirs -> berth.a.run.q message-ttl 60000"];
    let told = eventually(Duration::from_secs(30), || plan(&settings, &limited) == altered);
    assert!(told, "{:?}", plan(&settings, &limited));
    let noted = broker(&settings, &[&["apply"], &limited[..]].concat());
    let said = String::from_utf8_lossy(&noted.stderr);
    assert!(said.contains("note: policy theirs -> berth.a.run.q sets message-ttl"), "{said}");
    assert_eq!(plan(&settings, &limited), altered);
    server.ctl(&["clear_policy", "theirs"]);

    // Without the management API, what is missing is still found, and what isn't seen is said.
    let blind = [&["--for", "a=q,s", "--broker-management-url", "off"][..]].concat();
    assert_eq!(plan(&settings, &blind), ["make queue berth.a.run.s"]);
    let note = broker(&settings, &[&["plan"], &blind[..]].concat());
    assert!(String::from_utf8_lossy(&note.stderr).starts_with("note: RabbitMQ's management API is off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_the_plan_knows_the_agents_in_the_database() {
    let server = Redis::start();
    let folder = tempfile::TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let settings = vec![("BERTH_BROKER_URL", server.url())];
    let listen = format!("127.0.0.1:{}", port::free());
    let data = folder.path().join("data");
    let mut up = Role::start(
        folder.path(),
        "up",
        &["up", "--listen", &listen, "--data-dir", &data.to_string_lossy()],
        &settings,
    );
    let client = Client::new(vec![format!("http://{listen}")], None);
    client.get("/readyz").await;
    let database = format!("sqlite:{}", data.join("berth.db").display());
    let with_database = ["--database-url", database.as_str()];
    up.kill9();
    // The last process's hold on the database ends with it.
    let free = eventually(Duration::from_secs(10), || {
        broker(&settings, &[&["plan"], &with_database[..]].concat()).status.success()
    });
    assert!(free, "{:?}", broker(&settings, &[&["plan"], &with_database[..]].concat()));

    apply(&settings, &with_database);
    assert_eq!(plan(&settings, &with_database), [] as [&str; 0]);
    apply(&settings, &["--for", "gone=q"]);
    let unwanted = ["unwanted queue berth.gone.out", "unwanted queue berth.gone.run.q"];
    assert_eq!(plan(&settings, &with_database), unwanted);
    server.flushall();
    let missing = ["make queue berth.local.out", "make queue berth.local.run.default"];
    assert_eq!(plan(&settings, &with_database), missing);
}
