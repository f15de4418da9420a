//! Stock Celery as its registry has it reads what Berth publishes, and Berth reads what stock Celery sends, on both brokers.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

use std::time::Duration;

use berth_broker::celery::event::Event;
use berth_broker::celery::{control, task};
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Address, Names, build};
use berth_integration_tests::stock;
use berth_test_servers::celery::{CeleryWorker, produce};
use berth_test_servers::process::run;
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
        trace: None,
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

/// In another database, and with kombu's `global_keyprefix`.
#[tokio::test(flavor = "multi_thread")]
async fn on_redis_stock_tools_with_a_key_prefix_find_celerys_own_names() {
    let server = Redis::start();
    let url = server.url().replace("/0", "/5");
    let mut settings = Settings::new(&url).unwrap();
    settings.celery_prefix = "tools:".to_owned();
    let broker = Broker::connect(settings).unwrap();
    assert!(broker.connected(LONG).await);
    let mut commands = broker.commands(control::NAMESPACE).await;
    // As the link of a submission is sent.
    let task = Message::json(r#"[["done"], {}, {}]"#);
    broker.publish(vec![Publish { to: Address::foreign("celery"), message: task }]).await.unwrap();

    let (python, script) = (stock("python"), "/python/celery_prefix.py");
    let script = [env!("CARGO_MANIFEST_DIR"), script].concat();
    let tools = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(python);
        run(command.args([&script, &url, "tools:"]).env("PYTHONWARNINGS", "ignore"))
    });
    let heartbeat: Event = serde_json::from_value(json!({
        "type": "worker-heartbeat", "hostname": "a@r", "timestamp": 1.0, "freq": 2.0, "pid": 1, "clock": 1,
    }))
    .unwrap();
    let mut beat = tokio::time::interval(Duration::from_millis(200));
    let answering = async {
        loop {
            tokio::select! {
                Some(message) = commands.next() => {
                    let command = control::decode(&message).unwrap().command;
                    let (ticket, answer) = (command.ticket, json!({"ok": "pong"}));
                    let reply = control::Reply { node: "a@r".to_owned(), answer, ticket, clock: Some(1) };
                    broker.reply(&command.reply_to.unwrap(), control::encode_reply(&reply)).await.unwrap();
                }
                _ = beat.tick() => broker.emit(std::slice::from_ref(&heartbeat)).await.unwrap(),
            }
        }
    };
    let said = tokio::select! {
        said = tokio::time::timeout(LONG, tools) => said.unwrap().unwrap(),
        () = answering => unreachable!("it goes on for ever"),
    };
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, json!({"nodes": {"a@r": {"ok": "pong"}}, "heard": "a@r", "task": ["done"]}));
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
