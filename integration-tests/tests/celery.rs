//! Stock Celery as its registry has it reads what Berth publishes, and Berth reads what stock Celery sends, on both brokers.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

use std::time::Duration;

use berth_broker::celery::task;
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_integration_tests::stock;
use berth_test_servers::celery::{CeleryWorker, produce};
use berth_test_servers::{RabbitMq, Redis};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

fn an_offer() -> Offer {
    Offer {
        run: uuid::Uuid::now_v7(),
        attempt: 1,
        agent: "a".to_owned(),
        queue: "q".to_owned(),
        owner: "default".to_owned(),
        project: "default".to_owned(),
        name: Some("train".to_owned()),
        operation: RawValue::from_string(r#"{"run": {"kind": "job"}, "n": [1, 2.5, null, "ü"]}"#.to_owned())
            .unwrap(),
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

/// A stock worker on the queue of offers (classic on RabbitMQ) prints the arguments of one; then a stock
/// producer's task is read.
async fn both_ways(url: &str) {
    let python = stock("python");
    let names = Names::default();
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    assert!(broker.connected(LONG).await);
    broker.apply(&build::agent(&names, "a", ["q"], QueueKind::Classic)).await.unwrap();
    let offers = names.offers("a", "q");
    let sent = an_offer();
    broker.publish(vec![Publish { to: offers.clone(), message: offer::encode(&sent) }]).await.unwrap();
    let (queue, prefix) = if url.starts_with("redis") {
        (offers.kombu_name(), offers.redis_prefix.as_str())
    } else {
        (offers.queue.as_str(), "")
    };
    let worker = CeleryWorker::start(&python, url, queue, prefix);
    let got: Value = serde_json::from_str(&worker.got(1, LONG)[0]).unwrap();
    assert_eq!((&got["id"], &got["retries"]), (&json!(sent.run.to_string()), &json!(1)), "{got:#}");
    let operation = json!({"run": {"kind": "job"}, "n": [1, 2.5, null, "ü"]});
    assert_eq!(got["kwargs"]["operation"], operation, "{got:#}");
    assert_eq!((&got["kwargs"]["agent"], &got["kwargs"]["queue"]), (&json!("a"), &json!("q")), "{got:#}");
    drop(worker);

    broker.apply(&build::control_plane(&names, ["sa"])).await.unwrap();
    let submissions = names.submit("sa");
    let id = produce(&python, url, &submissions.queue, "train", ("[1, \"a\"]", "{\"lr\": 0.1}"));
    let mut consumer = broker.consume(&submissions, 10).await;
    let delivery = tokio::time::timeout(LONG, consumer.next()).await.unwrap().unwrap();
    let read = task::decode(&delivery.message).unwrap();
    assert_eq!((read.name.as_str(), read.id, read.expires.is_some()), ("train", id, true));
    assert_eq!(json!(read.body.args), json!([1, "a"]));
    assert_eq!(json!(read.body.kwargs), json!({"lr": 0.1}));
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
