//! No credential is in any log, error or `Debug`, whatever goes wrong.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::Names;
use berth_test_servers::{RabbitMq, Redis, port};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_is_ever_shown() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .init();
    let (redis, rabbit, nobody) = (Redis::start(), RabbitMq::start(), port::free());
    let wrong = "wr0ng-s3cret";
    let urls = [
        redis.url(),
        rabbit.url(),
        format!("redis://:{wrong}@127.0.0.1:{}/0", redis.port()),
        format!("amqp://someone:{wrong}@127.0.0.1:{}/%2f", rabbit.port()),
        format!("redis://:{wrong}@127.0.0.1:{nobody}/0"),
        format!("amqp://someone:{wrong}@127.0.0.1:{nobody}/%2f"),
        format!("amqp://someone:{wrong}@no-such-host.invalid/%2f"),
    ];
    let mut shown = String::new();
    for url in &urls {
        let settings = Settings::new(url).unwrap();
        shown.push_str(&format!("{settings:?}\n"));
        let broker = Broker::connect(settings).unwrap();
        broker.connected(Duration::from_secs(2)).await;
        let to = Names::default().offers("a", "q");
        let error = broker.publish(vec![Publish { to, message: Message::json("{}") }]).await.unwrap_err();
        shown.push_str(&format!("{error} {error:?} {broker:?} {:?}\n", *broker.connection().borrow()));
        broker.close().await;
    }
    for bad in
        [format!("http://u:{wrong}@h/"), format!("redis://u:{wrong}@h/x"), format!("amqp://u:{wrong}@")]
    {
        shown.push_str(&format!("{:?}\n", Settings::new(&bad).map(|_| ()).expect_err("not a broker URL")));
    }
    shown.push_str(&String::from_utf8_lossy(&log.0.lock().unwrap()));
    assert!(shown.contains("broker.disconnected"), "{shown}");
    for secret in [wrong, redis.password(), rabbit.password()] {
        let found = shown.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{found:?}");
    }
}
