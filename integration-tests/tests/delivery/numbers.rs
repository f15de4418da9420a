//! What others read of a queue's length: celery-exporter, KEDA by the triggers that `berth broker export keda` prints, and
//! `rabbitmqctl`. All of them see the same, which is what there is.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use berth_broker::{Broker, Settings};
use berth_broker_config::{Address, Names};
use berth_integration_tests::{Backing, BrokerServer, Installation, shell, stock};
use berth_test_servers::process::run;
use berth_test_servers::{RabbitMq, Redis};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

super::on_both_brokers!(exporters_scalers_and_the_brokers_own_tools_read_what_waits_and_what_is_held);

const LONG: Duration = Duration::from_secs(120);
const QUEUE: &str = "berth.eu.run.default";
/// Offers that are on the broker, and how many of them somebody holds.
const OFFERED: u64 = 10;
const HELD: u16 = 3;
/// How many runs the agent has places for.
const PLACES: u64 = 12;

async fn exporters_scalers_and_the_brokers_own_tools_read_what_waits_and_what_is_held(backing: Backing) {
    let mut installation = Installation::start_managed(backing).await;
    let client = installation.client.clone();
    let url = installation.broker.url_through(installation.broker.port());
    let mut agent = installation.start_agent("eu", None).await;
    let mut operation = shell("true");
    operation["queue"] = json!("eu/default");
    let places = json!({"concurrency": PLACES});
    client.call("PATCH", "/api/v1/orgs/default/agents/eu", Some(&places)).await;
    let first = client.submit("default", &operation).await;
    client.wait_for("default", &first, "succeeded", LONG).await;
    let idle = exporter(&url, &[]);
    assert_eq!((&idle[QUEUE]["length"], &idle[QUEUE]["workers"]), (&json!(0), &json!(1)), "{idle:#}");
    assert_eq!(idle[QUEUE]["processes"], PLACES, "{idle:#}");
    assert_eq!(idle["berth.local.run.default"]["workers"], 2, "{idle:#}");

    // Its lease lasts for a while: what it could take is offered. Schedulers that stand still offer it once.
    agent.kill9();
    client.submit_all("default", &vec![operation; OFFERED as usize]).await;
    client.wait_for_all("default", OFFERED, "scheduled", LONG).await;
    let broker = Broker::connect(Settings::new(&url).unwrap()).unwrap();
    let offers = Names::default().offers("eu", "default");
    until("all are offered", async || broker.depth(&offers).await.is_ok_and(|depth| depth.ready == OFFERED))
        .await;
    installation.roles_of("scheduler").for_each(|scheduler| scheduler.signal("STOP"));
    let mut consumer = broker.consume(&offers, HELD).await;
    let mut held = Vec::new();
    while held.len() < usize::from(HELD) {
        held.extend(timeout(LONG, consumer.next()).await.unwrap());
    }
    let (waiting, all) = (OFFERED - u64::from(HELD), OFFERED);
    let asked = exporter(&url, &[QUEUE]);
    assert_eq!(asked[QUEUE]["length"], waiting, "{asked:#}");
    let triggers = triggers(&url);
    match &installation.broker {
        BrokerServer::RabbitMq(server) => {
            assert_eq!(asked[QUEUE]["consumers"], 1, "{asked:#}");
            assert_eq!(triggers.len(), 1, "{triggers:#?}");
            keda_asks_rabbitmq(server, &broker, &triggers[0], waiting, all).await;
            let listed = server.ctl(&[
                "--quiet",
                "list_queues",
                "name",
                "messages_ready",
                "messages_unacknowledged",
                "messages",
            ]);
            let line = format!("{QUEUE}\t{waiting}\t{HELD}\t{all}");
            assert!(listed.lines().any(|listed| listed == line), "{line}: {listed}");
        }
        BrokerServer::Redis(server) => {
            assert_eq!(keda_asks_redis(server, &triggers), waiting);
            // The replica that was killed is remembered for a while, and holds nothing.
            let count = "local held = 0 for _, consumer in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do \
                held = held + redis.call('HLEN', KEYS[1] .. '/' .. consumer) end return held";
            let held = server.command(&["EVAL", count, "1", &QUEUE.replacen(".run.", "._held.run.", 1)]);
            assert_eq!(held, format!(":{HELD}"), "what is held");
        }
        BrokerServer::None => unreachable!(),
    }

    drop((held, consumer));
    installation.roles_of("scheduler").for_each(|scheduler| scheduler.signal("CONT"));
    agent.restart();
    client.wait_for_all("default", OFFERED + 1, "succeeded", LONG).await;
    assert_eq!(exporter(&url, &[QUEUE])[QUEUE]["length"], 0);
    broker.close().await;
}

