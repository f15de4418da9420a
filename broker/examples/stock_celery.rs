//! Shows that stock Celery and Berth read each other, on both brokers:
//! `cargo run -p berth-broker --example stock_celery -- PYTHON`, with a Python that has Celery and redis-py.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "an example stops at the first surprise")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_broker::celery::task;
use berth_broker::offer::{self, Offer};
use berth_broker::{Broker, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_test_servers::{CeleryWorker, RabbitMq, Redis, celery};
use serde_json::value::RawValue;
use uuid::Uuid;

fn an_offer() -> Offer {
    let operation = r#"{"component": {"run": {"kind": "job"}}, "params": [1, 2.5, null, "ü"]}"#;
    Offer {
        run: Uuid::now_v7(),
        attempt: 1,
        agent: "a".to_owned(),
        queue: "q".to_owned(),
        owner: "default".to_owned(),
        project: "default".to_owned(),
        name: None,
        operation: RawValue::from_string(operation.to_owned()).expect("JSON"),
        spec_hash: "abc".to_owned(),
        hard_limit: Some(60.0),
        soft_limit: Some(50.0),
        eta: None,
        expires: Some("2099-01-01T00:00:00.000000+00:00".to_owned()),
        root_id: None,
        parent_id: None,
        needs: vec!["process".to_owned()],
    }
}

async fn show(python: &Path, url: &str, queue: &str, prefix: &str) {
    let mut out = std::io::stdout().lock();
    let names = Names::default();
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    assert!(broker.connected(Duration::from_secs(20)).await);
    broker.apply(&build::agent(&names, "a", ["q"], QueueKind::Classic)).await.unwrap();
    broker.apply(&build::control_plane(&names, ["sa"])).await.unwrap();

    let sent = an_offer();
    let to = names.offers("a", "q");
    broker.publish(vec![Publish { to, message: offer::encode(&sent) }]).await.unwrap();
    let worker = CeleryWorker::start(python, url, queue, prefix);
    let got = worker.got(1, Duration::from_secs(60));
    assert!(got[0].contains(&sent.run.to_string()));
    writeln!(out, "a stock worker got {}", got[0]).unwrap();

    let id =
        celery::produce(python, url, &names.submit("sa").queue, "capp.add", ("[2, 3]", "{\"x\": \"y\"}"));
    let mut submissions = broker.consume(&names.submit("sa"), 1).await;
    let delivery = submissions.next().await.unwrap();
    let task = task::decode(&delivery.message).unwrap();
    assert_eq!(task.id, id);
    writeln!(out, "a stock producer sent {} {:?} {:?}", task.name, task.body.args, task.body.kwargs).unwrap();
    delivery.ack().await.unwrap();
    broker.close().await;
}

#[tokio::main]
async fn main() {
    let python = PathBuf::from(std::env::args().nth(1).expect("the path of a Python with Celery"));
    let redis = Redis::start();
    show(&python, &redis.url(), "run.q", "berth.a.").await;
    let rabbit = RabbitMq::start();
    show(&python, &rabbit.url(), "berth.a.run.q", "").await;
}
