//! Stock Celery from PyPI reads what Berth publishes, and Berth reads what stock Celery sends, on both brokers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use berth_broker::celery::task;
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_integration_tests::stock;
use berth_test_servers::process::{Reaper, spawn_group, tail};
use berth_test_servers::{RabbitMq, Redis, eventually};
use secrecy::SecretString;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

fn an_offer() -> Offer {
    Offer {
        run: uuid::Uuid::now_v7(),
        attempt: 0,
        agent: "a".to_owned(),
        queue: "q".to_owned(),
        owner: "default".to_owned(),
        project: "default".to_owned(),
        name: Some("train".to_owned()),
        operation: RawValue::from_string(r#"{"run":{"kind":"job"}}"#.to_owned()).unwrap(),
        spec_hash: "h".to_owned(),
        hard_limit: Some(7_200.0),
        soft_limit: None,
        eta: None,
        expires: None,
        root_id: None,
        parent_id: None,
        needs: Vec::new(),
    }
}

async fn until_up(broker: &Broker) {
    let mut connection = broker.connection();
    tokio::time::timeout(LONG, connection.wait_for(|state| state.up)).await.unwrap().unwrap();
}

/// A stock worker on the queue of offers prints the arguments of one; then a stock producer's task is read.
async fn both_ways(url: &str) {
    let folder = tempfile::TempDir::new().unwrap();
    let names = Names::default();
    let broker = Broker::connect(Settings::new(&SecretString::from(url.to_owned())).unwrap()).unwrap();
    until_up(&broker).await;
    broker.apply(&build::agent(&names, "a", ["q"], QueueKind::Classic)).await.unwrap();
    let offers = names.offers("a", "q");
    let sent = an_offer();
    broker.publish(vec![Publish { to: offers.clone(), message: offer::encode(&sent) }]).await.unwrap();

    let is_redis = url.starts_with("redis");
    let (queue, prefix) = if is_redis {
        (offers.kombu_name(), offers.redis_prefix.as_str())
    } else {
        (offers.queue.as_str(), "")
    };
    let log = folder.path().join("worker.log");
    let mut reaper = Reaper::start(&folder.path().join("worker"));
    let worker = spawn_group(
        Command::new(stock("python"))
            .arg(script("celery_worker.py"))
            .args([url, queue, prefix])
            .env("PYTHONUNBUFFERED", "1"),
        &log,
    );
    reaper.watch(&[worker.id()]);
    let seen = || std::fs::read_to_string(&log).unwrap_or_default();
    assert!(
        eventually(LONG, || seen().contains(&sent.run.to_string())),
        "the worker saw nothing:\n{}",
        tail(&log)
    );
    let line = seen().lines().find_map(|line| line.strip_prefix("GOT ").map(str::to_owned));
    let line: Value =
        serde_json::from_str(&line.unwrap_or_else(|| panic!("no kwargs in:\n{}", seen()))).unwrap();
    assert_eq!(line["kwargs"]["operation"], json!({"run": {"kind": "job"}}), "{line:#}");
    assert_eq!((&line["kwargs"]["agent"], &line["kwargs"]["queue"]), (&json!("a"), &json!("q")), "{line:#}");
    drop(reaper);

    broker.apply(&build::control_plane(&names, ["sa"])).await.unwrap();
    let submissions = names.submit("sa");
    let output = Command::new(stock("python"))
        .arg(script("celery_producer.py"))
        .args([url, &submissions.queue, "train", "[1, \"a\"]", "{\"lr\": 0.1}"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut consumer = broker.consume(&submissions, 10).await;
    let delivery = tokio::time::timeout(LONG, consumer.next()).await.unwrap().unwrap();
    let sent = task::decode(&delivery.message).unwrap();
    assert_eq!((sent.name.as_str(), sent.expires.is_some()), ("train", true));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(&sent.id),
        "the producer prints the id that it sent"
    );
    delivery.ack().await.unwrap();
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_celery_and_berth_read_each_other_on_rabbitmq() {
    let server = RabbitMq::start();
    both_ways(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_celery_and_berth_read_each_other_on_redis() {
    let server = Redis::start();
    both_ways(&server.url()).await;
}