/// What celery-exporter would measure.
fn exporter(url: &str, queues: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/celery_exporter.py");
    let mut command = Command::new(stock("python"));
    let said = run(command.arg(script).arg(url).args(queues).env("PYTHONWARNINGS", "ignore"));
    serde_json::from_str(&said).unwrap()
}

/// The metadata of the triggers that are printed for the agent, as YAML readers see them.
fn triggers(url: &str) -> Vec<Value> {
    let mut command = Command::new(berth_integration_tests::berth());
    let arguments = ["broker", "export", "keda", "--for", "eu=default", "--broker-url", url];
    let text = run(command.args(arguments).env_clear());
    let is_printable = |letter: char| letter == '\n' || !letter.is_control();
    assert!(text.chars().all(is_printable), "YAML takes no such letters: {text:?}");
    let objects = text.split("---\n").filter(|text| !text.is_empty());
    let scaled = objects
        .map(|object| serde_saphyr::from_str::<Value>(object).unwrap())
        .find(|object| object["kind"] == "ScaledObject");
    let triggers = scaled.unwrap()["spec"]["triggers"].as_array().cloned().unwrap();
    triggers.iter().map(|trigger| trigger["metadata"].clone()).collect()
}

/// KEDA's scaler for RabbitMQ, over both of its protocols: a passive declare, and the management API.
async fn keda_asks_rabbitmq(server: &RabbitMq, broker: &Broker, trigger: &Value, waiting: u64, all: u64) {
    let name = trigger["queueName"].as_str().unwrap();
    assert_eq!((&trigger["protocol"], &trigger["mode"]), (&json!("amqp"), &json!("QueueLength")));
    let declared = broker.depth(&Address::foreign(name.to_owned())).await.unwrap();
    assert_eq!(declared.ready, waiting);
    let vhost = trigger["vhostName"].as_str().unwrap().replace('/', "%2F");
    let http = reqwest::Client::new();
    // Its statistics are some seconds old.
    let deadline = Instant::now() + LONG;
    loop {
        let request = http.get(format!("{}/api/queues/{vhost}/{name}", server.management_url()));
        let answer = request.basic_auth(server.user(), Some(server.password())).send().await.unwrap();
        let seen: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let published = &seen["message_stats"];
        let is_rated = published["publish_details"]["rate"].is_number();
        let counts = [&seen["messages"], &seen["messages_ready"], &seen["messages_unacknowledged"]];
        if counts == [&json!(all), &json!(waiting), &json!(HELD)] && is_rated {
            assert!(published["publish"].as_u64() > Some(all), "the first one, too: {seen:#}");
            return;
        }
        assert!(Instant::now() < deadline, "{seen:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// KEDA's scaler for Redis lists: the length of each, in the database that is named.
fn keda_asks_redis(server: &Redis, triggers: &[Value]) -> u64 {
    assert!(triggers.iter().all(|trigger| trigger["databaseIndex"] == "0"), "{triggers:#?}");
    assert!(triggers.iter().all(|trigger| trigger["address"] == format!("127.0.0.1:{}", server.port())));
    let length = |trigger: &Value| -> u64 {
        let answer = server.command(&["LLEN", trigger["listName"].as_str().unwrap()]);
        answer.trim_start_matches(':').parse().unwrap()
    };
    triggers.iter().map(length).sum()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
